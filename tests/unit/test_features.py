"""What a classifier reads in a prompt: the same however it is set, and never too much."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costroute_nb.core.features import (
    BITS,
    MEASURES,
    MOST,
    WINDOW,
    Features,
    features,
    plain,
)
from tests.support.seeds import said_in_processes

# Every code point, halves of surrogate pairs too: a broken paste has them.
ANYTHING = st.text(st.characters(categories=None), max_size=300)
WORDS = st.lists(
    st.one_of(
        st.text("abcdefghij", min_size=2, max_size=9),
        st.sampled_from(["17", "3.5", "$x^2$", "?", "(a)", "größer", "λ", "那", "def"]),
    ),
    min_size=1,
    max_size=30,
)
BLANKS = st.sampled_from([" ", "  ", "\n", "\t", " \r\n ", "\u00a0", "\n\n"])
MEGABYTE = 2**20


def same(one: Features, other: Features) -> bool:
    return one.measures == other.measures and all(
        np.array_equal(a, b) for a, b in zip(one[:4], other[:4], strict=True)
    )


@given(ANYTHING)
def test_whatever_the_text_it_has_features_in_their_bounds(text: str) -> None:
    found = features(text)
    assert len(found.measures) == len(MEASURES)
    assert all(map(math.isfinite, found.measures))
    for places, counts in (found[:2], found[2:4]):
        assert places.shape == counts.shape
        assert np.all(np.diff(places) > 0)
        assert np.all((places >= 0) & (places < 2**BITS))
        assert np.all((counts >= 1) & (counts <= MOST))


@pytest.mark.parametrize("text", ["", " \n\t ", "```", "\x00", "?", "\ud800"])
def test_a_text_without_words_has_features(text: str) -> None:
    assert len(features(text).measures) == len(MEASURES)


def test_halves_of_surrogate_pairs_are_told_apart() -> None:
    assert not same(features("what is \ud800"), features("what is \udfff"))


@given(WORDS)
def test_case_says_nothing(words: list[str]) -> None:
    text = " ".join(words)
    assume(text.isascii())  # beside another script a capital may begin an aside,
    assume({"hi", "hey"}.isdisjoint(words))  # and anywhere it may begin a greeting
    assert same(features(text), features(text.upper()))
    assert same(features(text), features(text.title()))


@given(WORDS, BLANKS, BLANKS, BLANKS)
def test_blanks_say_nothing(
    words: list[str], between: str, before: str, after: str
) -> None:
    # A line's end parts a request from what is said beside it in another script.
    assume("\n" not in between or "".join(words).isascii())
    set_apart = f"{before}{between.join(words)}{after}"
    assert same(features(" ".join(words)), features(set_apart))


@given(WORDS, st.sampled_from(["```", "```text", "~~~", "```python"]))
def test_fences_say_nothing(words: list[str], fence: str) -> None:
    text = " ".join(words)
    assert same(features(text), features(f"{fence}\n{text}\n{fence[:3]}\n"))


def test_a_courtesy_leaves_the_words_as_they_were() -> None:
    asked = features("Which of the fjords is the deepest?")
    kindly = features("Please, which of the fjords is the deepest?")
    assert set(asked.words.tolist()) <= set(kindly.words.tolist())
    assert len(kindly.words) - len(asked.words) <= 1  # the comma


def test_other_words_are_other_features() -> None:
    assert not same(features("a deep fjord"), features("a deep lake"))


def test_the_order_of_words_is_read() -> None:
    one, other = features("boat before quay"), features("quay before boat")
    assert np.array_equal(one.words, other.words)
    assert not np.array_equal(one.buckets, other.buckets)


@pytest.mark.parametrize(
    "unit", ["word ", "x", "12 + ", "?!", "\n", "a. ", "(b) no ", "ΐ", "is easy. "]
)
def test_of_a_megabyte_no_more_is_read_than_the_window(unit: str) -> None:
    text = unit * (MEGABYTE // len(unit))
    # One character may become three where case is taken away.
    assert len(plain(text)) <= 3 * WINDOW + 1
    assert features(text).words.size <= WINDOW
    assert int(features(text).counts.sum()) <= 2 * (3 * WINDOW + 1)


def test_what_stands_in_the_middle_of_a_megabyte_is_not_read() -> None:
    start, end = "fjord " * WINDOW, " quay" * WINDOW
    middles = ("a", "lake? " * MEGABYTE)
    one, other = (features(start + middle + end) for middle in middles)
    assert same(one, other)


def test_start_and_end_of_a_megabyte_are_both_read() -> None:
    filling = "word " * (MEGABYTE // 5)
    whole = set(features(f"fjord {filling} quay").words.tolist())
    for word in ("fjord", "quay"):
        assert set(features(word).words.tolist()) <= whole


def test_features_are_the_same_in_every_process() -> None:
    text = "Wie groß ist λ, if f(x) = 3.5? (A) 1 (B) 那"
    code = (
        "from costroute_nb.core.features import features\n"
        f"found = features({text!r})\n"
        "print([each.tolist() for each in found[:4]], found.measures)"
    )
    said = said_in_processes(code)
    here = features(text)
    assert said == {f"{[each.tolist() for each in here[:4]]} {here.measures}\n"}
