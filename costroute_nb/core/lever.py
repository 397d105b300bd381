"""One way to spend less, what came of it, and how a reader sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from costroute_nb.core.money import format_usd

Counts = Literal["part", "on top", "compared", "cost"]
"""What a lever's money is: a part of what was saved against the baseline model; saved
on top of that, against a baseline of its own; a comparison of averages; or a cost."""


@dataclass(frozen=True, slots=True)
class Lever:
    """One way to spend less, and what came of it.

    Attributes
    ----------
    of
        Which one of several: a model, or a task; else empty.
    counts
        What its money is.
    attempts, tokens
        How many it concerned; tokens are None where nobody knows.
    saved
        In pico-USD against the baseline, negative where it cost more; None where that
        is unknown, or where there is no such sum.
    cost
        What it cost, in pico-USD; None where that is unknown, or not the point.
    unknown
        How many of the attempts are in none of these sums of money.
    baseline
        What it is measured against, in words.
    """

    name: str
    of: str
    counts: Counts
    attempts: int
    tokens: int | None
    saved: int | None
    cost: int | None
    unknown: int
    baseline: str
    finding: str

    @property
    def title(self) -> str:
        """The name, with which one of several it is."""
        return f"{self.name}: {self.of}" if self.of else self.name


@dataclass(frozen=True, slots=True)
class Levers:
    """Every lever that did anything.

    `saved` is what the parts add up to, in pico-USD, None where it is unknown; `notes`
    say what the sums are and what they leave out.
    """

    rows: tuple[Lever, ...] = ()
    saved: int | None = 0
    notes: tuple[str, ...] = ()


HEADINGS = (
    "lever",
    "attempts",
    "tokens",
    "saved",
    "cost",
    "measured against",
    "finding",
)
"""What `lever_cells` are."""


def baseline_in_words(model: str) -> str:
    """Return what savings are measured against, where today it is a certain model.

    A saving is kept as an amount: that of the large tier's model when the call was made.
    """
    return f"the large tier's model when each call was made (today {model})"


def lever_line(lever: Lever) -> str:
    """Return a lever as a line: what it saved or cost, against what, and how."""
    _, attempts, _, saved, cost, *_ = lever_cells(lever)
    money = f"saved {saved} against {lever.baseline}"
    if lever.counts == "cost":
        money = f"cost {cost}"
    elif saved == "–":
        money = f"compared with {lever.baseline}"
    counted = f"{attempts} attempt{'' if lever.attempts == 1 else 's'}"
    return f"{lever.title}: {money} ({counted}; {lever.finding})"


def lever_cells(lever: Lever) -> tuple[str, ...]:
    """Return a lever as a reader wants it; a dash stands for what there is none of."""
    saves, costs = lever.counts in ("part", "on top"), lever.counts == "cost"
    return (
        lever.title,
        f"{lever.attempts:,}",
        "–" if lever.tokens is None else f"{lever.tokens:,}",
        format_usd(lever.saved) if saves or lever.saved is not None else "–",
        format_usd(lever.cost) if costs or lever.cost is not None else "–",
        lever.baseline,
        lever.finding,
    )
