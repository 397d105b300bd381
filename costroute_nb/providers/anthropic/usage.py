"""From the counts a provider reports to a Usage, and which of them to believe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from costroute_nb.core.messages import Usage

_ABSENT_GEO = frozenset({"", "not_available"})
_MOST = 10**9  # tokens; no request comes near it, and its cost still fits in a record
_PROMPT_COUNTS = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
)  # fmt: skip
_COUNTS = frozenset({*_PROMPT_COUNTS, "output_tokens"})
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
_CHARACTERS_PER_TOKEN = 16
_FREE_CHARACTERS = 64


def read_count(counts: object, name: str) -> int | None:
    """Return a whole number of tokens, or None if what was reported is none.

    `20.0` is 20; a negative number, which would refill a budget, is none.
    """
    value = counts.get(name) if isinstance(counts, Mapping) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST else None


def said(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says: neither null nor, as one of the counts, no count."""
    return {
        name: value
        for name, value in counts.items()
        if value is not None
        and (name not in _COUNTS or read_count(counts, name) is not None)
    }


def read_usage(counts: Mapping[str, Any]) -> tuple[Usage, Usage | None, str]:
    """Return usage as reported, and a bound and a note if it is in doubt.

    The doubt is how long cache writes live, which decides their price: without a
    breakdown they count as five-minute writes. Counts that are none are 0.
    """
    written = read_count(counts, "cache_creation_input_tokens")
    breakdown = counts.get("cache_creation")
    short = read_count(breakdown, "ephemeral_5m_input_tokens") or 0
    long = read_count(breakdown, "ephemeral_1h_input_tokens") or 0
    note = ""
    if written and breakdown is None:
        short, note = written, "cache writes came without their lifetime: 5 minutes"
    elif breakdown is not None and written is not None and short + long != written:
        note = (
            f"cache writes of {written} tokens were broken down into {short} + {long}"
        )
        short += max(0, written - short - long)
    details, tools = counts.get("output_tokens_details"), counts.get("server_tool_use")
    geo = _word(counts, "inference_geo")
    usage = Usage(
        input_tokens=read_count(counts, "input_tokens") or 0,
        cache_read_tokens=read_count(counts, "cache_read_input_tokens") or 0,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        output_tokens=read_count(counts, "output_tokens") or 0,
        thinking_tokens=read_count(details, "thinking_tokens") or 0,
        web_searches=read_count(tools, "web_search_requests") or 0,
        service_tier=_word(counts, "service_tier") or "standard",
        speed=_word(counts, "speed") or "standard",
        geo="global" if geo in _ABSENT_GEO else geo,
    )
    if not note:
        return usage, None, ""
    bound = replace(usage, cache_write_5m_tokens=0, cache_write_1h_tokens=short + long)
    return usage, bound, note


def read_parts(
    counts: Mapping[str, Any], served_by: str
) -> tuple[tuple[str, Usage], ...]:
    """Return each serving model's share if more than the named one had one."""
    turns = _turns(counts.get("iterations"))
    models = [str(turn.get("model") or served_by) for turn in turns]
    if set(models) <= {served_by}:
        return ()
    shared = {k: counts.get(k) for k in ("service_tier", "speed", "inference_geo")}
    parts = [
        (model, read_usage({**shared, **turn})[0])
        for model, turn in zip(models, turns, strict=True)
        if read_count(turn, "output_tokens")
    ]
    searches = read_usage(counts)[0].web_searches
    if parts and searches:
        model, usage = parts[-1]
        parts[-1] = model, replace(usage, web_searches=searches)
    return tuple(parts)


def knows_prompt(counts: Mapping[str, Any]) -> bool:
    """Whether the prompt's counts can be believed: all of them, and not all zero."""
    numbers = [read_count(counts, name) for name in _PROMPT_COUNTS]
    present = [counts.get(name) is not None for name in _PROMPT_COUNTS]
    believed = all(n is not None for n, p in zip(numbers, present, strict=True) if p)
    return present[0] and believed and any(numbers)


def fewest_tokens(text: str) -> int:
    """Return a number of tokens that no tokenizer stays below for this text.

    Tokens of more than 16 characters are runs of one character, which count once
    here, or single long names: 64 characters are free for them. Ordinary text has
    three to six characters in a token, also where tokens reach across words.
    """
    if not text:
        return 0
    characters = len(_REPEATED.sub(r"\1", text)) - _FREE_CHARACTERS
    return max(1, characters // _CHARACTERS_PER_TOKEN)


def _turns(value: object) -> list[Mapping[str, Any]]:
    """Return the turns of a response that say anything."""
    given = value if isinstance(value, list) else []
    return [turn for turn in given if isinstance(turn, Mapping) and turn]


def _word(counts: Mapping[str, Any], name: str) -> str:
    """Return a price dimension as it was said; what is no text has no price."""
    return str(counts.get(name) or "")
