"""The held-out figures of a classifier: measured on dev, and over folds."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Any

import numpy as np

from costroute_nb.training.figures import (
    MEAN,
    Bench,
    Calibration,
    Ordering,
    calibration,
)
from costroute_nb.training.held_out import Said, apgr_fold_by_fold, by_folds
from costroute_nb.training.kinds import DOMAINS, rows_of
from costroute_nb.training.outcomes import (
    OutcomesError,
    check_sides,
    of_split,
    pooled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from costroute_nb.core.learned import LearnedModel

DRAWS = 1_000
"""Resamples behind an interval."""

LATER = "o1-mini"
"""A small model of late 2024, later than the pairs whose failures are learned."""

EVERYTHING, OF_KNOWN = "all", "all of known domains"
_SEED = 20261122
_DIGITS = 4
_SHOWN = ("apgr", "cpt50", "cpt80")


@dataclass(frozen=True, slots=True)
class Shift:
    """How much less often a later model fails than those of a table's pair, in logits."""

    table: str
    small: float
    medium: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of models that never saw the prompts they were measured on.

    Attributes
    ----------
    rows
        The rows of each table, by split.
    dev
        The figures on dev of a model trained on train.
    small, medium
        How honest its probabilities are there.
    unknown
        The share of each table's dev rows that it calls like none it knows, of all
        (`EVERYTHING`), and of those whose domain it knows (`OF_KNOWN`).
    folds, fold_by_fold
        The figures of five folds ordered together, and each table's mean APGR where
        each fold is ordered by itself.
    shifts
        What later models are better by, where a table tells.
    """

    rows: dict[str, dict[str, int]]
    dev: Ordering
    small: Calibration
    medium: Calibration
    unknown: dict[str, float]
    folds: Ordering
    fold_by_fold: dict[str, float]
    shifts: list[Shift]


def check(frames: Mapping[str, pd.DataFrame]) -> None:
    """Make sure that neither the splits nor the folds have a prompt on both sides.

    Raises
    ------
    LeakageError
        If one has.
    OutcomesError
        If a split is empty.
    """
    rows = pooled(frames)
    for split in ("train", "dev"):
        if not (rows["split"] == split).any():
            message = f"no row is of the split {split}"
            raise OutcomesError(message)
    check_sides(frames)


def evaluate(
    frames: Mapping[str, pd.DataFrame],
    fit: Callable[[Mapping[str, pd.DataFrame]], LearnedModel],
    progress: Callable[[str], None],
) -> Findings:
    """Return the held-out figures of what `fit` makes of these tables."""
    dev = of_split(frames, "dev")
    progress("training on train, measuring on dev")
    on_dev = Said.nothing(dev)
    every = {name: np.full(len(frame), True) for name, frame in dev.items()}
    of_train = fit(of_split(frames, "train"))
    on_dev.add(of_train, dev, every)
    in_folds = Said.nothing(frames)
    for part in by_folds(frames):
        progress(f"training without {part.name}, measuring on it")
        in_folds.add(fit(part.train), frames, part.out)
    progress("resampling")
    return Findings(
        rows={
            name: {key: int((frame["split"] == key).sum()) for key in ("train", "dev")}
            for name, frame in frames.items()
        },
        dev=Bench(dev, DRAWS, _SEED).ordering(on_dev.difficulty),
        small=calibration(dev, on_dev.p_small_fails),
        medium=calibration(dev, on_dev.p_medium_fails, "medium"),
        unknown=_shares(on_dev, _of_known_domains(of_train, dev)),
        folds=Bench(frames, DRAWS, _SEED).ordering(in_folds.difficulty),
        fold_by_fold=apgr_fold_by_fold(frames, in_folds.difficulty),
        shifts=shifts(frames),
    )


def _shares(said: Said, known: NDArray[np.bool_]) -> dict[str, float]:
    """Return the unknown's share of each table, of all, and where domains are known."""
    shares = {name: float(column.mean()) for name, column in said.unknown.items()}
    everyone = np.concatenate(list(said.unknown.values()))
    shares[EVERYTHING] = float(everyone.mean())
    if known.any():
        shares[OF_KNOWN] = float(everyone[known].mean())
    return shares


def _of_known_domains(
    model: LearnedModel, frames: Mapping[str, pd.DataFrame]
) -> NDArray[np.bool_]:
    """Return which rows of all tables are, by their kind, of a domain a model knows."""
    pairs = zip(model.about.domains, model.about.taught, strict=True)
    taught = {domain for domain, known in pairs if known}
    kind = rows_of(frames)["kind"]
    return kind.map(lambda each: DOMAINS.get(each, each) in taught).to_numpy(bool)


def shifts(frames: Mapping[str, pd.DataFrame]) -> list[Shift]:
    """Return what the later model is better by, on tables that asked it and the pair.

    Small is compared with the weak model of the pair, medium with the strong.
    """
    found = []
    for name, frame in frames.items():
        if f"score:{LATER}" not in frame:
            continue
        asked = frame.dropna(subset=[f"score:{LATER}"])
        weak, strong, later = (
            _logit_of_failing(asked[column].to_numpy(np.float64))
            for column in ("weak", "strong", f"score:{LATER}")
        )
        found.append(Shift(name, later - weak, later - strong))
    return found


def _logit_of_failing(scores: NDArray[np.float64]) -> float:
    """Return the logit of the share of failures; finite even where all or none failed."""
    failed = float((1 - scores).sum())
    return log((failed + 0.5) / (len(scores) - failed + 0.5))


def as_facts(found: Findings) -> dict[str, Any]:
    """Return the figures as the artifact keeps them, rounded."""
    return {
        "trained on train, measured on dev": {
            **_by_table(found.dev),
            "unknown": _rounded(found.unknown),
            "small fails": _honesty(found.small),
            "medium fails": _honesty(found.medium),
        },
        "five folds of train and dev": {
            **_by_table(found.folds),
            "apgr of each fold by itself": _rounded(found.fold_by_fold),
        },
        "intervals": "value, low, high: 95 % by resampling clusters",
    }


def _by_table(ordering: Ordering) -> dict[str, Any]:
    return {
        measure: {
            name: [_number(x) for x in (f.value, f.low, f.high)]
            for name, f in ((n, by[measure]) for n, by in ordering.figures.items())
        }
        for measure in _SHOWN
    }


def _honesty(found: Calibration) -> dict[str, Any]:
    return {
        "expected calibration error": round(found.error, _DIGITS),
        "Brier score": round(found.brier, _DIGITS),
        "expected calibration error by table": _rounded(found.by_table),
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> float | None:
    """Return a value as JSON can have it."""
    return round(value, _DIGITS) if isfinite(value) else None


def mean_of(values: Mapping[str, float]) -> float:
    """Return the mean over the tables that have a value."""
    return float(np.nanmean([v for name, v in values.items() if name != MEAN]))
