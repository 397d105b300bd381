"""Words, characters and keywords are counted the same way in every language."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.promises import (
    all_of,
    at_most_characters,
    at_most_words,
    bare,
    count_characters,
    count_words,
    holds,
    keeps,
)
from tests.support.delegated import said

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\t", 0),
        ("one", 1),
        ("it's a well-known\nfact", 4),
        ("- a bullet", 3),
        ("a\u00a0b\u2003c", 3),
        ("Überraschung für Ängstliche", 3),
        ("人工智能", 4),
        ("我爱 Python 语言。", 5),
        ("カタカナとひらがな", 9),
        ("AI技術", 3),
        ("、。", 1),
        ("時々", 2),
        ("안녕하세요 여러분", 2),
        ("مرحبا بالعالم", 2),
        ("שלום עולם", 2),
        ("สวัสดี", 1),
        ("ภาษาไทยไม่มีช่องว่าง", 4),
        ("हिन्दी में लिखो", 3),
        (f"{FAMILY} {FAMILY}", 2),
        ("a\u200bb", 1),
    ],
)
def test_words_are_counted_in_any_language(text: str, count: int) -> None:
    assert count_words(text) == count


@given(st.text())
def test_no_word_between_blanks_is_ever_missed(text: str) -> None:
    assert count_words(text) >= len(text.split())


@given(st.text(), st.text())
def test_a_text_after_another_adds_its_words(first: str, second: str) -> None:
    both = count_words(f"{first} {second}")
    assert both == count_words(first) + count_words(second)


@given(st.text(alphabet="天地人あア", max_size=50))
def test_each_han_and_kana_character_is_a_word(text: str) -> None:
    assert count_words(text) == len(text)


@pytest.mark.parametrize("part", ["word ", "漢", "ไทย", "漢a", "x", " "])
def test_counting_takes_time_in_proportion_to_the_text(part: str) -> None:
    text = part * (200_000 // len(part))
    began = time.perf_counter()
    count_words(text)
    assert time.perf_counter() - began < 3.0


def test_a_character_is_a_code_point() -> None:
    assert count_characters(f" {FAMILY}\n") == 5


def test_too_many_words_are_told_with_both_numbers() -> None:
    complaint = at_most_words(2)(said("one two three"))
    assert complaint == "the answer has 3 words, 2 are allowed"
    assert at_most_words(3)(said("one two three")) is None


def test_too_many_characters_are_told_with_both_numbers() -> None:
    complaint = at_most_characters(1)(said("abc"))
    assert complaint == "the answer has 3 characters, 1 is allowed"
    assert at_most_characters(3)(said(" abc ")) is None


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("Solar Panels, explained", "solar panels"),
        ("solar\n panels", "Solar Panels"),
        ("Die STRASSE ist lang", "straße"),
        ("Cafe\u0301 am Eck", "café"),
        ("Café am Eck", "cafe\u0301"),
        ("Was ist C++?", "c++"),
        ("(AI)", "ai"),
        ("最新の人工知能とは", "人工知能"),
        ("最新AI技術", "AI"),
        ("ΜΕΓΆΛΟΣ", "μεγάλος"),
        ("[a-z]+ erklärt", "[A-Z]+"),
    ],
)
def test_a_keyword_is_found_as_a_word(text: str, keyword: str) -> None:
    assert holds(text, keyword)


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("Maintain your car", "ai"),
        ("solar panelled", "solar panel"),
        ("snake_case", "case"),
        ("cafés", "café"),
        ("cafe\u0301", "cafe"),
        ("कि", "क"),
        ("か\u3099", "か"),
        ("", "x"),
        ("solar and panels", "solar panels"),
    ],
)
def test_a_part_of_a_word_is_not_the_keyword(text: str, keyword: str) -> None:
    assert not holds(text, keyword)


def test_a_later_place_counts_when_the_first_is_part_of_a_word() -> None:
    assert holds("said by AI", "ai")


@given(st.text(min_size=1).filter(lambda text: text.strip()), st.text(), st.text())
def test_a_keyword_between_commas_is_always_found(
    keyword: str, before: str, after: str
) -> None:
    assert holds(f"{before}, {keyword} , {after}", keyword)


def test_a_missing_keyword_is_named() -> None:
    assert keeps("ai")(said("main")) == "the answer does not hold the keyword 'ai'"


def test_several_promises_name_all_that_are_broken() -> None:
    both = all_of([at_most_characters(3), keeps("ai")])
    assert both is not None
    assert both(said("main")) == (
        "the answer has 4 characters, 3 are allowed; "
        "the answer does not hold the keyword 'ai'"
    )
    assert both(said("AI!")) is None


def test_nothing_promised_is_no_promise() -> None:
    assert all_of([]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (' "A title"\n', "A title"),
        ("“A title”", "A title"),
        ("„Ein Titel“", "Ein Titel"),
        ("«Un titre»", "Un titre"),
        ("「題」", "題"),
        ('"A" and "B"', '"A" and "B"'),
        ('"', '"'),
        ("'Tis the season'", "'Tis the season'"),
        ('""', ""),
        ('"open', '"open'),
    ],
)
def test_one_pair_of_quotation_marks_is_taken_off(text: str, expected: str) -> None:
    assert bare(text) == expected


@given(st.text(alphabet="a \"“”„«»「」'\n"))
def test_twice_bare_is_as_once(text: str) -> None:
    assert bare(bare(text)) == bare(text)
