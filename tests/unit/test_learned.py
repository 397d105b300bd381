"""What the shipped classifier says of any text at all."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costroute_nb.artifact import read_model
from costroute_nb.core.features import MEASURES
from costroute_nb.core.learned import (
    FURTHEST,
    HEADS,
    STEPS,
    Estimate,
    LearnedModel,
    standardized,
)
from tests.support.seeds import said_in_processes

ANYTHING = st.text(st.characters(categories=None), max_size=300)
PROMPTS = (
    "",
    "?",
    "What is the capital of Peru?",
    "A farmer has 17 sheep and buys 5 more each week. How many has she after 9 weeks?",
    "Let $x$ be real with $x^2 - 5x + 6 = 0$. Find the sum of all such $x$.",
    "def f(a):\n    return sorted(a)[::-1]\nassert f([3, 1, 2]) == ??",
    "Which gas do plants take up?\nA. oxygen\nB. argon\nC. carbon dioxide\nD. helium",
    "那艘船叫什么名字",
    "x" * 100_000,
)
TIPS = {f"{name} ({sign})" for name in (*MEASURES, "its words") for sign in "+-"}
ROUNDED = 2e-6


@pytest.fixture(scope="module")
def model() -> LearnedModel:
    return read_model()


def is_sound(found: Estimate) -> bool:
    small, medium, both = found.p_small_fails, found.p_medium_fails, found.p_both_fail
    return (
        0 < medium <= small < 1
        and max(0.0, small + medium - 1) - ROUNDED <= both <= medium
        and math.isfinite(found.difficulty)
    )


@given(ANYTHING)
@example("")
@example("\ud800")
def test_of_any_text_the_probabilities_are_sound(text: str) -> None:
    assert is_sound(read_model().estimate(text))


@pytest.mark.parametrize("text", PROMPTS)
def test_of_a_prompt_the_probabilities_are_sound(
    model: LearnedModel, text: str
) -> None:
    found = model.estimate(text)
    assert is_sound(found)
    assert found.domain in model.about.domains


@given(ANYTHING)
def test_what_tipped_it_never_has_words_of_the_text(text: str) -> None:
    tipped = read_model().estimate(f"{text} flotsam").tipped
    assert 1 <= len(tipped) <= 3
    assert set(tipped) <= TIPS


def test_nobody_knows_the_domain_of_nothing(model: LearnedModel) -> None:
    assert not model.estimate("").known_domain


def test_the_same_text_has_the_same_estimate(model: LearnedModel) -> None:
    assert [model.estimate(text) for text in PROMPTS] == [
        model.estimate(text) for text in PROMPTS
    ]


def test_estimates_are_the_same_in_every_process(model: LearnedModel) -> None:
    code = (
        "from costroute_nb.artifact import read_model\n"
        f"for text in {PROMPTS!r}: print(read_model().estimate(text))"
    )
    said = said_in_processes(code)
    assert said == {"".join(f"{model.estimate(text)}\n" for text in PROMPTS)}


def test_estimates_are_no_more_precise_than_platforms_agree(
    model: LearnedModel,
) -> None:
    for text in PROMPTS:
        found = model.estimate(text)
        for number in (found.p_small_fails, found.p_both_fail, found.difficulty):
            assert number == round(number, 6)


def test_its_arrays_fit_each_other(model: LearnedModel) -> None:
    p, kinds = model.parameters, len(model.about.domains)
    heads = p.weights.shape[1]
    assert p.specialist.shape == (kinds,)
    assert heads == len(HEADS) * (p.specialist.max() + 1)
    assert p.measure_weights.shape == (len(MEASURES), heads)
    assert p.kind_measures.shape == (len(MEASURES), kinds + 1)
    assert p.intercepts.shape == (len(HEADS), kinds)
    assert len(model.about.taught) == kinds


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=2))
def test_standardized_measures_are_whole_bounded_and_in_order(
    measures: list[float],
) -> None:
    low, high = sorted(measures)
    (one,), (other,) = (standardized([each], [5.0], [0.25]) for each in (low, high))
    assert one <= other
    assert {one, other} <= set(range(-FURTHEST * STEPS, FURTHEST * STEPS + 1))
