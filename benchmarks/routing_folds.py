"""Held-out scores of our classifier and of the baseline, trained on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.specialists import Specialists
from costroute_nb.training.held_out import Fit, Said, blank, by_families, by_folds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from costroute_nb.training.figures import Scores
    from costroute_nb.training.held_out import Part


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What was said of each table's rows by models that never saw their clusters.

    Attributes
    ----------
    learned, specialists
        The scores by our classifier and by the baseline.
    p_fails
        Our classifier's probabilities that the weak model fails.
    unknown
        1 where it says that a prompt is like none that it knows, else 0.
    """

    learned: Scores
    specialists: Scores
    p_fails: Scores
    unknown: Scores


def cross_validated(frames: Mapping[str, pd.DataFrame], fit: Fit) -> HeldOut:
    """Train on four folds and score the fifth, five times, clusters kept together."""
    return _held_out(frames, by_folds(frames), fit)


def families_left_out(frames: Mapping[str, pd.DataFrame], fit: Fit) -> HeldOut:
    """Train on the other families' tables and score each family's, one by one."""
    return _held_out(frames, by_families(frames), fit)


def _held_out(
    frames: Mapping[str, pd.DataFrame], parts: Iterable[Part], fit: Fit
) -> HeldOut:
    said, specialists = Said.nothing(frames), blank(frames)
    for part in parts:
        baseline = Specialists(part.train)
        for name, frame in frames.items():
            rows = part.out[name]
            if rows.any():
                prompts = frame["prompt"][rows].tolist()
                specialists[name][rows] = baseline.score(prompts)
        said.add(fit(part.train), frames, part.out)
    return HeldOut(said.difficulty, specialists, said.p_small_fails, said.unknown)
