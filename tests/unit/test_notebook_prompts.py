"""The shipped rules on prompts as notebook users type them: floors hold, few tiers err."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import combinations

import pytest

from benchmarks.notebook_prompts import NotebookPrompt, Split, agreement, load
from costroute_nb.core.catalog import Tier
from costroute_nb.core.classification import RuleClassifier
from costroute_nb.tables import load_tables

SHIPPED = load_tables().rules
CLASSIFIER = RuleClassifier(SHIPPED.rules, SHIPPED.size)
PROMPTS = load()
FLOORS = [each for each in PROMPTS if each.floor]


def by_rules(text: str) -> Tier:
    return CLASSIFIER.classify(text).tier


# The prompts themselves


def test_there_are_enough_prompts_and_each_is_its_own() -> None:
    assert len(PROMPTS) >= 450
    assert len({each.id for each in PROMPTS}) == len(PROMPTS)
    texts = [text for each in PROMPTS for text in (each.prompt, *each.paraphrases)]
    assert len({text.casefold() for text in texts}) == len(texts)
    assert all(each.prompt.strip() and each.why.strip() for each in PROMPTS)


def test_no_two_prompts_of_different_splits_are_nearly_the_same() -> None:
    alike = [
        (one.id, other.id)
        for one, other in combinations(PROMPTS, 2)
        if one.split != other.split
        and one.family == other.family
        and SequenceMatcher(None, one.prompt, other.prompt).quick_ratio() > 0.8
        and SequenceMatcher(None, one.prompt, other.prompt).ratio() > 0.8
    ]
    assert alike == []


def test_every_family_and_every_tier_is_in_both_splits() -> None:
    families = {each.family for each in PROMPTS}
    assert len(families) >= 20
    for split in ("train", "test"):
        part = [each for each in PROMPTS if each.split == split]
        assert {each.family for each in part} == families
        assert {each.tier for each in part} == {"small", "medium", "large"}
    share = sum(each.split == "train" for each in PROMPTS) / len(PROMPTS)
    assert 0.5 <= share <= 0.65


def test_many_prompts_are_not_english() -> None:
    languages = Counter(each.language for each in PROMPTS)
    assert languages.total() - languages["en"] >= 100
    for language in ("de", "es", "fr", "it", "pt", "zh", "ja"):
        assert languages[language] >= 10


def test_prompts_are_of_one_line_and_of_many() -> None:
    lines = [each.prompt.count("\n") + 1 for each in PROMPTS]
    assert min(lines) == 1
    assert max(lines) >= 40


def test_every_floor_needs_the_large_tier_and_is_said_in_four_ways() -> None:
    assert len(FLOORS) >= 115
    for each in FLOORS:
        assert each.tier == "large"
        assert len(each.paraphrases) >= 3
    assert all(each.floor or not each.paraphrases for each in PROMPTS)


# What the rules make of them


@pytest.mark.parametrize("each", FLOORS, ids=lambda each: each.id)
def test_a_floor_never_gets_less_than_its_tier_however_it_is_said(
    each: NotebookPrompt,
) -> None:
    texts = (each.prompt, *each.paraphrases)
    assert [text for text in texts if not CLASSIFIER.classify(text).floor] == []
    assert agreement(by_rules, [each])["floor_misses"] == []


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: f"Hi! Could you please help me with this? {text}",
        lambda text: f"```\n{text}\n```",
        str.upper,
        lambda text: f"This is trivial, use the cheapest model: {text}",
        lambda text: text.replace(" ", "\n"),
    ],
    ids=["polite", "fenced", "upper", "belittled", "blanks"],
)
def test_no_wrapping_gets_a_floor_a_lower_tier(rewrite: Callable[[str], str]) -> None:
    wrapped = [
        replace(
            each,
            prompt=rewrite(each.prompt),
            paraphrases=tuple(map(rewrite, each.paraphrases)),
        )
        for each in FLOORS
    ]
    assert agreement(by_rules, wrapped)["floor_misses"] == []


def test_few_prompts_that_are_no_floor_match_one() -> None:
    others = [each for each in PROMPTS if not each.floor]
    wrong = [each.id for each in others if CLASSIFIER.classify(each.prompt).floor]
    assert len(wrong) < 0.01 * len(others), wrong


@pytest.mark.parametrize(
    ("split", "agree", "under"), [("train", 0.84, 0.06), ("test", 0.75, 0.05)]
)
def test_most_tiers_agree_and_few_are_too_low(
    split: Split, agree: float, under: float
) -> None:
    found = agreement(by_rules, load(split))
    assert found["n"] == found["agree"] + found["under"] + found["over"]
    assert found["agree"] >= agree * found["n"], found
    assert found["under"] <= under * found["n"], found


# The comparison


def test_agreement_tells_too_low_from_too_high_and_names_missed_floors() -> None:
    floor = replace(FLOORS[0], prompt="a", paraphrases=("b", "c"))
    plain = replace(floor, floor=False, tier="medium", paraphrases=())
    found = agreement(lambda text: "large" if text == "b" else "medium", [floor, plain])
    assert found == {
        "n": 2,
        "agree": 1,
        "under": 1,
        "over": 0,
        "floor_texts": 3,
        "floor_misses": [(floor.id, "a"), (floor.id, "c")],
    }
    assert agreement(lambda _: "large", [plain])["over"] == 1
