"""Trains the learned classifier: `python -m costroute_nb.training`.

It reads outcome tables, refuses them where a prompt stands on both sides of a split,
measures held-out figures, then trains on everything and writes the artifact and a
report. The same tables and date give the same bytes of both.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from costroute_nb.artifact import write_model
from costroute_nb.clock import SystemClock
from costroute_nb.core.features import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from costroute_nb.core.learned import LearnedModel

_NEEDED = ("pyarrow", "scipy", "sklearn", "threadpoolctl")
_COMMAND = "python -m costroute_nb.training --data DIR"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and train, as the arguments say.

    Raises
    ------
    SystemExit
        With one line, if the extra is missing, or the tables cannot be used.
    """
    options = _options(arguments)
    if any(find_spec(name) is None for name in _NEEDED):
        sys.exit('training needs more packages: pip install "costroute-nb[train]"')
    from threadpoolctl import threadpool_limits

    # Late, for want of the extra; yet before the limit, which binds what is loaded.
    from costroute_nb.training.fitting import fit
    from costroute_nb.training.outcomes import LeakageError, OutcomesError

    try:
        with threadpool_limits(1):  # sums in parts would depend on the machine
            _run(options, fit)
    except (LeakageError, OutcomesError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m costroute_nb.training")
    parser.add_argument(
        "--data", type=Path, required=True, help="the tables' directory"
    )
    parser.add_argument("--out", type=Path, help="where the classifier is written")
    parser.add_argument(
        "--report", type=Path, required=True, help="where the report is written"
    )
    parser.add_argument(
        "--date",
        type=_day,
        metavar="YYYY-MM-DD",
        help="the date that both say; today in UTC if not given",
    )
    parser.add_argument(
        "--held-out", action="store_true", help="measure only: train nothing to ship"
    )
    options = parser.parse_args(arguments)
    if options.held_out == (options.out is not None):
        parser.error("give either --out or --held-out")
    for file in filter(None, (options.out, options.report)):
        if not file.parent.is_dir():  # better known before minutes of training
            parser.error(f"{file.parent} is no directory")
    return options


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text} is no date such as 2026-01-31"
        raise argparse.ArgumentTypeError(message) from error


def _run(options: argparse.Namespace, fit: Callable[..., LearnedModel]) -> None:
    from costroute_nb.training.evaluation import check, evaluate
    from costroute_nb.training.fitting import ENOUGH
    from costroute_nb.training.outcomes import read_outcomes
    from costroute_nb.training.report import report
    from costroute_nb.training.shipping import Domain, domains_of, facts_of

    day = (options.date or SystemClock().now().date()).isoformat()
    what = "--held-out" if options.held_out else "--out FILE"
    command = f"{_COMMAND} {what} --report FILE --date {day}"
    _say("reading")
    frames = read_outcomes(options.data)
    _say(
        f"looking for near-duplicates among {sum(map(len, frames.values())):,} prompts"
    )
    check(frames)
    found = evaluate(frames, fit, _say)
    domains: list[Domain] = []
    if not options.held_out:
        _say("training on train and dev")
        model = fit(frames, facts=facts_of(found, date=day, command=command))
        write_model(model, options.out)
        domains = domains_of(model, frames)
    text = report(
        found, domains, date=day, version=VERSION, command=command, enough=ENOUGH
    )
    options.report.write_text(text, encoding="utf-8", newline="\n")


def _say(what: str) -> None:
    sys.stderr.write(f"{what} ...\n")


if __name__ == "__main__":
    main()
