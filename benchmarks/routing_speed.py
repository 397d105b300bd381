"""How long classification takes on one core, and what the shipped weights weigh."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.report import Line
from benchmarks.routing_scorers import combined, rule_class, shipped_rules
from benchmarks.timing import fresh, in_turns
from costroute_nb.artifact import read_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# None of these words is in a rule, so that an estimate is asked for.
_PROSE = (
    "The harbour master wrote that two of the boats had come in late, that the "
    "ropes were wet, and that nobody had counted the crates on the western quay. "
)
_MOST_BYTES = 2_000_000
_LOAD = """
import time
import numpy, costroute_nb.session  # what any call has loaded
{before}
started = time.perf_counter()
{timed}
print(time.perf_counter() - started)
"""
_CODE = "from costroute_nb.artifact import read_model"
_WEIGHTS = "read_model()"
_LOADS = (
    ("loading the weights, after numpy", _CODE, _WEIGHTS, 0.02),
    ("  with the code that reads them", "", f"{_CODE}\n{_WEIGHTS}", None),
)


def speed(prompts: Sequence[str], repeats: int) -> list[Line]:
    """Return the times of rules, of estimates and of both, and of loading."""
    return list(_lines(prompts, repeats))


def _lines(prompts: Sequence[str], repeats: int) -> Iterator[Line]:
    prose = _PROSE * (1_000_000 // len(_PROSE) + 1)
    kilobyte = partial(rule_class, prose[:1_000])
    times = in_turns({"rules": kilobyte}, 10 * repeats)["rules"]
    yield Line("rules alone, 1 kB", median(times), most_seconds=0.0002)
    model = read_model()
    both = combined(shipped_rules(), model)
    sample = list(islice(prompts, 0, None, max(1, len(prompts) // (100 * repeats))))
    yield from _each("learned score, a prompt", model.estimate, sample)
    yield from _each("rules and learned score, a prompt", both.classify, sample)
    whole = in_turns({"both": partial(both.classify, prose[:1_000_000])}, repeats)
    yield Line(
        "rules and learned score, 1 MB", median(whole["both"]), most_seconds=0.005
    )
    for subject, before, timed, most in _LOADS:
        script = _LOAD.format(before=before, timed=timed)
        yield _loading(subject, script, most, max(3, repeats))


def _loading(subject: str, script: str, most: float | None, repeats: int) -> Line:
    try:
        loads = [fresh(script, at=Path.cwd()) for _ in range(repeats)]
    except RuntimeError as error:
        return Line(subject, note=f"not measured: {error}")
    note = _size() if most else ""
    return Line(subject, median(loads), most_seconds=most, note=note)


def _each(
    subject: str, work: Callable[[str], object], prompts: Sequence[str]
) -> Iterator[Line]:
    """Yield the median and the 95th percentile over prompts, each timed by itself."""
    times = []
    for prompt in (*prompts[:20], *prompts):  # the first ones may load and compile
        started = perf_counter()
        work(prompt)
        times.append(perf_counter() - started)
    kept = times[min(20, len(prompts)) :]
    yield Line(subject, median(kept), most_seconds=0.0005)
    yield Line("  95th percentile", quantiles(kept, n=20)[-1], most_seconds=0.0015)


def _size() -> str:
    folder = Path(str(files("costroute_nb"))) / "data"
    size = sum(file.stat().st_size for file in folder.glob("classifier.*"))
    verdict = "within" if size <= _MOST_BYTES else "NOT within"
    return f"the artifact has {size:,} bytes, {verdict} {_MOST_BYTES:,}"
