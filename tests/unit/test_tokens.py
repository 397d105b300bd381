from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.tokens import (
    DEFAULT_TOKENIZER,
    MESSAGE_OVERHEAD,
    RATIOS,
    REQUEST_OVERHEAD,
    estimate_messages,
    estimate_tokens,
    message_text,
    split_messages,
    split_text,
    token_bound,
)

TEXTS = Path(__file__).parents[1] / "support" / "texts"

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


@pytest.mark.parametrize("parts", [(PROSE, CODE), (CODE, PROSE)])
def test_code_is_recognized_wherever_in_the_text_it_stands(
    parts: tuple[str, str],
) -> None:
    parted = split_text(parts[0] * 3 + parts[1] * 3)
    apart = split_text(PROSE * 3) + split_text(CODE * 3)
    assert parted.code == pytest.approx(apart.code, rel=0.15)
    assert parted.total == pytest.approx(apart.total, rel=0.05)


def test_code_is_recognized_in_the_middle_of_a_long_text() -> None:
    code = split_text(CODE * 100)
    found = split_text(PROSE * 300 + CODE * 100 + PROSE * 300)
    assert found.code == pytest.approx(code.code, rel=0.1)


def test_prose_with_dialogue_is_no_code() -> None:
    assert (
        split_text('"I don\'t," she said. "You can\'t?" "No; it\'s his." ' * 20).code
        == 0
    )


def test_a_short_question_with_a_colon_is_prose() -> None:
    assert split_text("Translate to French: hello").code == 0


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"name": "Ann", "age": 31, "tags": ["a", "b"]}] * 20),
        "2026-01-02,17.25,1180.5,0.33\n" * 20,
    ],
    ids=["json", "table"],
)
def test_data_counts_as_code(text: str) -> None:
    assert split_text(text).code > 0.9 * split_text(text).total


@pytest.mark.parametrize("name", ["chinese", "japanese", "korean"])
def test_wide_scripts_keep_their_spaces_and_signs(name: str) -> None:
    text = (TEXTS / f"{name}.txt").read_text(encoding="utf-8")
    parts = split_text(text)
    assert parts.wide > 0.98 * parts.total
    assert 0.75 < parts.total / len(text) <= 1


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Привет, как ваши дела сегодня? " * 20, 1.5, 2.5),
        ("Καλημέρα, τι κάνετε σήμερα; " * 20, 1.5, 2.5),
        ("مرحبا كيف حالك اليوم يا صديقي " * 20, 1.5, 2.5),
        ("नमस्ते आप आज कैसे हैं मेरे दोस्त " * 20, 1.0, 1.5),
        ("สวัสดีครับวันนี้อากาศดีมาก" * 20, 1.0, 1.5),
        ("Füße über größere Straßen, déjà vu. " * 20, 3.2, 3.8),
        ("🙂🚀" * 20, 0.4, 0.6),
    ],
    ids=["cyrillic", "greek", "arabic", "hindi", "thai", "latin", "emoji"],
)
def test_other_scripts_take_more_tokens_than_latin_letters(
    text: str, least: float, most: float
) -> None:
    assert least <= chars_per_token(text, DEFAULT_TOKENIZER) <= most


@given(ANY_TEXT, ANY_TEXT)
def test_added_text_never_makes_the_estimate_smaller(text: str, added: str) -> None:
    assert estimate_tokens(text) <= estimate_tokens(text + added)


def test_one_wide_character_does_not_take_the_signs_of_a_program() -> None:
    assert split_text(CODE + "漢").wide <= 2
    assert estimate_tokens("{}" * 5000 + "漢") > estimate_tokens("{}" * 5000)


@given(st.lists(ANY_TEXT, max_size=4), ANY_TEXT)
def test_the_parts_of_an_estimate_add_up(texts: list[str], system: str) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    parts = split_messages(messages, system)
    assert min(parts.prose, parts.code, parts.wide) >= 0
    assert parts.total == estimate_messages(messages, system)
    alone = sum(map(estimate_tokens, [*texts, system]))
    assert parts.total == parts.overhead + alone


def test_the_overhead_of_a_request_stands_apart() -> None:
    one = split_messages([{"role": "user", "content": "Hello"}])
    two = split_messages([{"role": "user", "content": "Hello"}] * 2)
    assert (one.overhead, two.overhead) == (
        REQUEST_OVERHEAD + MESSAGE_OVERHEAD,
        REQUEST_OVERHEAD + 2 * MESSAGE_OVERHEAD,
    )


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
