from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from costroute_nb.core.classification import RuleClassifier, check_examples
from costroute_nb.core.toml_lines import line_of
from costroute_nb.errors import ConfigurationError
from costroute_nb.tables import Tables, load_tables

SHIPPED = load_tables()

Load = Callable[[str, str], Tables]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return what is loaded when the user has one file with this text."""

    def write_and_load(name: str, text: str) -> Tables:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return load_tables(tmp_path)

    return write_and_load


def refusal(load: Load, name: str, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(name, text)
    return str(caught.value)


# The shipped tables


@pytest.mark.parametrize(
    ("tier", "model"),
    [
        ("small", "claude-haiku-5-5"),
        ("medium", "claude-sonnet-5-5"),
        ("large", "claude-opus-5-5"),
    ],
)
def test_each_tier_has_its_model(tier: str, model: str) -> None:
    named = SHIPPED.catalog.tier_named(tier)
    assert [m.id for m in SHIPPED.catalog.in_tier(named, "anthropic")] == [model]


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("claude-haiku-4-5", "small"),
        ("claude-haiku-4-5-20251001", "small"),
        ("claude-sonnet-4-6", "medium"),
        ("claude-opus-4-7", "large"),
        ("claude-fable-5-2", "large"),
    ],
)
def test_older_and_dearer_models_answer_to_their_names(name: str, tier: str) -> None:
    model = SHIPPED.catalog.find(name)
    assert (model.tier, model.routed) == (tier, False)


def test_what_turns_thinking_off_differs_by_tier() -> None:
    off = {m.line: m.thinking_off for m in SHIPPED.catalog.models if m.routed}
    assert off == {"haiku": "disabled", "sonnet": "between_tools", "opus": "never"}
    assert all(m.thinks for m in SHIPPED.catalog.models if m.routed)


def test_the_small_older_model_has_the_smaller_window() -> None:
    model = SHIPPED.catalog.find("claude-haiku-4-5")
    assert (model.context_window, model.max_output) == (200_000, 64_000)
    assert model.efforts == ()


def test_the_deprecated_model_knows_its_last_day() -> None:
    model = SHIPPED.catalog.find("claude-sonnet-4-5")
    assert (model.lifecycle, model.retires) == ("deprecated", date(2026, 11, 30))


def test_the_shipped_rules_make_a_classifier() -> None:
    assert SHIPPED.rules.size is not None
    classifier = RuleClassifier(SHIPPED.rules.rules, SHIPPED.rules.size)
    assert classifier.classify("Is this login form secure against XSS?").tier == "large"
    assert {rule.task for rule in SHIPPED.rules.rules} <= set(SHIPPED.rules.tasks)
    assert [c for rule in SHIPPED.rules.rules for c in check_examples(rule)] == []


def test_every_shipped_price_row_names_its_source() -> None:
    assert SHIPPED.overrides
    assert all("https://" in row.source for row in SHIPPED.overrides)


def test_files_that_are_not_there_change_nothing(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        tables = load_tables(place)
        assert tables.catalog.models == SHIPPED.catalog.models
        assert tables.rules == SHIPPED.rules
        assert tables.overrides == SHIPPED.overrides


def test_empty_files_change_nothing(tmp_path: Path) -> None:
    for name in ("rules.toml", "tiers.toml", "prices.toml"):
        (tmp_path / name).touch()
    tables = load_tables(tmp_path)
    assert tables.catalog.models == SHIPPED.catalog.models
    assert tables.rules == SHIPPED.rules
    assert tables.overrides == SHIPPED.overrides


# The user's models


def test_an_entry_changes_only_the_keys_it_gives(load: Load) -> None:
    text = '[[models]]\nid = "claude-opus-4-8"\nrouted = true\n'
    tables = load("tiers.toml", text)
    changed = tables.catalog.find("claude-opus-4-8")
    shipped = SHIPPED.catalog.find("claude-opus-4-8")
    assert changed.routed
    assert (changed.context_window, changed.efforts) == (1_000_000, shipped.efforts)
    assert len(tables.catalog.models) == len(SHIPPED.catalog.models)


def test_an_entry_can_add_a_model(load: Load) -> None:
    tables = load(
        "tiers.toml",
        '[[models]]\nid = "mine"\nprovider = "anthropic"\ntier = "small"\n'
        'line = "mine"\ncontext_window = 32_000\nmax_output = 4_000\n',
    )
    assert tables.catalog.tier_named("mine") == "small"
    assert [m.id for m in tables.catalog.in_tier("small", "anthropic")] == [
        "claude-haiku-5-5",
        "mine",
    ]


def test_one_users_models_do_not_reach_the_next(load: Load) -> None:
    load("tiers.toml", '[[models]]\nid = "claude-opus-5"\nrouted = true\n')
    assert not load_tables().catalog.find("claude-opus-5").routed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '\n[[models]]\nid = "claude-opus-5"\n\ntier = "huge"',
            "tiers.toml line 5: models[0].tier: 'tier' must be one of small, medium, "
            "large; it is 'huge'",
        ),
        (
            '[[models]]\nid = "claude-opus-5"\nrouted = true\n[[models]]\nid = "mine"',
            "tiers.toml line 4: models[1]: 'context_window' is missing",
        ),
        (
            "[[models]]\nrouted = true",
            "tiers.toml line 1: models[0]: 'id' is missing",
        ),
        (
            '[[models]]\nid = "a"\n[[models]]\nid = "a"',
            "tiers.toml line 4: models[1].id: there is an entry for a already",
        ),
        (
            '[[models]]\nid = "claude-opus-5"\nalias = ["x"]',
            "tiers.toml line 3: models[0].alias: unknown key 'alias'; did you mean "
            "'aliases'?",
        ),
        (
            '[[model]]\nid = "claude-opus-5"',
            "tiers.toml line 1: model: unknown key 'model'; did you mean 'models'?",
        ),
        (
            "[models]",
            "tiers.toml line 1: models: 'models' must be an array of tables",
        ),
    ],
)
def test_an_unusable_model_is_refused_with_its_line(
    load: Load, text: str, message: str
) -> None:
    assert refusal(load, "tiers.toml", text).startswith(message)


# The user's rules

OWN_RULE = """
[[rules]]
name = "poem"
tier = "small"
words = ["haiku|sonnet"]
match = ["write a haiku"]
no_match = ["write a novel"]
"""


def test_users_rules_come_after_the_floors_and_before_the_others(load: Load) -> None:
    names = [
        (r.name, r.floor, r.user) for r in load("rules.toml", OWN_RULE).rules.rules
    ]
    place = names.index(("poem", False, True))
    assert all(floor for _, floor, _ in names[:place])
    assert not any(floor or user for _, floor, user in names[place + 1 :])
    assert len(names) == len(SHIPPED.rules.rules) + 1


def test_a_user_can_add_a_task_and_change_the_size(load: Load) -> None:
    tables = load(
        "rules.toml",
        '[tasks.verse]\nexpected_output_tokens = 60\nthinking = "off"\n'
        '[size]\nlarge_context_tokens = 9\ntier = "large"\ntask = "general"\n'
        'reason = "long"\n' + OWN_RULE.replace("tier", 'task = "verse"\ntier', 1),
    )
    assert tables.rules.tasks["verse"].expected_output_tokens == 60
    assert tables.rules.tasks["general"] == SHIPPED.rules.tasks["general"]
    assert tables.rules.size is not None
    assert tables.rules.size.large_context_tokens == 9


def test_a_rule_whose_own_example_fails_is_refused_by_name(load: Load) -> None:
    wrong = OWN_RULE.replace("a haiku", "an ode")
    assert refusal(load, "rules.toml", wrong) == (
        "rules.toml line 6: rules[0].match: rule 'poem' must match 'write an ode'"
    )
    wrong = OWN_RULE.replace("a novel", "a sonnet")
    assert refusal(load, "rules.toml", wrong) == (
        "rules.toml line 7: rules[0].no_match: rule 'poem' must not match "
        "'write a sonnet'"
    )


def test_a_floor_cannot_be_lowered(load: Load) -> None:
    floor = next(rule for rule in SHIPPED.rules.rules if rule.floor)
    text = f'\n[[rules]]\nname = "{floor.name}"\ntier = "small"\nwords = ["x"]\n'
    message = refusal(load, "rules.toml", text)
    assert message.startswith(f"rules.toml line 2: rules[0]: '{floor.name}'")


def test_a_rule_with_an_unusable_tier_is_refused_with_its_line(load: Load) -> None:
    text = OWN_RULE + OWN_RULE.replace("poem", "ode").replace('"small"', '"huge"')
    assert refusal(load, "rules.toml", text) == (
        "rules.toml line 11: rules[1].tier: 'tier' must be one of small, medium, large; "
        "it is 'huge'"
    )


# The user's prices


def test_a_row_with_the_same_name_replaces_the_shipped_one(load: Load) -> None:
    (shipped,) = SHIPPED.overrides
    tables = load(
        "prices.toml",
        f'[[prices]]\nmodel = "{shipped.model}"\nfrom = {shipped.start}\n'
        'input = 0.1\nsource = "contract"\n'
        '[[prices]]\nmodel = "mine"\nprovider = "local"\nfrom = 2026-01-01\n'
        'input = "0.25"\noutput = 1\nsource = "contract"\n',
    )
    first, second = tables.overrides
    assert (first.input, first.cache_read, first.until) == (100_000, None, None)
    assert (second.key, second.input) == (("mine", "local", date(2026, 1, 1)), 250_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[prices]]\nmodel = "m"\nfrom = 2026-01-01\nsource = "s"\n# dear\n'
            'output = "a lot"',
            "prices.toml line 6: prices[0].output: 'output' must be an amount of USD, "
            "0 or more; it is 'a lot'",
        ),
        (
            '[[prices]]\nmodel = "m"\nfrom = 2026-01-01\nsource = "s"\ninput = 1\n'
            "above = [\n  {tokens = 5, input = 1},\n]",
            "prices.toml line 7: prices[0].above[0]: output, cache_read, "
            "cache_write_5m, cache_write_1h missing: all five rates are needed here",
        ),
        (
            '[[prices]]\nmodel = "m"\nfrom = 2026-01-01\ninput = 1',
            "prices.toml line 1: prices[0]: 'source' is missing",
        ),
    ],
)
def test_an_unusable_price_is_refused_with_its_line(
    load: Load, text: str, message: str
) -> None:
    assert refusal(load, "prices.toml", text).startswith(message)


# Files that cannot be read


@pytest.mark.parametrize("name", ["rules.toml", "tiers.toml", "prices.toml"])
@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = = 2\n", 2), ("a = 1\na = 2\n", 2), ("a = 1\n\nb = [1,\n", 4)],
)
def test_a_syntax_error_is_refused_with_its_line(
    load: Load, name: str, text: str, line: int
) -> None:
    message = refusal(load, name, text)
    assert message.startswith(f"{name} line {line}: ")
    assert "(at" not in message
    assert "\n" not in message


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "tiers.toml").write_bytes(b"# one\n# caf\xe9\n")
    with pytest.raises(ConfigurationError, match=r"^tiers.toml line 2: .* UTF-8"):
        load_tables(tmp_path)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    text = '[[models]]\r\nid = "claude-opus-5"\r\nrouted = true\r\n'
    (tmp_path / "tiers.toml").write_bytes(text.encode("utf-8-sig"))
    assert load_tables(tmp_path).catalog.find("claude-opus-5").routed


@pytest.mark.skipif(os.name == "nt", reason="Windows calls this by another name")
def test_a_directory_in_a_files_place_is_refused_without_its_path(
    tmp_path: Path,
) -> None:
    (tmp_path / "prices.toml").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load_tables(tmp_path)
    assert str(caught.value) == "prices.toml: cannot be read: Is a directory"


def test_no_message_shows_where_the_file_is(load: Load, tmp_path: Path) -> None:
    for text in ("x = ", "x = 1", "[[prices]]\nmodel = 3"):
        assert str(tmp_path) not in refusal(load, "prices.toml", text)


# Lines

TEXT = '''\
# [[rules]] in a comment
title = "[[rules]]"   # and here # again
[[rules]]
"name" = """
[[rules]]
tier = 1 \\"""
"""
words = [ # the list
  "a]", 'b"',
  {deep = 1, er.x = [1, 2026-01-01 07:32:00, 3]},
]
[rules.sub]
key = \'\'\'
"x" = 1\'\'\'
[[rules]]
name = 1979-05-27 07:32:00 # a date
a.b.'c d' = true
[[rules.part]]
x = {}
[[rules.part]]
x = []
[last]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("rules", 0), 3),
        (("rules", 0, "name"), 4),
        (("rules", 0, "words"), 8),
        (("rules", 0, "words", 1), 9),
        (("rules", 0, "words", 2, "er", "x", 2), 10),
        (("rules", 0, "sub"), 12),
        (("rules", 0, "sub", "key"), 13),
        (("rules", 1), 15),
        (("rules", 1, "name"), 16),
        (("rules", 1, "a", "b", "c d"), 17),
        (("rules", 1, "part", 1, "x"), 21),
        (("last",), 22),
        (("rules", 1, "absent"), 15),
        (("nowhere", 5), 1),
        ((), 1),
    ],
)
def test_an_entry_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line
