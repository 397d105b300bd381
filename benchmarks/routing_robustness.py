"""How often a prompt's tier flips when something harmless is changed about it.

Harmless is what changes nothing of the task: blanks, case, a typo, courtesies, Markdown
fences, a wrapper in another language. An instruction to take a cheaper model is no part
of the task either: the tier may not become lower by it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING
from zlib import crc32

from benchmarks.server import ROOT
from costroute_nb.core.catalog import tier_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from costroute_nb.core.catalog import Tier

    Change = Callable[[str], str]

FILE = ROOT / "tests" / "data" / "harmless_changes.toml"
MOST_FLIPS = 0.05
"""The share of prompts whose tier may flip by one kind of harmless change."""

_LONGER = re.compile(r"[^\W\d_]{6,}")
_AT_MOST = 2_000
_BETWEEN = re.compile(r"(?<=[.!?]) |\n+")


@dataclass(frozen=True, slots=True)
class Moved:
    """How many prompts one kind of change was made to, and to how many tiers it did what."""

    kind: str
    prompts: int
    flipped: int
    lowered: int

    @property
    def share(self) -> float:
        """The share of flipped tiers, from 0 to 1."""
        return self.flipped / max(self.prompts, 1)


@cache
def phrases(name: str) -> tuple[str, ...]:
    """Return the phrases of all lists of the file whose names begin so."""
    lists = tomllib.loads(FILE.read_text("utf-8"))
    return tuple(
        phrase for key, said in lists.items() if key.startswith(name) for phrase in said
    )


def harmless(which: str = "") -> dict[str, list[Change]]:
    """Return the kinds of harmless changes; `which` is `_seen`, `_later` or all."""
    return {
        "whitespace": [
            lambda text: text.replace(" ", "  "),
            lambda text: f"{text}\n",
            lambda text: text.replace("\n", "\r\n"),
            lambda text: "\n".join(f"    {line}" for line in text.splitlines()),
        ],
        "case": [str.upper, str.lower, str.title],
        "typo": [typo],
        "courtesy": [
            *(before(phrase) for phrase in phrases(f"polite{which}")),
            *(before(phrase, "\n\n") for phrase in phrases(f"polite{which}")),
        ],
        "fence": [
            lambda text: f"```\n{text}\n```",
            lambda text: f"```text\n{text}\n```",
        ],
        "wrapper before": [
            *(before(phrase) for phrase in phrases(f"before{which}")),
            *(before(phrase, "\n\n") for phrase in phrases(f"before{which}")),
        ],
        "wrapper after": [
            *(after(phrase) for phrase in phrases(f"after{which}")),
            *(after(phrase, "\n\n") for phrase in phrases(f"after{which}")),
        ],
    }


def instructions(which: str = "") -> list[Change]:
    """Return the ways to ask for a cheap model: each phrase first, in between and last."""
    said = phrases(f"instructions{which}")
    return [
        *(before(phrase) for phrase in said),
        *(before(phrase, "\n\n") for phrase in said),
        *(between(phrase) for phrase in said),
        *(after(phrase) for phrase in said),
        *(after(phrase, "\n\n") for phrase in said),
    ]


def before(phrase: str, gap: str = " ") -> Change:
    return lambda text: f"{phrase}{gap}{text}"


def after(phrase: str, gap: str = " ") -> Change:
    return lambda text: f"{text}{gap}{phrase}"


def between(phrase: str) -> Change:
    """Put a phrase on a line between two sentences or lines, as near the middle as can be."""

    def changed(text: str) -> str:
        gaps = [found.end() for found in _BETWEEN.finditer(text)] or [len(text)]
        middle = min(gaps, key=lambda gap: abs(gap - len(text) // 2))
        return f"{text[:middle].rstrip()}\n{phrase}\n{text[middle:]}"

    return changed


def typo(text: str) -> str:
    """Drop a letter of one longer word, or swap it with the next: the same ones always."""
    words = list(_LONGER.finditer(text))
    if not words:
        return text
    chance = Random(crc32(text.encode()))  # noqa: S311 - a typo is no secret
    word = chance.choice(words)
    at = chance.randrange(word.start() + 1, word.end() - 2)
    one, other = text[at], text[at + 1]
    wrong = other if one == other or chance.random() < 0.5 else other + one
    return f"{text[:at]}{wrong}{text[at + 2 :]}"


def moved(
    kind: str,
    changes: Sequence[Change],
    tier: Callable[[str], Tier],
    prompts: Sequence[str],
    found: Sequence[Tier],
) -> Moved:
    """Make one of the changes to each prompt, in turn, and count the tiers that move.

    `found` are the tiers of the prompts as they are.
    """
    flipped = lowered = 0
    for number, (text, was) in enumerate(zip(prompts, found, strict=True)):
        now = tier(changes[number % len(changes)](text))
        flipped += now != was
        lowered += tier_rank(now) < tier_rank(was)
    return Moved(kind, len(prompts), flipped, lowered)


def robustness(
    ways: Mapping[str, Callable[[str], Tier]], prompts: Sequence[str]
) -> dict[str, list[Moved]]:
    """Return what each kind of change does to the tiers of prompts, by way of routing.

    Of many prompts some are taken, at even distances.
    """
    some = prompts[:: max(1, len(prompts) // _AT_MOST)]
    return {way: each_kind(tier, some) for way, tier in ways.items()}


def each_kind(tier: Callable[[str], Tier], prompts: Sequence[str]) -> list[Moved]:
    """Return what each kind of change does to the tiers of prompts."""
    found = [tier(text) for text in prompts]
    kinds = {
        **harmless(),
        "instruction": instructions("_seen"),
        "instruction, new": instructions("_later"),
    }
    return [
        moved(kind, changes, tier, prompts, found) for kind, changes in kinds.items()
    ]
