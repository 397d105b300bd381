"""The shipped rules: their order, their examples, and that wording does not sway them."""

import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costroute_nb
from costroute_nb.core.classification import (
    Rule,
    RuleClassifier,
    arrange,
    check_examples,
    parse_rules,
)

DATA = Path(next(iter(costroute_nb.__path__))) / "data" / "rules.toml"
SHIPPED = parse_rules(tomllib.loads(DATA.read_text("utf-8")))
RULES = arrange(SHIPPED.rules, ())
assert SHIPPED.size is not None
CLASSIFIER = RuleClassifier(RULES, SHIPPED.size)
MATCH = [(rule, text) for rule in RULES for text in rule.match]
NO_MATCH = [(rule, text) for rule in RULES for text in rule.no_match]
EXAMPLES = [text for _, text in (*MATCH, *NO_MATCH)]
BEFORE = {text: CLASSIFIER.classify(text).tier for text in EXAMPLES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_gets_its_own_examples_right(rule: Rule) -> None:
    assert len(rule.match) >= 5
    assert len(rule.no_match) >= 5
    assert check_examples(rule) == []


@pytest.mark.parametrize(("rule", "text"), MATCH)
def test_an_example_is_decided_by_its_own_rule(rule: Rule, text: str) -> None:
    found = CLASSIFIER.classify(text)
    assert (found.rule, found.tier, found.floor) == (rule.name, rule.tier, rule.floor)


def test_every_rule_says_what_it_is_for_and_names_a_known_task() -> None:
    for rule in RULES:
        assert rule.reason != rule.name
        assert rule.task in SHIPPED.tasks
        assert not rule.user


def test_floors_to_large_come_first_and_small_rules_last() -> None:
    kinds = [(rule.floor, rule.tier) for rule in RULES]
    floors = kinds.count((True, "large"))
    assert floors >= 4
    assert kinds == [(True, "large")] * floors + [(False, "small")] * (
        len(kinds) - floors
    )


def test_small_tasks_do_not_think_and_others_keep_the_models_setting() -> None:
    small = {rule.task for rule in RULES if rule.tier == "small"}
    for task in SHIPPED.tasks.values():
        assert (task.thinking, task.effort) == (
            ("off", "low") if task.name in small else ("auto", None)
        )


@pytest.mark.parametrize(
    "text",
    """security
    vulnerability
    vulnerabilities
    CVE
    authentication
    authenticate
    authenticated
    authorization
    authorisation
    authorize
    payment
    payments
    webhook
    architecture
    cross-cutting refactor
    design of a system
    system design
    multi-file analysis
    multi file
    codebase review
    code base review
    trust boundary
    trust-boundaries
    privilege
    privileged
    escalation
    Sicherheitslücke
    SICHERHEITSLÜCKE
    vulnérabilité
    seguridad
    Authentifizierung
    autenticación""".splitlines(),
)
def test_floor_words_alone_need_the_large_tier(text: str) -> None:
    found = CLASSIFIER.classify(text)
    assert (found.tier, found.floor) == ("large", True)


@pytest.mark.parametrize(
    "text",
    """format
    reformat
    Reformatting, please
    lint
    linting
    linted
    rename
    renaming
    replace all
    meta description
    SEO title
    alt text
    translate
    translation
    summarize in 20 words
    summarise this in twenty words
    summarizing it in N words
    extract a list
    parse JSON
    convert CSV
    convert to CSV""".splitlines(),
)
def test_mechanical_words_alone_need_the_small_tier(text: str) -> None:
    found = CLASSIFIER.classify(text)
    assert (found.tier, found.floor) == ("small", False)


@pytest.mark.parametrize(
    "text",
    """author
    authors
    authority
    authentic
    information
    platform
    splint
    securities
    perform a transformation
    refactor this function
    the payment_type column
    Which tickets were escalated?
    Summarize
    ruler and parser""".splitlines(),
)
def test_words_that_only_look_alike_are_left_to_the_default(text: str) -> None:
    found = CLASSIFIER.classify(text)
    assert (found.tier, found.rule, found.confidence) == ("medium", None, 0.5)


@pytest.mark.parametrize("gap", ["-", "\n", "  ", " \t ", "\u00a0", "/", "\u2011"])
def test_a_phrase_is_found_whatever_separates_its_words(gap: str) -> None:
    assert CLASSIFIER.classify(f"trust{gap}boundary").rule == "trust_boundary"


def _share_unchanged(rewrite: Callable[[str], str]) -> float:
    same = [CLASSIFIER.classify(rewrite(t)).tier == BEFORE[t] for t in EXAMPLES]
    return sum(same) / len(same)


@settings(max_examples=25, deadline=None)
@given(
    prefix=st.sampled_from(
        ["", "Please ", "please, ", "Hi! Could you ", "Thanks in advance.\n"]
    ),
    blank=st.text(" \t\n\r\u00a0", min_size=1, max_size=4),
    case=st.sampled_from([str, str.upper, str.lower, str.title]),
)
def test_politeness_blanks_and_case_do_not_change_the_tier(
    prefix: str, blank: str, case: Callable[[str], str]
) -> None:
    assert _share_unchanged(lambda t: case(blank + prefix + t.replace(" ", blank))) == 1


def test_a_typo_in_a_prompt_of_three_sentences_seldom_changes_the_tier() -> None:
    chance = random.Random(7)
    rest = (
        " The data come from three stores and cover two years; gaps stay as they are."
        " Keep the answer short and name anything you are unsure about."
    )

    def misspell(text: str) -> str:
        at = chance.choice([i for i, c in enumerate(text + rest) if c.isalpha()])
        whole = text + rest
        return chance.choice(
            [
                whole[:at] + whole[at + 1 :],
                whole[:at] + whole[at] + whole[at:],
                whole[:at] + whole[at + 1 : at + 2] + whole[at] + whole[at + 2 :],
            ]
        )

    assert all(CLASSIFIER.classify(t + rest).tier == BEFORE[t] for t in EXAMPLES)
    assert _share_unchanged(misspell) >= 0.9


def test_a_placeholders_name_is_never_a_word_of_the_prompt() -> None:
    for name in ("security", "payment", "auth", "trust boundary", "format"):
        text = f"Tell me about {{{{{name.replace(' ', '_')}}}}} in plain words"
        assert CLASSIFIER.classify(text).rule is None
        assert CLASSIFIER.classify(text.replace("{{", "{{ ")).rule is None


def test_the_class_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "import sys, tomllib\n"
        "from costroute_nb.core.classification import *\n"
        "text = sys.stdin.buffer.read().decode('utf-8')\n"
        "found = parse_rules(tomllib.loads(text))\n"
        "c = RuleClassifier(arrange(found.rules, ()), found.size)\n"
        "every = [t for r in c.rules for t in (*r.match, *r.no_match)]\n"
        "print(ascii([c.classify(t) for t in [*every, ' '.join(every)]]))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=DATA.read_bytes(),
            capture_output=True,
            check=True,
            cwd=DATA.parents[2],
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    assert b"Classification(" in outputs.pop()
