"""Prompts as notebook users type them, with the tier judged sufficient for each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypedDict

from benchmarks.server import ROOT
from costroute_nb.core.catalog import Tier, tier_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FILE = ROOT / "tests" / "data" / "notebook_prompts.jsonl"
UNSEEN = ROOT / "tests" / "data" / "unseen_requests.jsonl"

Split = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class NotebookPrompt:
    """One prompt and what was judged about it before any rule was asked.

    Attributes
    ----------
    tier
        The least tier that was judged sufficient for a good answer.
    floor
        Whether a tier below the judged one would be harmful, not only worse.
    why
        One sentence on the tier, in the language of the prompt.
    paraphrases
        The same request in other words or languages; of floors only.
    """

    id: str
    prompt: str
    tier: Tier
    floor: bool
    why: str
    family: str
    language: str
    split: Split
    paraphrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnseenRequest:
    """One request of a writer who had seen no rule; nothing was adapted to or taught by it.

    `high_stakes` tells whether it was written as work where a wrong answer costs much
    more than the call, half of it in plain words, or as other work, a part of which comes
    near that by its words.
    """

    id: str
    prompt: str
    high_stakes: bool


class Raised(TypedDict):
    """How many unseen requests get the large tier, of high stakes and of low ones."""

    high: int
    high_large: int
    low: int
    low_large: int


class Agreement(TypedDict):
    """How a classifier's tiers compare with the judged ones.

    `n`, `agree`, `under` and `over` count prompts. Of texts, paraphrases included:
    `floor_texts` counts those of floors, and `floor_misses` names those that got less
    than the judged tier, as (id, text).
    """

    n: int
    agree: int
    under: int
    over: int
    floor_texts: int
    floor_misses: list[tuple[str, str]]


@cache
def load(split: Split | None = None) -> tuple[NotebookPrompt, ...]:
    """Read all prompts, or those of one split, in the file's order."""
    lines = FILE.read_text("utf-8").splitlines()
    rows = map(json.loads, lines)
    prompts = [
        NotebookPrompt(**{**row, "paraphrases": tuple(row["paraphrases"])})
        for row in rows
    ]
    return tuple(each for each in prompts if split in (None, each.split))


@cache
def unseen() -> tuple[UnseenRequest, ...]:
    """Read the unseen requests, in the file's order."""
    lines = UNSEEN.read_text("utf-8").splitlines()
    return tuple(UnseenRequest(**json.loads(line)) for line in lines)


def raised(
    classify: Callable[[str], Tier], requests: Iterable[UnseenRequest]
) -> Raised:
    """Count which requests `classify` gives the large tier."""
    found: Raised = {"high": 0, "high_large": 0, "low": 0, "low_large": 0}
    for each in requests:
        large = classify(each.prompt) == "large"
        found["high" if each.high_stakes else "low"] += 1
        found["high_large" if each.high_stakes else "low_large"] += large
    return found


def agreement(
    classify: Callable[[str], Tier], prompts: Iterable[NotebookPrompt]
) -> Agreement:
    """Compare the tiers that `classify` gives to the texts with the judged ones."""
    found: Agreement = {
        "n": 0, "agree": 0, "under": 0, "over": 0, "floor_texts": 0, "floor_misses": [],
    }  # fmt: skip
    for each in prompts:
        wanted = tier_rank(each.tier)
        rank = tier_rank(classify(each.prompt))
        found["n"] += 1
        found["agree"] += rank == wanted
        found["under"] += rank < wanted
        found["over"] += rank > wanted
        for text in (each.prompt, *each.paraphrases) if each.floor else ():
            found["floor_texts"] += 1
            if tier_rank(classify(text)) < wanted:
                found["floor_misses"].append((each.id, text))
    return found
