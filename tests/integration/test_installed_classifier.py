"""A classifier that another package installs, found by its entry point."""

from pathlib import Path

import pytest

import costroute_nb as cr
from costroute_nb import Estimate
from costroute_nb.errors import ConfigurationError
from costroute_nb.estimators import installed
from tests.support.estimators import BY_WORDS, READY, install

SUPPORT = "tests.support.estimators"


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a package with classifiers, good and bad ones."""
    entries = {
        **BY_WORDS,
        "made": f"{SUPPORT}:READY",
        "wrong": f"{SUPPORT}:Wrong",
        "loose": f"{SUPPORT}:Loose",
        "absent": f"{SUPPORT}:absent",
        "missing": f"{SUPPORT}:nothing_of_this_name",
    }
    return install(tmp_path, entries, monkeypatch)


@pytest.mark.parametrize("name", ["by_words", "made"])
def test_an_entry_point_is_an_estimator_or_makes_one(others: Path, name: str) -> None:
    assert installed(name).estimate("one two").p_small_fails == pytest.approx(0.1)


def test_an_installed_estimator_is_made_once_and_not_before_it_is_asked(
    others: Path,
) -> None:
    broken = installed("absent")
    with pytest.raises(ConfigurationError, match="'absent' cannot be loaded"):
        broken.estimate("one")
    before = len(READY.asked)
    late = installed("made")
    assert len(READY.asked) == before
    late.estimate("one")
    late.estimate("two")
    assert READY.asked[before:] == ["one", "two"]


def test_an_unknown_classifier_is_refused_with_those_that_are_installed(
    others: Path,
) -> None:
    with pytest.raises(ConfigurationError, match="absent, by_words, loose, made"):
        cr.Session(classifier="by_wrods")


def test_without_any_installed_the_refusal_says_where_one_would_be_found() -> None:
    with pytest.raises(ConfigurationError, match=r"costroute_nb\.classifiers"):
        cr.Session(classifier="by_words")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("missing", "x", "'missing' cannot be loaded: AttributeError"),
        ("absent", "x", "'absent' cannot be loaded: ImportError: no weights"),
        ("wrong", "raise", "'wrong' fails: ValueError: raise"),
        ("wrong", "x", "'wrong' returns float, not"),
        ("wrong", "many lines", "'wrong' fails: ValueError: one two"),
        ("wrong", "nan", "'wrong' has no usable p_small_fails: ValueError: nan is"),
        ("wrong", "None", "'wrong' has no usable p_medium_fails: TypeError"),
        ("wrong", "p", "'wrong' has no usable p_both_fail: ValueError: 1.5 is"),
        ("wrong", "inf", "'wrong' has no usable difficulty: ValueError: inf is"),
        ("wrong", "tipped", "'wrong' has no usable tipped: TypeError"),
    ],
)
def test_what_is_wrong_with_it_is_said_by_name(
    others: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        installed(name).estimate(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_it_returns_is_made_plain(others: Path) -> None:
    found = installed("loose").estimate("x")
    assert found == Estimate(
        p_small_fails=0.5,
        p_medium_fails=0.25,
        p_both_fail=1.0,
        domain="two lines " + "x" * 50,
        known_domain=True,
        difficulty=3.0,
        tipped=("many words",),
        source="loose",
    )
    kinds = [type(found.p_small_fails), type(found.p_both_fail), type(found.difficulty)]
    assert kinds == [float, float, float]
    assert found.known_domain is True


def test_at_most_three_short_features_are_kept(others: Path) -> None:
    found = installed("loose").estimate("four")
    assert found.tipped == ("1", "2", "y" * 60)
    assert found.domain == ""


def test_its_estimates_are_known_by_its_entry_point(others: Path) -> None:
    assert installed("by_words").estimate("one").source == "by_words"
    assert installed("made").estimate("one").source == "made"


def test_a_prompt_that_meets_a_rule_does_not_even_load_it(others: Path) -> None:
    with cr.Session(provider="simulated", classifier="absent") as session:
        assert session.plan("Please translate this.").tier == "small"
        with pytest.raises(ConfigurationError, match="cannot be loaded"):
            session.plan("Why do fjords have thresholds?")
