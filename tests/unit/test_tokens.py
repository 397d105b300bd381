from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.tokens import (
    DEFAULT_TOKENIZER,
    RATIOS,
    estimate_messages,
    estimate_tokens,
    message_text,
    token_bound,
)

PROSE = (
    "The committee met on Tuesday and agreed, after a long talk about money, that the "
    "old bridge would be repaired before the winter rather than replaced. "
) * 12
CODE = (
    'def find(self, key: str) -> dict[str, int]:\n    return {k: v for (k, v) in self._rows["a"]}'
    '\nassert find(x)["y"] == {"z": [1, 2]}\n'
) * 12
CHINESE = "今天的天气非常好我们去公园散步然后回家吃饭" * 20

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def chars_per_token(text: str, tokenizer: str) -> float:
    return len(text) / estimate_tokens(text, tokenizer)


@given(ANY_TEXT, st.sampled_from(sorted(RATIOS)))
def test_the_bound_is_never_below_the_estimate(text: str, tokenizer: str) -> None:
    assert token_bound(text) >= estimate_tokens(text, tokenizer)


@given(st.lists(ANY_TEXT, min_size=1, max_size=4), ANY_TEXT)
def test_the_bound_of_a_body_is_never_below_the_estimate_of_its_messages(
    texts: list[str], system: str
) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    body = json.dumps({"system": system, "messages": messages}, ensure_ascii=False)
    assert token_bound(body) >= estimate_messages(messages, system)


def test_the_bound_counts_bytes_not_characters() -> None:
    assert token_bound("né🦜") == 1 + 2 + 4
    assert token_bound("né🦜".encode()) == token_bound("né🦜")


def test_half_a_surrogate_pair_is_bounded_too() -> None:
    assert token_bound("\ud83d") == 3


def test_no_text_is_no_token() -> None:
    assert estimate_tokens("") == 0


def test_any_text_is_at_least_one_token() -> None:
    assert estimate_tokens("a") == 1


@pytest.mark.parametrize("tokenizer", sorted(RATIOS))
def test_prose_and_code_get_the_ratios_of_their_tokenizer(tokenizer: str) -> None:
    prose, code, _ = RATIOS[tokenizer]
    assert chars_per_token(PROSE, tokenizer) == pytest.approx(prose, rel=0.05)
    assert chars_per_token(CODE, tokenizer) == pytest.approx(code, rel=0.05)


@pytest.mark.parametrize("tokenizer", sorted(RATIOS))
def test_each_chinese_character_is_about_a_token(tokenizer: str) -> None:
    assert estimate_tokens(CHINESE, tokenizer) == len(CHINESE)


def test_a_mixed_text_counts_each_script_at_its_own_ratio() -> None:
    apart = estimate_tokens(PROSE) + estimate_tokens(CHINESE)
    assert estimate_tokens(PROSE + CHINESE) == pytest.approx(apart, abs=2)


def test_the_newer_tokenizer_makes_more_tokens_of_the_same_prose() -> None:
    older = estimate_tokens(PROSE, "claude-2024")
    assert estimate_tokens(PROSE, "claude-2026") > 1.2 * older


def test_an_unknown_tokenizer_is_taken_as_the_default() -> None:
    assert estimate_tokens(PROSE, "other") == estimate_tokens(PROSE, DEFAULT_TOKENIZER)


def test_only_the_beginning_decides_between_prose_and_code() -> None:
    text = "word " * 2000
    assert estimate_tokens(text + "{}" * 500) == estimate_tokens(text + "ab" * 500)


@given(ANY_TEXT)
def test_the_estimate_of_a_text_doubles_with_the_text(text: str) -> None:
    once = estimate_tokens(text * 40)
    assert estimate_tokens(text * 80) == pytest.approx(2 * once, rel=0.1, abs=2)


def test_a_request_costs_more_than_its_texts() -> None:
    messages = [{"role": "user", "content": PROSE}]
    alone = estimate_messages(messages)
    assert alone > estimate_tokens(PROSE)
    assert estimate_messages([*messages, *messages]) > 2 * estimate_tokens(PROSE)
    assert estimate_messages(messages, system=PROSE) == alone + estimate_tokens(PROSE)


@pytest.mark.parametrize(
    "content",
    [
        "found",
        ["found"],
        [{"text": "found"}],
        [{"type": "tool_result", "content": [{"text": "found"}]}],
        [{"source": {"data": "found", "size": 3}}],
    ],
)
def test_text_is_found_in_any_form_of_content(content: Any) -> None:
    assert "found" in list(message_text({"role": "user", "content": content}))
