"""How well prompts are routed on tables of what real models answered to them.

Run `python -m benchmarks.routing_quality --data DIR [--split NAME] [--cv] [--families]
[--json FILE] [--quick]`. DIR has the tables `NAME.parquet`, or its `routing` has; see
`costroute_nb.training.outcomes` for what is in them. It fails where a near-duplicate
stands on both sides of a split. `--cv` and `--families` train: that takes minutes. The
routers of LiteLLM are measured where the extra `bench` is installed beside `train`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

if __package__ in (None, ""):  # run as a file, which is not found as a package
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import notebook_prompts
from benchmarks.routing_folds import (
    HeldOut,
    cross_validated,
    families_left_out,
)
from benchmarks.routing_report import NOT_HELD_OUT, Part, Report, as_json, text
from benchmarks.routing_robustness import robustness
from benchmarks.routing_scorers import rules_first, score_all, tiers
from benchmarks.routing_speed import speed
from costroute_nb.training.figures import MEAN, Bench, calibration, difference
from costroute_nb.training.fitting import fit
from costroute_nb.training.held_out import apgr_fold_by_fold
from costroute_nb.training.outcomes import (
    FOLDS,
    LeakageError,
    OutcomesError,
    check_sides,
    of_split,
    pooled,
    read_outcomes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from benchmarks.notebook_prompts import Agreement
    from costroute_nb.core.catalog import Tier
    from costroute_nb.training.figures import Scores

_SEED = 20261122
_TRAINED_ON = {"train", "dev"}
_SPLITS: tuple[notebook_prompts.Split, ...] = ("train", "test")
_BASELINE = "domain, then linear specialists"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    started = perf_counter()
    try:
        frames = read_outcomes(options.data)
        check_sides(frames)
        if options.split:
            frames = of_split(frames, options.split)
            if not frames:
                message = f"no row is of the split {options.split}"
                raise OutcomesError(message)
    except (LeakageError, OutcomesError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    report = _measured(frames, options)
    print(text(report))
    print(f"\nin {perf_counter() - started:.0f} s")
    if options.json:
        content = json.dumps(as_json(report), indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing_quality")
    parser.add_argument(
        "--data", type=Path, required=True, help="the tables' directory"
    )
    parser.add_argument("--split", help="score the rows of this split only")
    parser.add_argument(
        "--cv", action="store_true", help="train on 4 of 5 folds, in turn"
    )
    parser.add_argument(
        "--families", action="store_true", help="train without each family, in turn"
    )
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--quick", action="store_true", help="few resamples and times")
    return parser.parse_args(arguments)


def _measured(frames: dict[str, pd.DataFrame], options: argparse.Namespace) -> Report:
    bench = Bench(frames, 200 if options.quick else 1_000, _SEED)
    prompts = pooled(frames)["prompt"].tolist()
    parts = [_as_shipped(bench, prompts)]
    if options.cv:
        found = cross_validated(frames, fit)
        title = f"Held out: {FOLDS} folds, clusters kept together"
        parts.append(_held_out(title, bench, prompts, found))
        parts[-1].notes.append(_folds_apart(frames, found))
    if options.families:
        found = families_left_out(frames, fit)
        title = "Held out: each family scored by what was trained on the others"
        parts.append(_held_out(title, bench, prompts, found))
    ways = tiers()
    return Report(
        rows={name: len(frame) for name, frame in frames.items()},
        parts=parts,
        times=speed(prompts, 3 if options.quick else 11),
        agreements=_agreements(ways),
        raised={
            name: notebook_prompts.raised(tier, notebook_prompts.unseen())
            for name, tier in ways.items()
        },
        moved=robustness(ways, prompts),
    )


def _as_shipped(bench: Bench, prompts: list[str]) -> Part:
    scored = score_all(prompts, _SEED)
    splits = set(pooled(bench.frames)["split"])
    seen = bool(splits & _TRAINED_ON)
    part = Part(
        "As shipped" + (", where `learned` and `both` are NOT HELD OUT" if seen else ""),
        {
            f"{way} (seen)" if seen and way in ("learned", "both") else way:
            bench.ordering(bench.split(scores))
            for way, scores in scored.scores.items()
        },
        scored.missing,
        [NOT_HELD_OUT] if seen else [],
    )  # fmt: skip
    said = [estimate.p_small_fails for estimate in scored.estimates]
    part.calibration = calibration(bench.frames, bench.split(said))
    unknown = [float(not each.known_domain) for each in scored.estimates]
    part.unknown = _means(bench.split(unknown))
    return part


def _held_out(title: str, bench: Bench, prompts: list[str], found: HeldOut) -> Part:
    part = Part(title, {_BASELINE: bench.ordering(found.specialists)})
    pooled_scores = np.concatenate(list(found.learned.values())).tolist()
    part.orderings["learned"] = bench.ordering(found.learned)
    both = rules_first(prompts, pooled_scores)
    part.orderings["both"] = bench.ordering(bench.split(both))
    part.difference = difference(part.orderings["learned"], part.orderings[_BASELINE])
    part.calibration = calibration(bench.frames, found.p_fails)
    part.unknown = _means(found.unknown)
    return part


def _means(columns: Scores) -> dict[str, float]:
    return {name: float(column.mean()) for name, column in columns.items()}


def _folds_apart(frames: dict[str, pd.DataFrame], found: HeldOut) -> str:
    """Say what comes out where each fold is ordered by itself, as its model saw it."""
    ways = {_BASELINE: found.specialists, "learned": found.learned}
    said = [
        f"{way} {np.nanmean(list(apgr_fold_by_fold(frames, scores).values())):.3f}"
        for way, scores in ways.items()
    ]
    return (
        "Above, a table's five folds are ordered together, though five models scored "
        f"them. The {MEAN} APGR where each fold is ordered by itself: {', '.join(said)}."
    )


def _agreements(ways: Mapping[str, Callable[[str], Tier]]) -> dict[str, Agreement]:
    return {
        f"{name}, {split}": notebook_prompts.agreement(
            tier, notebook_prompts.load(split)
        )
        for name, tier in ways.items()
        for split in _SPLITS
    }


if __name__ == "__main__":
    main()
