"""What the simulated models say: extracts of the prompt, fitted to what it asks.

Nothing is invented. Where a model would need knowledge or language that is not in
the prompt, the answer says that it is simulated.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from costroute_nb.core.promises import count_words, holds
from costroute_nb.providers.simulated.reading import informative_sentences

if TYPE_CHECKING:
    from collections.abc import Callable

    from costroute_nb.providers.simulated.reading import Prompt

_MARK = "(simulated)"
_SHORT_WORDS = 30
_NOTHING = f"{_MARK} The prompt holds nothing of the kind."
_WORDS = re.compile(r"\b(\d{1,5})[\s-]*words?\b", re.IGNORECASE)
_CHARACTERS = re.compile(r"\b(\d{1,5})[\s-]*(?:characters?|chars?)\b", re.IGNORECASE)
_COUNT = re.compile(
    r"\b(\d{1,3}|one|two|three|four|five)[\s-]+(?:short |key |main |brief )?"
    r"(?:sentence|bullet|point|item|line|takeaway|keyword|title)s?\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_LABELS = re.compile(
    r"\b(?:as|into|of|with|:|between)\s+((?:['\"`]?[\w-]+['\"`]?(?:,\s*|\s+or\s+|,\s*or\s+"
    r"|\s+and\s+|\s*/\s*|\s*\|\s*))+['\"`]?[\w-]+['\"`]?)",
    re.IGNORECASE,
)
_LABEL_BREAK = re.compile(r",\s*(?:or\s+|and\s+)?|\s+(?:or|and)\s+|\s*[/|]\s*")
_RENAME = re.compile(
    r"\b(?:rename|replace(?: all)?|change)\s+[`'\"]?([\w.]+)[`'\"]?\s+(?:to|with|by|into)"
    r"\s+[`'\"]?([\w.]+)[`'\"]?",
    re.IGNORECASE,
)
_PLAIN_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_LONG_WORD = re.compile(r"([!-~]{40})[!-~]+")
_LANGUAGE = re.compile(r"\b(?:in)?to\s+([A-Z][a-z]+)")
_FOUND = (
    (
        re.compile(r"\be-?mails?\b", re.IGNORECASE),
        re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+\w"),
    ),
    (
        re.compile(r"\b(?:url|link)s?\b", re.IGNORECASE),
        re.compile(r"https?://[^\s)>\"']+"),
    ),
    (
        re.compile(r"\bdates?\b", re.IGNORECASE),
        re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"),
    ),
    (
        re.compile(r"\b(?:number|figure|price|amount)s?\b", re.IGNORECASE),
        re.compile(r"[$€£]?\d[\d,]*(?:\.\d+)?%?"),
    ),
)
_GOOD = "good great excellent love loved happy fast best perfect wonderful like thank"
_BAD = "bad poor terrible hate hated slow worst broken awful refund never disappointed"


def answer(prompt: Prompt, words: int, flawed: bool) -> str:
    """Answer a prompt from its own text.

    `words` is how much an answer without a stated length may say. A `flawed` answer
    is what a small model gives on a bad day: it forgets the length, the form or the
    choice that it was given, or says nothing of substance.
    """
    for asked, reply in _KINDS:
        if asked.search(prompt.instruction):
            text = reply(prompt, words, flawed)
            break
    else:
        kind = _code if prompt.language else _reply
        text = kind(prompt, words, flawed)
    text = text if text.strip() else _NOTHING
    return text if flawed else _within(prompt, text)


def _within(prompt: Prompt, text: str) -> str:
    if prompt.most_words is not None:
        text = _first_words(text, prompt.most_words)
    return text[: prompt.most_characters].rstrip()


def flawed_json(data: Any, schema: Any, choice: int) -> str:
    """Return a schema's answer gone wrong: a key is missing, or prose surrounds it."""
    if choice % 2 == 0 and isinstance(data, dict) and schema.get("required"):
        dropped = schema["required"][0]
        return _json({key: value for key, value in data.items() if key != dropped})
    return f"Here is the JSON you asked for: {_json(data)}. I hope that helps!"


def _translation(prompt: Prompt, words: int, flawed: bool) -> str:
    language = _LANGUAGE.search(prompt.instruction)
    target = language[1] if language else "another language"
    if flawed:
        return f"{_MARK} No translation."
    extract = " ".join(informative_sentences(prompt, words))
    return f"{_MARK} Here a model would give, in {target}: “{extract}”"


def _label(prompt: Prompt, words: int, flawed: bool) -> str:
    if flawed:
        return "It depends."
    named = _LABELS.search(prompt.instruction)
    labels = _LABEL_BREAK.split(named[1]) if named else ["positive", "negative"]
    labels = [label.strip("'\"` ") for label in labels]
    text = prompt.material.lower()
    good = sum(word in text for word in _GOOD.split())
    bad = sum(word in text for word in _BAD.split())
    mood = "positive" if good > bad else "negative" if bad > good else "neutral"
    by_mood = [label for label in labels if label.lower() == mood]
    said = [label for label in labels if label.lower() in text]
    outside = prompt.instruction != prompt.material
    return (by_mood or (said if outside else []) or labels)[0]


def _converted(prompt: Prompt, words: int, flawed: bool) -> str:
    rows = prompt.table
    if not rows:
        return _extract(prompt, words, flawed)
    header, *body = rows
    records = [dict(zip(header, map(_typed, row), strict=True)) for row in body]
    text = _json(records)
    return f"Here is the JSON you asked for: {text}" if flawed else text


def _typed(cell: str) -> str | int | float:
    if not _PLAIN_NUMBER.fullmatch(cell):
        return cell
    return float(cell) if "." in cell else int(cell)


def _title(prompt: Prompt, words: int, flawed: bool) -> str:
    limit = _limit(_CHARACTERS, prompt, 60)
    best = informative_sentences(prompt, max(12, limit // 4), 1)[0].strip(".!? ")
    best = best or " ".join(prompt.material.split())
    if prompt.keyword and not holds(best, prompt.keyword):
        best = f"{prompt.keyword}: {best}"
    while flawed and len(best) <= limit:
        best += f", {' and '.join(prompt.keywords[:5])} and more"
    if flawed:
        return best
    if len(best) > limit:
        best = best[: limit + 1].rpartition(" ")[0].rstrip(",;:- ") or best[:limit]
    kept = not prompt.keyword or holds(best, prompt.keyword)
    return best if kept else prompt.keyword


def _summary(prompt: Prompt, words: int, flawed: bool) -> str:
    limit = _limit(_WORDS, prompt, words)
    if prompt.table:
        return _first_words(_about_table(prompt), limit)
    count = _COUNT.search(prompt.instruction)
    wanted = _number(count[1]) if count else 99
    if flawed:
        return _too_long(prompt, limit)
    sentences = informative_sentences(prompt, limit, wanted)
    if "bullet" in prompt.instruction.lower():
        return "\n".join(f"- {sentence}" for sentence in sentences)
    shortened = _LONG_WORD.sub(lambda word: f"{word[1]}…", " ".join(sentences))
    return _first_words(shortened, limit)


def _first_words(text: str, limit: int) -> str:
    """Return the longest beginning of a text with at most so many words."""
    if count_words(text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = count_words(text[:middle]) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip()


def _too_long(prompt: Prompt, limit: int) -> str:
    text = " ".join(informative_sentences(prompt, 3 * limit))
    words = text.split()
    while len(words) <= limit:
        words += ["in", "other", "words:", *words]
    return " ".join(words)


def _extract(prompt: Prompt, words: int, flawed: bool) -> str:
    items: list[str] = []
    for asked, pattern in _FOUND:
        if asked.search(prompt.instruction):
            items += pattern.findall(prompt.material)
    if not items and prompt.table:
        items = [", ".join(row) for row in prompt.table[1:]]
    items = list(dict.fromkeys(items or prompt.names or prompt.keywords[:8]))
    if re.search(r"\bjson\b", prompt.instruction, re.IGNORECASE):
        return f"The items are {', '.join(items)}." if flawed else _json(items)
    return (
        f"{_MARK} There are several."
        if flawed
        else "\n".join(f"- {item}" for item in items)
    )


def _code(prompt: Prompt, words: int, flawed: bool) -> str:
    language = prompt.language or "python"
    source = prompt.material if prompt.material != prompt.instruction else ""
    rename = _RENAME.search(prompt.instruction)
    if flawed:
        return f"{_MARK} That should be a small change."
    if source and rename:
        source = re.sub(rf"\b{re.escape(rename[1])}\b", lambda _: rename[2], source)
    elif source:
        return f"```{language}\n{source}\n```\n{_MARK} The code as it was given."
    else:
        source = f'def solution():\n    """{_MARK} A model\'s code would stand here."""'
    return f"```{language}\n{source}\n```"


def _reply(prompt: Prompt, words: int, flawed: bool) -> str:
    if flawed:
        return f"{_MARK} Hard to say."
    if prompt.table:
        return f"{_MARK} {_about_table(prompt)}"
    limit = _limit(_WORDS, prompt, words)
    extract = " ".join(informative_sentences(prompt, max(1, limit - 1)))
    if limit < _SHORT_WORDS:
        return f"{_MARK} {extract}"
    said = "the prompt" if prompt.material == prompt.instruction else "the text"
    return f"{_MARK} No model was asked; {said} says: “{extract}”"


def _about_table(prompt: Prompt) -> str:
    header, *body = prompt.table
    facts = [f"{len(body)} rows with {', '.join(header)}."]
    for place, name in enumerate(header):
        cells = [_typed(row[place]) for row in body]
        values = [cell for cell in cells if not isinstance(cell, str)]
        if len(values) < len(cells):
            continue
        low, high = body[values.index(min(values))], body[values.index(max(values))]
        facts.append(
            f"{name}: from {low[place]} ({low[0]}) to {high[place]} ({high[0]}), "
            f"{sum(values):g} in all."
        )
    return " ".join(facts)


def _limit(pattern: re.Pattern[str], prompt: Prompt, usual: int) -> int:
    stated = pattern.search(prompt.instruction)
    return int(stated[1]) if stated else usual


def _number(text: str) -> int:
    return _NUMBER_WORDS.get(text.lower()) or int(text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_KINDS: tuple[tuple[re.Pattern[str], Callable[[Prompt, int, bool], str]], ...] = tuple(
    (re.compile(asked, re.IGNORECASE), reply)
    for asked, reply in (
        (r"\btranslat", _translation),
        (r"\b(?:classif|categori[sz]|label|sentiment)", _label),
        (r"\bcsv\b.*\bjson\b", _converted),
        (
            r"\b(?:title|headline|subject line|tagline|slogan|alt text|caption)\b",
            _title,
        ),
        (r"\bmeta description", _title),
        (r"\b(?:summar|tl;?dr|abstract\b|condens|shorten|gist\b|key points)", _summary),
        (r"\b(?:extract|list (?:all|the|every)|parse|find all)\b", _extract),
        (
            r"\b(?:function|refactor|implement|lint|rename|replace all|reformat|regex|sql"
            r"|unit tests?|script|bug|source code)\b",
            _code,
        ),
    )
)
