"""What a prompt holds: its instruction, its material, and what stands out in them."""

from __future__ import annotations

import ast
import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

# A simulated answer never needs more of a prompt; it also keeps every scan short.
_READ = 20_000
_LONGEST_INSTRUCTION = 400
_FENCE = re.compile(r"```[\w+-]*\n(.*?)```", re.DOTALL)
_FENCE_LANGUAGE = re.compile(r"```([\w+-]+)\n")
# A delegated task's text between its tags, and what the instruction says of them.
_TAGGED = re.compile(r"\n\n<(text-[0-9a-f]{8,64})>\n")
_KEPT = re.compile(r" Keep the keyword (.+) in it, word for word\.\Z", re.DOTALL)
_PROMISED = re.compile(r"^The answer has at most (\d{1,9}) (word|character)s?\.$", re.M)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_PROPER = re.compile(r"\b[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
# No digit is given back: what follows fewer of them is part of a word all the more.
_NUMBER = re.compile(r"(?<![\w.])-?\d++(?:\.\d++)?+(?![\w.]*\w)")
_ASKS = re.compile(
    r"\W*(?:please |can you |could you )?(?:summar|translat|extract|list|rewrite"
    r"|classif|convert|explain|write|what|why|how|which|find|fix|rename|format|parse"
    r"|give|describe|tl;?dr)",
    re.IGNORECASE,
)
_COMMON = frozenset(
    {
        "a", "about", "above", "after", "all", "also", "an", "and", "any", "are",
        "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does",
        "each", "few", "following", "for", "from", "give", "had", "has", "have",
        "he", "her", "here", "his", "how", "i", "if", "in", "into", "is", "it",
        "its", "just", "list", "make", "may", "me", "more", "most", "my", "no",
        "not", "of", "on", "one", "only", "or", "other", "our", "out", "over",
        "please", "she", "should", "so", "some", "such", "text", "than", "that",
        "the", "their", "them", "then", "there", "these", "they", "this", "those",
        "to", "too", "up", "us", "use", "very", "was", "we", "were", "what", "when",
        "where", "which", "while", "who", "will", "with", "words", "would", "write",
        "you", "your",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """A prompt taken apart: what is asked, and what it is asked about.

    `keyword` is what a rewritten title has to keep, `most_words` and
    `most_characters` what a system prompt allows.
    """

    instruction: str
    material: str
    language: str = ""
    keyword: str = ""
    most_words: int | None = None
    most_characters: int | None = None

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences of the material, in order."""
        parts = (part.strip() for part in _SENTENCE_END.split(self.material))
        return [" ".join(part.split()) for part in parts if part] or [self.instruction]

    @cached_property
    def keywords(self) -> list[str]:
        """The telling words of the material, the most frequent first."""
        words = [w for w in _WORD.findall(self.material) if w.lower() not in _COMMON]
        counts = Counter(word.lower() for word in words)
        spelling = {word.lower(): word for word in reversed(words)}
        return [spelling[word] for word, _ in counts.most_common() if len(word) > 1]

    @cached_property
    def names(self) -> list[str]:
        """Capitalised words and phrases that are more than a sentence's start."""
        found = dict.fromkeys(_PROPER.findall(self.material))
        return [n for n in found if " " in n or n.lower() not in _COMMON]

    @cached_property
    def numbers(self) -> list[float]:
        """The numbers of the material, in order."""
        return [float(number) for number in _NUMBER.findall(self.material)]

    @cached_property
    def table(self) -> list[list[str]]:
        """The material's rows, header first, if it is comma-separated; else empty."""
        lines = [line for line in self.material.strip().splitlines() if line.strip()]
        rows = list(csv.reader(lines))
        widths = {len(row) for row in rows}
        is_table = len(rows) > 1 and len(widths) == 1 and widths != {1}
        return rows if is_table else []


def read_prompt(text: str) -> Prompt:
    """Take a prompt apart; without any material, the instruction is the material."""
    delegated = _delegated(text)
    if delegated:
        return delegated
    text = text[:_READ].strip()
    fenced = _FENCE.search(text)
    if fenced:
        language = _FENCE_LANGUAGE.search(text)
        asked = (text[: fenced.start()] + text[fenced.end() :]).strip()
        return Prompt(asked, fenced.group(1).rstrip(), language[1] if language else "")
    first, _, rest = text.partition("\n\n")
    if not rest:
        first, _, rest = text.partition("\n")
    body, _, last = text.rpartition("\n\n")
    if body and not _ASKS.match(first) and _ASKS.match(last):
        first, rest = last, body
    if not rest:
        first, _, rest = text.partition(": ")
    if not rest.strip() or len(first) > _LONGEST_INSTRUCTION:
        return Prompt(text, text)
    return Prompt(first.strip(), rest.strip())


def _delegated(text: str) -> Prompt | None:
    """Take apart a prompt whose material stands between tags, as delegated work does."""
    opening = _TAGGED.search(text)
    if opening is None:
        return None
    tag = opening[1]
    instruction = text[: opening.start()]
    where = f" between <{tag}> and </{tag}>"
    if where not in instruction:
        return None
    instruction = instruction.replace(where, "")
    material = text[opening.end() :].removesuffix(f"\n</{tag}>").strip()
    kept = _KEPT.search(instruction)
    keyword = str(ast.literal_eval(kept[1])) if kept else ""
    asked = instruction[: kept.start()] if kept else instruction
    return Prompt(asked, material[:_READ], keyword=keyword)


def promised(prompt: Prompt, system: str | None) -> Prompt:
    """Return a prompt with the limits that its system prompt tells."""
    told = {unit: int(limit) for limit, unit in _PROMISED.findall(system or "")}
    words, characters = told.get("word"), told.get("character")
    return replace(prompt, most_words=words, most_characters=characters)


def informative_sentences(prompt: Prompt, words: int, count: int = 99) -> list[str]:
    """Return the sentences that tell most, in order, within a number of words.

    A sentence scores by how often the material repeats its words. When even the best
    one is too long, its beginning is returned.
    """
    frequency = Counter(
        word.lower()
        for word in _WORD.findall(prompt.material)
        if word.lower() not in _COMMON
    )
    scores: list[tuple[float, int]] = []
    for position, sentence in enumerate(prompt.sentences):
        terms = [w.lower() for w in _WORD.findall(sentence)]
        weight = sum(frequency[term] for term in set(terms)) / (len(terms) + 3)
        scores.append((-weight, position))
    chosen: list[int] = []
    left = words
    for _, position in sorted(scores):
        length = len(prompt.sentences[position].split())
        if length <= left and len(chosen) < count:
            chosen.append(position)
            left -= length
    if not chosen:
        best = prompt.sentences[min(scores)[1]]
        return [" ".join(best.split()[: max(1, words)])]
    return [prompt.sentences[position] for position in sorted(chosen)]
