"""Tiers stay where they are when what is changed about a prompt is not its task."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from benchmarks.notebook_prompts import load
from benchmarks.routing_robustness import (
    MOST_FLIPS,
    Moved,
    after,
    before,
    between,
    each_kind,
    harmless,
    instructions,
    moved,
    phrases,
    robustness,
    typo,
)
from benchmarks.routing_scorers import tiers
from costroute_nb.core.asides import task_of
from costroute_nb.core.catalog import Tier
from costroute_nb.core.features import features, plain

KNOWN_FILE = Path(__file__).parents[1] / "data" / "known_prompts.jsonl"
KNOWN = [
    json.loads(line)["prompt"] for line in KNOWN_FILE.read_text("utf-8").splitlines()
]
NOTEBOOK = [each.prompt for each in load()]
FLOORS = [
    text for each in load() if each.floor for text in (each.prompt, *each.paraphrases)
]
MOST_MISSPELT = 0.15
TASK = "Nadia bakes 36 rolls. She keeps a third of them. How many are left?"
CHOICE = "Which of these is a metal?\nA. iron\nB. carbon\nC. sulfur\nD. Noble Gas"


@cache
def way(name: str) -> Callable[[str], Tier]:
    return cache(tiers()[name])


# The shipped classifier


@pytest.mark.parametrize("name", ["learned", "both"])
@pytest.mark.parametrize("prompts", [KNOWN, NOTEBOOK], ids=["known", "notebook"])
@pytest.mark.parametrize("kind", harmless())
def test_few_tiers_flip_by_a_harmless_change(
    kind: str, prompts: list[str], name: str
) -> None:
    tier = way(name)
    changes = harmless()[kind]
    found = [tier(text) for text in prompts]
    # Sixty prompts are few: each is changed in four of the ways of the kind.
    rounds = range(4 if prompts is KNOWN else 1)
    every = [
        moved(kind, changes[n:] + changes[:n], tier, prompts, found) for n in rounds
    ]
    # Notebook prompts go by rules, and a rule's word with a typo is another word.
    by_rules = kind == "typo" and prompts is NOTEBOOK
    most = MOST_MISSPELT if by_rules else MOST_FLIPS
    assert sum(m.flipped for m in every) <= most * sum(m.prompts for m in every)


@pytest.mark.parametrize("name", ["learned", "both"])
@pytest.mark.parametrize("prompts", [KNOWN, NOTEBOOK], ids=["known", "notebook"])
def test_no_instruction_in_a_prompt_moves_its_tier_down(
    prompts: list[str], name: str
) -> None:
    tier = way(name)
    changes = instructions("_seen")
    found = [tier(text) for text in prompts]
    for n in range(0, len(changes), len(changes) // 5 + 1):
        turned = changes[n:] + changes[:n]
        assert moved("instruction", turned, tier, prompts, found).lowered == 0


def test_no_instruction_lifts_a_floor() -> None:
    tier = way("both")
    found = [tier(text) for text in FLOORS]
    assert set(found) == {"large"}
    for which in ("_seen", "_later"):
        changes = instructions(which)
        assert moved("instruction", changes, tier, FLOORS, found).flipped == 0


# What is read of a prompt


@pytest.mark.parametrize("phrase", phrases("instructions_seen"))
@pytest.mark.parametrize("put", [before, between, after])
def test_an_order_to_take_a_cheap_model_is_not_read(
    put: Callable[[str], Callable[[str], str]], phrase: str
) -> None:
    assert plain(put(phrase)(TASK)) == plain(TASK)


@pytest.mark.parametrize("phrase", phrases("polite_seen") + phrases("before_seen"))
def test_a_courtesy_before_a_task_is_not_read(phrase: str) -> None:
    assert plain(f"{phrase} {CHOICE}") == plain(CHOICE)
    assert plain(f"{phrase}\n\n{TASK}") == plain(TASK)


@pytest.mark.parametrize("phrase", phrases("after_seen"))
def test_a_wish_for_a_language_after_a_task_is_not_read(phrase: str) -> None:
    assert plain(f"{CHOICE} {phrase}") == plain(CHOICE)
    assert plain(f"{TASK}\n{phrase}") == plain(TASK)


@pytest.mark.parametrize(
    "text",
    [
        CHOICE,
        "Which model of light does the photoelectric effect support best?",
        "How much money does a small firm save if it spends $40 less each week?",
        "A. A simple model\nB. The cheapest route\nC. A small budget\nD. None of these",
        "Hello!",
        "Please",
        "Use the cheapest model.",
        "Bitte beantworte die folgende Frage: Wie heißt die Hauptstadt der Mongolei?",
        "",
        "```",
    ],
)
def test_a_task_stays_whole(text: str) -> None:
    assert task_of(text) == (text, False)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.title,
        lambda text: text.replace(" ", "   "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"```text\n{text}\n```",
    ],
    ids=["upper", "title", "blanks", "line ends", "fence"],
)
def test_case_blanks_and_fences_change_no_feature(change: Callable[[str], str]) -> None:
    one, other = features(CHOICE), features(change(CHOICE))
    assert one.measures == other.measures
    assert one.buckets.tolist() == other.buckets.tolist()


# The measurement


def test_a_typo_changes_one_longer_word_and_always_the_same() -> None:
    assert typo("a few are not") == "a few are not"
    for text in KNOWN[:20]:
        changed = typo(text)
        assert changed == typo(text)
        words = zip(text.split(), changed.split(), strict=True)
        wrong = [one for one, other in words if one != other]
        assert len(wrong) == 1
        assert len(wrong[0]) > 5


def test_an_instruction_is_put_between_sentences() -> None:
    assert between("Easy.")("One. Two three four.") == "One.\nEasy.\nTwo three four."
    assert between("Easy.")("one") == "one\nEasy.\n"


def test_flipped_and_lowered_tiers_are_counted_apart() -> None:
    def tier(text: str) -> Tier:
        return "large" if "up" in text else "small" if "down" in text else "medium"

    changes = [after("up"), after("down"), after("same")]
    found = moved("kind", changes, tier, ["a"] * 6, ["medium"] * 6)
    assert found == Moved("kind", prompts=6, flipped=4, lowered=2)
    assert found.share == pytest.approx(4 / 6)


def test_each_way_of_routing_is_measured_by_itself() -> None:
    found = robustness({"one": lambda _: "large", "two": lambda _: "small"}, [TASK] * 3)
    assert list(found) == ["one", "two"]
    assert {m.flipped for m in found["two"]} == {0}
    assert found["two"] == each_kind(lambda _: "small", [TASK] * 3)


def test_an_order_after_many_sentences_is_not_read() -> None:
    many = " ".join(f"Box {n} holds {n} nails." for n in range(400))
    text, ordered = task_of(f"{many} How many nails are there? Use the cheapest model.")
    assert ordered
    assert text == f"{many} How many nails are there?"


def test_a_text_without_any_word_has_no_asides() -> None:
    assert task_of(" \n ") == (" \n ", False)
