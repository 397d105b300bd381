"""How long the local server's models think and answer: assumptions, not measurements.

What structured output and effort save follows from these numbers, so they are printed
beside it. The prompts' tokens are counted.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from benchmarks.texts import texts
from benchmarks.workload import ASKS, Finding
from tests.support.anthropic_server import Text
from tests.support.messages_api.tokens import strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.workload import Ask

THINKING = {"low": 150, "medium": 500, "high": 1000}
"""Tokens of thinking for one answer, by effort."""
_USUAL_EFFORT = {"claude-sonnet-5-5": "high"}
_MOST_FINDINGS = 8
_WORD = re.compile(r"\w+")
_BEFORE = (
    "I went through the whole text and found the following names. Each one is listed "
    "with the line it first appears on and with a short note on the context:\n\n"
)
_AFTER = (
    "\n\nA few remarks: the line numbers count from the first line of the text you "
    "gave me, empty lines included. Where a name appears more than once I took its "
    "first appearance, and I left out names that are only mentioned in passing. Let "
    "me know if you would like a different set of keys, or the names in another order."
)

ASSUMED = (
    f"thinking takes {THINKING['low']}, {THINKING['medium']} or {THINKING['high']} "
    "tokens at effort low, medium or high, and none where it is turned off; unless "
    "asked, Haiku and Opus think at medium and Sonnet at high",
    "without a schema an extraction is indented JSON with "
    f"{len(_WORD.findall(_BEFORE + _AFTER))} words around it, with one it is the same "
    "JSON alone, in one line",
    "every answer has the same length whichever model gives it, and every one is good: "
    "quality is not measured, and nothing is escalated",
    'tiers are chosen by rules alone (`classifier = "rules"`)',
)
"""What the figures rest on, beside the workload."""


def answer(body: dict[str, Any]) -> Text:
    """Return what the model that a request names says to it."""
    ask, text = _asked(body)
    said = _json(body, text) if ask.answer == 0 else _words(ask, text)
    return Text(said, thinking_tokens=_thinking(body), deltas=1)


def kind_of(body: Mapping[str, Any]) -> str:
    """Return what sort of call a request is for."""
    return _asked(body)[0].kind


def _asked(body: Mapping[str, Any]) -> tuple[Ask, str]:
    """Return what is asked for, and about which text."""
    *_, last = strings(body["messages"][-1]["content"])
    ask = next(ask for ask in ASKS if last.startswith(ask.head))
    return ask, last.removeprefix(ask.head)


def _thinking(body: Mapping[str, Any]) -> int:
    if (body.get("thinking") or {}).get("type") in {"disabled", "between_tools"}:
        return 0
    usual = _USUAL_EFFORT.get(body["model"], "medium")
    return THINKING[(body.get("output_config") or {}).get("effort", usual)]


def _words(ask: Ask, text: str) -> str:
    if ask.answer is None:
        return text
    words = texts().story.split()
    return " ".join((words * (1 + ask.answer // len(words)))[: ask.answer])


def _json(body: Mapping[str, Any], text: str) -> str:
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    if schema is None:
        return f"{_BEFORE}```json\n{json.dumps(_findings(text), indent=2)}\n```{_AFTER}"
    (key,) = schema["properties"]
    return json.dumps({key: _findings(text)}, ensure_ascii=False)


def _findings(text: str) -> list[Finding]:
    """Return the first words of some lines that are spread over the text."""
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    step = 1 + len(lines) // _MOST_FINDINGS
    return [
        {"name": line.split()[0][:40], "line": number, "note": line.strip()[:60]}
        for number, line in lines[::step]
    ]
