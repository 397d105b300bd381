"""The classifier as it is shipped, through every door that leads to it."""

import math
from typing import Any

import pytest

import costroute_nb as cr
from costroute_nb.errors import ConfigurationError

ONE = "Which of these integers is prime: 91, 97, 119 or 133? Explain each step."
OTHER = "Why do fjords have thresholds, and lakes beside them none?"


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test the classifier that users have who set none."""
    monkeypatch.delenv("COSTROUTE_CLASSIFIER")


def test_difficulty_is_one_number_per_prompt_whatever_its_company() -> None:
    found = cr.difficulty([ONE, OTHER, ""])
    assert all(map(math.isfinite, found))
    assert found == [cr.difficulty([prompt])[0] for prompt in (ONE, OTHER, "")]
    assert cr.difficulty(iter(())) == []


@pytest.mark.parametrize("prompt", [ONE, OTHER])
def test_a_prompt_without_a_rule_is_estimated(prompt: str) -> None:
    found = cr.classify(prompt)
    assert found.rule is None
    assert found.estimate is not None
    assert found.known_domain == found.estimate.known_domain
    assert [found.estimate.difficulty] == cr.difficulty([prompt])


def test_settings_change_nothing_of_what_classify_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = cr.classify(ONE)
    monkeypatch.setenv("COSTROUTE_MAX_FAILURE", "1")
    assert cr.classify(ONE) == before


def test_by_default_a_session_asks_the_shipped_classifier(defaults: None) -> None:
    with cr.Session(provider="simulated") as session:
        planned = session.plan(ONE).classification
    found = cr.classify(ONE)
    assert (planned.tier, planned.reason) == (found.tier, found.reason)
    assert planned.estimate == found.estimate


def test_without_built_in_rules_mechanical_work_is_estimated_too() -> None:
    prompt = "Please translate this sentence to French."
    assert cr.classify(prompt).rule == "translation"
    with cr.Session(provider="simulated", classifier="learned") as session:
        assert session.plan(prompt).classification.estimate is not None
        assert session.plan("Is this login handler secure?").tier == "large"


@pytest.mark.parametrize("prompt", [None, b"text", 7, ["text"]])
def test_what_is_no_text_is_not_classified(prompt: Any) -> None:
    with pytest.raises(ConfigurationError, match="classify takes a text, not") as found:
        cr.classify(prompt)
    assert type(prompt).__name__ in str(found.value)


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        ("text", "a list of prompts"),
        (None, "not NoneType"),
        (b"text", "not bytes"),
        (bytearray(b"text"), "not bytearray"),
        (7, "not int"),
        (["text", None], "number 1 is NoneType"),
        ([b"text"], "number 0 is bytes"),
    ],
)
def test_what_is_no_list_of_texts_has_no_difficulty(prompts: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as found:
        cr.difficulty(prompts)
    assert "\n" not in str(found.value)
