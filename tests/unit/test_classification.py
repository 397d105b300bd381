"""Rules in order, floors, size, placeholders, values, the window, and bad tables."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.catalog import Tier
from costroute_nb.core.classification import (
    Classification,
    Rule,
    RuleClassifier,
    SizeRule,
    arrange,
    check_examples,
    parse_rules,
)
from costroute_nb.core.tables import Path, Table, TableError
from costroute_nb.core.vocabulary import WINDOW, windows

SIZE = SizeRule(50_000, "medium", "large_context", "context over 50,000 tokens")


def rule(
    name: str,
    tier: Tier = "small",
    *words: str,
    floor: bool = False,
    match: tuple[str, ...] = (),
    no_match: tuple[str, ...] = (),
    user: bool = False,
) -> Rule:
    reason = f"{name} work"
    return Rule(
        name, "general", tier, floor, reason, words or (name,), match, no_match, user
    )


SECURITY = rule("security", "large", "security", "vulnerab*", floor=True)
TRANSLATION = rule("translation", "small", "translate~")
EXTRACTION = rule("extraction", "small", "extract~ ... list~")
BUILTIN = (SECURITY, TRANSLATION, EXTRACTION)


def classify(
    text: str, *user: Rule, values: Sequence[str] = (), input_tokens: int = 0
) -> Classification:
    classifier = RuleClassifier(arrange(BUILTIN, user), SIZE)
    return classifier.classify(text, values=values, input_tokens=input_tokens)


def matches(entry: str, text: str) -> bool:
    return check_examples(rule("x", "small", entry, match=(text,))) == []


# The language of the words


@pytest.mark.parametrize(
    ("entry", "yes", "no"),
    [
        ("auth", "auth?", "author"),
        ("lint~", "linting linted lints", "splint linter"),
        ("format~", "formatted", "information platform formation"),
        ("rename~", "renaming renamed", "renamer"),
        ("summary~", "summaries", "summarily"),
        ("vulnerab*", "vulnerability", "invulnerable"),
        ("alt|alternative text~", "alternative texts", "salt text"),
        ("parse~ ... json", "parse a b c d json", "parse a b c d e json"),
        ("parse~ ...1 json", "parse the json", "parse all the json"),
        ("parse~ json", "parsing, JSON", "parse this json"),
        ("a b c", "a b a b c", "a b b c"),
        ("a ... b c", "a b x b c", "a b x c"),
        ("word word", "word word", "a word"),
        ("übersetz*", "UEBER Übersetze", "ubers"),
        ("naive", "nai\u0308ve na\u00efve", "naivety"),
        ("vulnerable", "vulner\u00adable", "vulner able"),
        ("strasse", "Straße", "strass"),
        ("format _", "format {{ code }}", "format code"),
    ],
)
def test_an_entry_finds_its_words_and_no_others(entry: str, yes: str, no: str) -> None:
    assert matches(entry, yes)
    assert not matches(entry, no)


def test_words_hidden_by_an_entry_do_not_count_for_their_rule_only() -> None:
    first = rule(
        "first", "small", "security", "! food security", "food security policy"
    )
    second = rule("second", "small", "security")
    one, two = (RuleClassifier([r], SIZE) for r in (first, second))
    assert one.classify("a food security policy").rule is None
    assert one.classify("food security and data security").rule == "first"
    assert two.classify("food security").rule == "second"


@pytest.mark.parametrize(
    "entry",
    ["", "!", "a-b", "ab*", "*", "a*b", "a|", "... a", "a ...", "a ...21 b",
     "a ...11 b ...10 c", "! a ... b", "a....b", "~"],
)  # fmt: skip
def test_an_entry_outside_the_language_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is not a word|stands between words"):
        RuleClassifier([rule("x", "small", entry)], SIZE)


# Which rule decides


def test_the_first_matching_rule_decides_and_says_why() -> None:
    found = classify("Translate this, then extract a list", input_tokens=12)
    assert found == Classification(
        "small",
        "general",
        0.7,
        "translation work (translate)",
        "translation",
        False,
        12,
    )


def test_confidence_grows_with_a_phrase_or_a_second_word() -> None:
    assert classify("nothing known here").confidence == 0.5
    assert classify("security").confidence == 0.7
    assert classify("security, security").confidence == 0.7
    assert classify("security vulnerabilities").confidence == 0.9
    assert classify("extract a list").confidence == 0.9


def test_two_entries_that_read_alike_count_once() -> None:
    found = classify("beta", rule("greek", "small", "beta~", "beta|betas"))
    assert (found.reason, found.confidence) == ("greek work (beta)", 0.7)


def test_the_reason_shows_three_words_of_the_vocabulary_and_none_of_the_text() -> None:
    words = ("alpha", "beta*", "gamma~", "delta")
    found = classify("delta GAMMAS betatron<b> alpha", rule("greek", "small", *words))
    assert found.reason == "greek work (alpha, beta…, gamma)"


def test_no_rule_means_the_medium_tier() -> None:
    found = classify("What does this mean?", input_tokens=7)
    assert found == Classification(
        "medium", "general", 0.5, "no rule matched", None, False, 7
    )


def test_a_floor_holds_whatever_else_matches() -> None:
    found = classify("Translate: list all vulnerabilities")
    assert (found.tier, found.rule, found.floor) == ("large", "security", True)


def test_a_user_rule_comes_before_small_ones_and_after_floors() -> None:
    user = rule("ours", "medium", "translate~", "vulnerab*", user=True)
    names = [each.name for each in arrange(BUILTIN, [user])]
    assert names == ["security", "ours", "translation", "extraction"]
    assert classify("Translate this", user).rule == "ours"
    assert classify("vulnerabilities", user).rule == "security"


def test_a_users_floor_holds_against_the_users_other_rules() -> None:
    floor = rule("contracts", "medium", "contract~", floor=True)
    cheap = rule("cheap", "small", "contract~")
    found = classify("Translate the contract", cheap, floor)
    assert (found.tier, found.rule, found.floor) == ("medium", "contracts", True)


def test_a_stronger_rule_raises_a_weaker_floor() -> None:
    floor = rule("contracts", "medium", "contract~", floor=True)
    strong = rule("merger", "large", "merger~")
    found = classify("The merger contract", floor, strong)
    assert (found.tier, found.rule, found.floor) == ("large", "merger", True)


def test_the_strongest_of_several_floors_holds() -> None:
    weak = rule("weak", "medium", "contract~", floor=True)
    strong = rule("strong", "large", "contract~", floor=True)
    assert classify("contracts", weak, strong).rule == "strong"


def test_a_user_rule_replaces_the_small_one_of_its_name() -> None:
    user = rule("translation", "large", "interpret~")
    assert classify("Interpret this", user).tier == "large"
    assert classify("Translate this", user).rule is None


@pytest.mark.parametrize(
    ("tier", "floor", "words"),
    [
        ("large", False, ("security",)),
        ("medium", True, ("security",)),
        ("small", False, ("security",)),
        ("large", True, ("! security",)),
    ],
)
def test_a_user_rule_cannot_weaken_a_floor(
    tier: Tier, floor: bool, words: tuple[str, ...]
) -> None:
    user = (rule("other"), rule("security", tier, *words, floor=floor))
    with pytest.raises(TableError, match="'security' is a built-in floor") as caught:
        arrange(BUILTIN, user)
    assert caught.value.path[:2] == ("rules", 1)


def test_a_user_rule_may_add_words_to_a_floor_but_takes_none_away() -> None:
    medium = rule("care", "medium", "invoice~", floor=True)
    user = rule("care", "large", "ledger~", floor=True, user=True)
    (found,) = arrange([medium], [user])
    assert (found.tier, found.words, found.user) == (
        "large", ("invoice~", "ledger~"), True,
    )  # fmt: skip


# Size


def test_a_large_context_needs_the_medium_tier_at_least() -> None:
    assert classify("Translate this", input_tokens=50_000).tier == "small"
    found = classify("Translate this", input_tokens=50_001)
    assert (found.tier, found.rule) == ("medium", "translation")
    assert found.reason == "translation work (translate); context over 50,000 tokens"


def test_a_large_context_alone_is_a_task_of_its_own() -> None:
    found = classify("What does this mean?", input_tokens=60_000)
    assert found == Classification(
        "medium", "large_context", 0.9, "context over 50,000 tokens", "large_context",
        False, 60_000,
    )  # fmt: skip


def test_size_leaves_a_stronger_rule_and_its_reason_alone() -> None:
    found = classify("security", input_tokens=60_000)
    assert (found.tier, found.reason) == ("large", "security work (security)")


def test_size_does_not_lower_what_it_says_about_nothing_else() -> None:
    big = RuleClassifier(BUILTIN, SizeRule(10, "large", "big", "big"))
    assert big.classify("Translate this", input_tokens=11).tier == "large"
    assert big.classify("hello", input_tokens=11).tier == "large"


# Placeholders and values


@pytest.mark.parametrize("hole", ["{{security}}", "{{ security }}", "{{\tsécurity\n}}"])
def test_a_placeholders_name_is_not_read(hole: str) -> None:
    assert classify(f"Tell me what {hole} says today").rule is None


@pytest.mark.parametrize(
    "text",
    ["{security} in four words", "{{security in four words", "{{a.security}} four"],
)
def test_braces_that_are_no_placeholder_are_text(text: str) -> None:
    assert classify(text).rule == "security"


def test_a_placeholder_counts_as_one_word_between_others() -> None:
    assert classify("extract {{names}} list").rule == "extraction"
    assert classify("extract a {{b}} c d e list").rule is None


def test_values_are_read_when_the_text_has_fewer_than_four_words() -> None:
    values = ["a vulnerability report"]
    assert classify("Sum up this {{report}}", values=values).rule == "security"
    assert classify("Sum up this up {{report}}", values=values).rule is None
    assert classify("{{task}}", values=values).rule == "security"
    assert classify("{{task}}").rule is None


def test_no_phrase_reaches_from_the_text_into_a_value_or_between_values() -> None:
    assert classify("extract {{x}}", values=["list"]).rule is None
    assert classify("{{x}}{{y}}", values=["extract", "list"]).rule is None
    assert classify("{{x}}{{y}}", values=["", "extract list"]).rule == "extraction"


def test_both_ends_of_a_long_value_are_read() -> None:
    filler = "word " * 200_000
    for value in (f"security {filler}", f"{filler} security"):
        assert classify("{{x}}", values=[value]).rule == "security"


# The window


@pytest.mark.parametrize("filler", ["word ", "x", "é ", "{{", "\n", "extract "])
def test_a_floor_word_at_either_end_of_a_megabyte_is_seen(filler: str) -> None:
    middle = filler * (1_000_000 // len(filler))
    assert classify(f"security {middle}").rule == "security"
    assert classify(f"{middle} security").rule == "security"


def test_only_the_window_is_read() -> None:
    middle = "word " * 100_000
    assert classify(f"{middle} security {middle}").rule is None


@pytest.mark.parametrize(
    "text",
    [
        "extract " * 12_500,
        "extract list " * 8_000,
        "a " * 500_000,
        "a" * 1_000_000,
        "{{ " * 333_333,
        "\u0390 " * 500_000,
        "각 " * 500_000,
    ],
)
def test_the_words_examined_are_bounded_by_the_window(text: str) -> None:
    values = [text] * 1_000
    assert sum(map(len, windows(text))) <= WINDOW
    assert sum(map(len, windows("{{x}}", values))) <= WINDOW + 1
    assert sum(len(word) for part in windows(text) for word in part) <= 4 * WINDOW
    assert len(windows("{{x}}", [""] * 100_000)) <= WINDOW + 1


def test_a_word_cut_by_the_window_is_not_read_as_a_shorter_one() -> None:
    auth = RuleClassifier([rule("auth", "large")], SIZE)
    before = WINDOW // 2 - len("auth")
    cut = "x" * (before - 1) + " author" + " y" * WINDOW
    assert cut[WINDOW // 2 - 4 : WINDOW // 2] == "auth"
    assert auth.classify(cut).rule is None
    tail = "y " * WINDOW + "wauth " + "x" * (before - 1)
    assert tail[-WINDOW // 2 :].startswith("auth ")
    assert auth.classify(tail).rule is None


@pytest.mark.parametrize("shown", range(len("{{ security }}")))
def test_a_placeholder_cut_by_the_window_is_not_read(shown: int) -> None:
    hole = "{{ security }}"
    head = "x" * (WINDOW // 2 - shown - 1) + " " + hole
    tail = hole + " " + "x" * (WINDOW // 2 - shown - 1)
    assert classify(head + " y" * WINDOW).rule is None
    assert classify("y " * WINDOW + tail).rule is None


# Any text at all


@given(st.text(), st.lists(st.text(), max_size=3), st.integers(0, 10**7))
def test_any_text_has_a_class(text: str, values: list[str], tokens: int) -> None:
    found = classify(text, values=values, input_tokens=tokens)
    assert found.tier in ("small", "medium", "large")
    assert found == classify(text, values=values, input_tokens=tokens)


@given(
    st.lists(st.sampled_from(["extract", "list", "a", "vulnerable", "{{x}}"])),
    st.sampled_from([" ", "\n", " - "]),
)
def test_a_gap_is_measured_in_words(words: list[str], blank: str) -> None:
    lists = [i for i, word in enumerate(words) if word == "list"]
    starts = [i for i, word in enumerate(words) if word == "extract"]
    near = any(0 < end - start <= 5 for start in starts for end in lists)
    assert matches("extract ... list", blank.join(words)) == near


def test_half_a_surrogate_pair_is_no_error() -> None:
    assert classify("\ud83d security \udc00").rule == "security"


# Tables


def good(**changes: object) -> dict[str, object]:
    entry: dict[str, object] = {"name": "n", "tier": "small", "words": ["a"]}
    return {"rules": [{**entry, **changes}], "tasks": {"general": TASK}}


TASK = {"expected_output_tokens": 5}


def test_a_rule_needs_a_name_a_tier_and_words_only() -> None:
    (found,) = parse_rules(good(), user=True).rules
    assert found == Rule("n", "general", "small", False, "n", ("a",), user=True)


def test_tasks_and_size_are_read() -> None:
    size = {"large_context_tokens": 9, "tier": "large", "task": "t", "reason": "r"}
    task = {"thinking": "off", "effort": "low", "expected_output_tokens": 7}
    found = parse_rules({"tasks": {"t": task}, "size": size})
    assert found.size == SizeRule(9, "large", "t", "r")
    each = found.tasks["t"]
    assert (each.name, each.thinking, each.effort, each.expected_output_tokens) == (
        "t", "off", "low", 7,
    )  # fmt: skip


def test_a_rule_may_name_a_task_that_is_defined_elsewhere() -> None:
    table = good(task="far")
    assert parse_rules(table, tasks=["far"]).rules[0].task == "far"
    with pytest.raises(TableError, match="no task 'far'"):
        parse_rules(table)


@pytest.mark.parametrize(
    ("table", "path", "says"),
    [
        ({"rule": []}, ("rule",), "did you mean 'rules'"),
        ({"rules": {}}, ("rules",), "array of tables"),
        ({"rules": [{"nmae": "x"}]}, ("rules", 0, "nmae"), "did you mean 'name'"),
        ({"rules": [{}]}, ("rules", 0), "'name' is missing"),
        (good(tier="big"), ("rules", 0, "tier"), "one of small, medium, large"),
        (good(tier="lage"), ("rules", 0, "tier"), "did you mean 'large'"),
        (good(floor=1), ("rules", 0, "floor"), "true or false"),
        (good(reason="a\nb"), ("rules", 0, "reason"), "one line"),
        (good(name=" "), ("rules", 0, "name"), "one line"),
        (good(words=[]), ("rules", 0, "words"), "without words"),
        (good(words="a"), ("rules", 0, "words"), "list of texts"),
        (good(words=["a", "b-c"]), ("rules", 0, "words", 1), "not a word"),
        (good(match=[""]), ("rules", 0, "match"), "list of texts"),
        (good(task="genral"), ("rules", 0, "task"), "did you mean 'general'"),
        ({"tasks": {"t": 3}}, ("tasks", "t"), "must be a table"),
        ({"tasks": {"t": {}}}, ("tasks", "t"), "'expected_output_tokens' is missing"),
        (
            {"tasks": {"t": {"expected_output_tokens": 0}}},
            ("tasks", "t", "expected_output_tokens"),
            "whole number, 1 or more",
        ),
        (
            {"tasks": {"t": {**TASK, "effort": "max"}}},
            ("tasks", "t", "effort"),
            "one of low, medium, high",
        ),
        ({"size": 5}, ("size",), "must be a table"),
        (
            {"size": {"large_context_tokens": True}},
            ("size", "large_context_tokens"),
            "whole number",
        ),
        (
            {
                "size": {
                    "large_context_tokens": 1,
                    "tier": "large",
                    "task": "t",
                    "reason": "r",
                }
            },
            ("size", "task"),
            "no task 't'",
        ),
    ],
)
def test_a_bad_table_is_refused_with_its_place(
    table: Table, path: Path, says: str
) -> None:
    with pytest.raises(TableError, match=says) as caught:
        parse_rules(table)
    assert caught.value.path == path


def test_two_rules_of_one_name_are_refused() -> None:
    entry = {"name": "n", "tier": "small", "words": ["a"]}
    table = {"rules": [entry, entry], "tasks": {"general": TASK}}
    with pytest.raises(TableError, match="named 'n' already") as caught:
        parse_rules(table)
    assert caught.value.path == ("rules", 1, "name")


def test_complaints_name_the_rule_and_the_example() -> None:
    bad = rule("x", "small", "yes", match=("no", "yes"), no_match=("yes!", "no"))
    assert check_examples(bad) == [
        "rule 'x' must match 'no'",
        "rule 'x' must not match 'yes!'",
    ]
