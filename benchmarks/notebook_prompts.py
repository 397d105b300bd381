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
