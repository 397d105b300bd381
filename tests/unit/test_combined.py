"""Rules first, an estimate only where none matched, and the default outside of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
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
        offsets=lambda source: offsets,
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
        (0.9, 0.8, "large", 0.5),
        (0.9, 0.82, "medium", 0.18),
        (0.21, 0.21, "medium", 0.79),
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


CHANCES = "learned: P(small fails) {:.0%}, P(medium fails) {:.0%}"


@pytest.mark.parametrize(
    ("small", "medium", "more"),
    [
        (0.14, 0.12, ", like word counts"),
        (0.34, 0.12, ", at most 20% wanted, like word counts"),
        (0.54, 0.32, ", at most 20% wanted, like word counts"),
        (
            0.54,
            0.52,
            ", at most 20% wanted, like word counts; "
            "nothing says that a stronger model does better",
        ),
    ],
)
def test_the_reason_names_chances_limit_and_domain_but_nothing_of_the_prompt(
    small: float, medium: float, more: str
) -> None:
    found = classify(UNMATCHED, estimate(small, medium))
    assert found.reason == CHANCES.format(small, medium) + more


def test_whether_a_stronger_model_does_better_is_seen_after_the_offsets() -> None:
    said = estimate(0.6, 0.59)
    assert classify(UNMATCHED, said).tier == "medium"
    assert classify(UNMATCHED, said, offsets=Offsets(0.0, -0.5, 0, 60)).tier == "large"


def test_the_offsets_are_those_of_who_estimated() -> None:
    sources: list[str] = []

    def offsets_of(source: str) -> Offsets:
        sources.append(source)
        return NONE

    classifier = CombinedClassifier(
        RuleClassifier(RULES, SIZE),
        lambda _: replace(estimate(0.1, 0.1), source="theirs 2"),
        offsets=offsets_of,
        max_failure=0.2,
    )
    classifier.classify(UNMATCHED)
    assert sources == ["theirs 2"]


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
    said = estimate(0.9, 0.5)
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


@pytest.mark.parametrize(
    "text", ["{{ question }}", "Answer in the fewest words you can: {{question}}"]
)
def test_no_template_is_estimated_without_what_fills_it(text: str) -> None:
    assert asked(text, "Why is that?").endswith("Why is that?")
    assert "question" not in asked(text, "Why is that?")


def test_of_values_no_more_is_estimated_than_rules_read() -> None:
    value = "first " + "x " * WINDOW + "last"
    said = excerpt("Explain: {{a}} {{b}}", (value, value))
    assert len(said) <= WINDOW + 100
    assert said.split()[1] == "first"
    assert said.endswith("last")


def test_a_long_text_is_handed_over_whole() -> None:
    text = "long words " * WINDOW
    assert excerpt(text) == text
    assert excerpt(text, ("value",)) == f"{text}\nvalue"


@pytest.mark.parametrize("before", [0, 9, WINDOW - 15, WINDOW, 2 * WINDOW])
@pytest.mark.parametrize("after", [0, 9, WINDOW - 12, WINDOW, 2 * WINDOW])
def test_placeholders_near_the_ends_are_taken_out(before: int, after: int) -> None:
    text = f"{{{{ a }}}}{'x' * before} {{{{ b }}}}{'y' * after}{{{{c}}}}"
    said = excerpt(text)
    assert ("{{ b }}" in said) == (min(before, after) >= WINDOW)
    assert said.replace("{{ b }}", " ") == f" {'x' * before}  {'y' * after} "


@given(st.text(max_size=80), st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_values_are_estimated_whether_or_not_rules_read_them(
    text: str, values: list[str]
) -> None:
    assume("qzx" not in text)
    assert excerpt(text, [f"{value} qzx" for value in values]).count("qzx") >= len(
        values
    )
