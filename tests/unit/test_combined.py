"""Rules first, an estimate only where none matched, and the default outside of it."""

from collections.abc import Callable, Sequence
from math import exp, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costroute_nb.core.classification import (
    Classification,
    Rule,
    RuleClassifier,
    SizeRule,
    arrange,
)
from costroute_nb.core.combined import (
    OUTSIDE,
    CombinedClassifier,
    binding,
    with_offsets,
)
from costroute_nb.core.learned import Estimate
from costroute_nb.core.offsets import Offsets
from costroute_nb.core.vocabulary import WINDOW, excerpt
from tests.support.estimators import WordCount, estimate

SIZE = SizeRule(50_000, "medium", "large_context", "context over 50,000 tokens")
FLOOR = Rule("security", "general", "large", True, "security", ("security",))
BUILTIN = Rule("translation", "general", "small", False, "translation", ("translate",))
USERS = Rule("poems", "general", "large", False, "poems", ("limerick",), (), (), True)
RULES = arrange((FLOOR, BUILTIN), (USERS,))
NONE = Offsets(0.0, 0.0, 0, 0)
UNMATCHED = "Explain why the median resists outliers."


def never(text: str) -> Estimate:
    raise AssertionError(f"asked about {text!r}")


def classify(
    text: str,
    said: Estimate | Callable[[str], Estimate],
    *,
    rules: Sequence[Rule] = RULES,
    offsets: Offsets = NONE,
    max_failure: float = 0.2,
    values: Sequence[str] = (),
    input_tokens: int = 40,
) -> Classification:
    classifier = CombinedClassifier(
        RuleClassifier(rules, SIZE),
        (lambda _: said) if isinstance(said, Estimate) else said,
        offsets=lambda: offsets,
        max_failure=max_failure,
    )
    return classifier.classify(text, values=values, input_tokens=input_tokens)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Is this a security hole?", "security"),
        ("Write a limerick on fjords.", "poems"),
        ("Please translate this.", "translation"),
    ],
)
def test_where_a_rule_matches_no_estimator_is_asked(text: str, rule: str) -> None:
    found = classify(text, never)
    assert found.rule == rule
    assert (found.p_small_fails, found.known_domain, found.estimate) == (None,) * 3


def test_size_decides_before_an_estimate() -> None:
    found = classify(UNMATCHED, never, input_tokens=60_000)
    assert (found.tier, found.rule) == ("medium", "large_context")


@pytest.mark.parametrize(
    ("small", "medium", "tier", "confidence"),
    [
        (0.05, 0.01, "small", 0.95),
        (0.2, 0.1, "small", 0.8),
        (0.21, 0.1, "medium", 0.9),
        (0.9, 0.2, "medium", 0.8),
        (0.9, 0.21, "large", 0.5),
    ],
)
def test_it_is_the_cheapest_tier_that_fails_seldom_enough(
    small: float, medium: float, tier: str, confidence: float
) -> None:
    found = classify(UNMATCHED, estimate(small, medium))
    assert (found.tier, found.task, found.rule) == (tier, "general", None)
    assert found.confidence == pytest.approx(confidence)
    assert not found.floor


def test_how_much_may_fail_is_the_users_choice() -> None:
    said = estimate(0.4, 0.1)
    assert classify(UNMATCHED, said, max_failure=0.5).tier == "small"
    assert classify(UNMATCHED, said, max_failure=0.0).tier == "large"


def test_the_reason_names_chances_and_domain_but_nothing_of_the_prompt() -> None:
    found = classify(UNMATCHED, estimate(0.34, 0.12))
    assert found.reason == (
        "learned: P(small fails) 34%, P(medium fails) 12%, like word counts"
    )


def test_an_unknown_domain_gets_the_default_tier_and_no_chances() -> None:
    found = classify(UNMATCHED, estimate(0.01, 0.01, known=False))
    assert (found.tier, found.reason, found.confidence) == ("medium", OUTSIDE, 0.5)
    assert found.known_domain is False
    assert (found.p_small_fails, found.p_medium_fails) == (None, None)
    assert found.estimate is not None


def test_what_the_estimator_said_stays_beside_what_the_offsets_make_of_it() -> None:
    said, offsets = estimate(0.5, 0.3), Offsets(-2.0, 0.0, 63, 12)
    found = classify(UNMATCHED, said, offsets=offsets)
    assert (found.tier, found.estimate, found.offsets) == ("small", said, offsets)
    assert found.p_small_fails == pytest.approx(1 / (1 + exp(2)))


def test_only_floors_and_the_users_rules_bind_an_estimate() -> None:
    rules = binding(RULES)
    assert [rule.name for rule in rules] == ["security", "poems"]
    said = estimate(0.9, 0.9)
    assert classify("Please translate this.", said, rules=rules).tier == "large"
    assert classify("Write a limerick.", never, rules=rules).rule == "poems"


# What the offsets make of an estimate

chance = st.floats(0.0, 1.0)
logit = st.floats(-6.0, 6.0)


@given(chance, chance, chance, logit, logit)
def test_chances_stay_coherent_whatever_is_said_and_shifted(
    small: float, medium: float, both: float, up: float, down: float
) -> None:
    shifted = with_offsets(estimate(small, medium, both), Offsets(up, down, 0, 0))
    p_small, p_medium, p_both = shifted
    assert 0.0 <= p_both <= p_medium <= p_small <= 1.0
    assert p_both >= p_small + p_medium - 1 - 1e-12


@given(st.floats(0.3, 0.7), st.floats(0.5, 0.95), st.floats(-0.5, 0.0))
def test_the_odds_of_a_second_failure_shift_by_mediums_offset(
    small: float, given_small: float, offset: float
) -> None:
    both = small * given_small
    said = estimate(small, min(small, both + 0.05), both)
    p_small, p_medium, p_both = with_offsets(said, Offsets(0.0, offset, 0, 0))
    assume(p_both < p_medium)  # else it is capped
    after = p_both / p_small
    moved = log(after / (1 - after)) - log(given_small / (1 - given_small))
    assert moved == pytest.approx(offset, abs=1e-6)


def test_where_small_never_fails_both_never_do() -> None:
    assert with_offsets(estimate(0.0, 0.0), Offsets(3.0, 3.0, 0, 0)) == (0, 0, 0)


# What is estimated


def asked(text: str, *values: str) -> str:
    counter = WordCount()
    classify(text, counter.estimate, values=values)
    (said,) = counter.asked
    return said


def test_a_text_of_enough_words_is_estimated_without_what_fills_it() -> None:
    said = asked("Explain why {{thing}} resists outliers.", "DO NOT READ")
    assert said.split() == ["Explain", "why", "resists", "outliers."]


def test_a_text_of_few_words_is_estimated_with_what_fills_it() -> None:
    assert asked("{{ question }}", "Why is that?").split() == ["Why", "is", "that?"]


def test_of_values_no_more_is_estimated_than_rules_read() -> None:
    value = "first " + "x " * WINDOW + "last"
    said = excerpt("Explain: {{a}} {{b}}", (value, value))
    assert len(said) <= WINDOW + 100
    assert said.split()[1] == "first"
    assert said.endswith("last")


def test_a_long_text_is_handed_over_whole() -> None:
    text = "long words " * WINDOW
    assert excerpt(text, ("value",)) == text


@given(st.text(max_size=80), st.lists(st.text(max_size=40), max_size=3))
def test_values_are_estimated_exactly_where_rules_read_them(
    text: str, values: list[str]
) -> None:
    rules = RuleClassifier((Rule("x", "general", "small", False, "x", ("qzx",)),), None)
    assume("qzx" not in text.casefold())
    marked = [f"{value} qzx" for value in values]
    read = rules.classify(text, values=marked).rule is not None
    assert ("qzx" in excerpt(text, marked)) == read
