"""The simulated provider: extracts, valid JSON, flaws where they teach."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.messages import Request
from costroute_nb.core.tokens import estimate_tokens
from costroute_nb.errors import Interrupted
from costroute_nb.providers.simulated import SimulatedProvider
from costroute_nb.providers.simulated.pattern import matching_text
from costroute_nb.providers.simulated.provider import is_flawed
from costroute_nb.providers.simulated.reading import Prompt
from tests.support.models import BY_TIER, LARGE, MEDIUM, SMALL, ask_for

ARTICLE = (
    "The quick growth of solar power surprised many analysts. In 2025 Acme Energy in "
    "Berlin put 1,200 panels on public schools. Solar power is now the cheapest "
    "source of power in Germany, says Maria Schmidt. Critics fear that the grid "
    "cannot keep up with the growth of solar power. Write to info@acme.example or "
    "see https://acme.example/solar before 2027-03-01."
)
SAMPLE_PROMPTS = [
    f"Extract all names: {ARTICLE}",
    f"Summarize in 20 words: {ARTICLE}",
    f"Write a title: {ARTICLE}",
    ARTICLE,
]
TABLE = "region,sales\nNorth,100\nSouth,250\nWest,80\n"


def say(prompt: str, model: Any = LARGE, **more: Any) -> str:
    return SimulatedProvider().complete(model, ask_for(prompt, **more)).text


def flawed_prompt(template: str) -> str:
    """The first numbered version of a prompt that the small tier gets wrong."""
    prompts = (f"{template} ({n})" for n in range(100))
    return next(p for p in prompts if is_flawed(SMALL, ask_for(p)))


# Texts


@pytest.mark.parametrize("words", [5, 12, 30])
def test_summary_is_made_of_the_texts_own_sentences_within_its_length(
    words: int,
) -> None:
    summary = say(f"Summarize in {words} words:\n\n{ARTICLE}")
    assert 0 < len(summary.split()) <= words
    assert summary.split(". ")[0] in ARTICLE


def test_summary_keeps_the_order_of_the_text() -> None:
    summary = say(f"Summarize in 3 bullets: {ARTICLE}")
    places = [ARTICLE.index(line.removeprefix("- ")) for line in summary.splitlines()]
    assert len(places) == 3
    assert places == sorted(places)


def test_instruction_may_come_after_the_text() -> None:
    summary = say(f"{ARTICLE}\n\nSummarize the text above in one sentence.")
    assert summary in ARTICLE


def test_title_stays_within_its_characters() -> None:
    assert 0 < len(say(f"Write an SEO title under 40 characters: {ARTICLE}")) <= 40


def test_sentiment_is_one_of_the_labels_given() -> None:
    ask = "Classify as positive, negative or neutral: "
    assert say(f"{ask}I love this phone, it is great") == "positive"
    assert say(f"{ask}A terrible, broken thing") == "negative"


def test_extraction_finds_what_is_there() -> None:
    found = json.loads(say(f"Extract all emails and dates as JSON: {ARTICLE}"))
    assert found == ["info@acme.example", "2027-03-01"]


def test_csv_is_converted_to_json() -> None:
    rows = json.loads(say(f"Convert this CSV to JSON:\n{TABLE}"))
    assert rows[1] == {"region": "South", "sales": 250}


def test_rename_is_carried_out_on_whole_words() -> None:
    code = say("Rename `foo` to `bar`:\n```python\nfoo = food(foo)\n```")
    assert code == "```python\nbar = food(bar)\n```"


@pytest.mark.parametrize(
    "prompt",
    [
        "What is the capital of France?",
        "Translate to French: The cat sat on the mat.",
        "Write a Python function that parses dates.",
        f"Which region sold most?\n\n{TABLE}",
        "Design the architecture of a payment system.",
    ],
)
def test_answer_that_would_need_a_model_says_that_it_is_simulated(prompt: str) -> None:
    assert "(simulated)" in say(prompt)


FRAGMENTS = [
    "Summarize", "in 0 words", "in 5 words:", "\n\n", "\n", ": ", "title", "translate",
    "0 characters", "classify as", "a, b or c", "extract", "json", "```python\n", "```",
    "rename x to y", "a,b\n1,2\n", "csv", "\r", "\0", '"', "List all", "emails", "nan",
    "9" * 5000, "1e999", "function", "three bullets", " ",
]  # fmt: skip


@given(
    st.text(max_size=300) | st.lists(st.sampled_from(FRAGMENTS)).map("".join),
    st.sampled_from(["small", "medium", "large"]),
)
def test_any_prompt_gets_some_answer(prompt: str, tier: str) -> None:
    assert say(prompt, BY_TIER[tier]).strip()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("From -3 to 4.5, 6. No 1.2.3, v7, 8x or 9.x; x-10 and 11...", [-3, 4.5, 6, 10, 11]),
        ("1" * 20_000 + "a 2", [2]),
        ("1." * 10_000 + "a 2", [2]),
    ],
    ids=["prose", "digits", "points"],
)  # fmt: skip
def test_numbers_of_a_text_are_found_in_one_look(
    text: str, numbers: list[float]
) -> None:
    # Going back over the digits again and again would take seconds.
    start = time.process_time()
    assert Prompt("x", text).numbers == numbers
    assert time.process_time() - start < 0.5


def test_megabyte_of_prompt_is_answered_from_its_beginning() -> None:
    assert say("Summarize: " + "extract data again " * 50_000, max_tokens=500)


# Usage and the cap


def test_usage_is_the_estimate_of_what_was_read_and_said() -> None:
    request = ask_for(f"Summarize in 20 words: {ARTICLE}")
    provider = SimulatedProvider()
    completion = provider.complete(MEDIUM, request)
    usage = completion.usage
    assert usage.input_tokens == provider.count_tokens(MEDIUM, request)
    assert usage.output_tokens == estimate_tokens(completion.text)
    assert not completion.estimated


@pytest.mark.parametrize("cap", [1, 3, 10])
def test_cap_truncates_the_answer(cap: int) -> None:
    completion = SimulatedProvider().complete(
        LARGE, ask_for(f"Summarize: {ARTICLE}", max_tokens=cap)
    )
    assert completion.stop_reason == "max_tokens"
    assert completion.usage.output_tokens <= cap


def test_interrupt_keeps_the_text_so_far() -> None:
    pieces: list[str] = []

    def stop_at_five(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        SimulatedProvider().complete(LARGE, ask_for(f"tl;dr {ARTICLE}"), stop_at_five)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "".join(pieces)
    assert caught.value.partial.estimated


# Flaws


def test_about_one_small_answer_in_five_is_flawed_and_no_larger_one() -> None:
    requests = [ask_for(f"Summarize text {n}") for n in range(1000)]
    assert 150 < sum(is_flawed(SMALL, request) for request in requests) < 250
    assert not any(is_flawed(MEDIUM, request) for request in requests)
    assert not any(is_flawed(LARGE, request) for request in requests)


def test_flawed_summary_forgets_its_length_and_the_next_tier_keeps_it() -> None:
    prompt = flawed_prompt(f"Summarize in 10 words: {ARTICLE}")
    assert len(say(prompt, SMALL).split()) > 10
    assert len(say(prompt, MEDIUM).split()) <= 10


def test_flawed_json_is_off_its_schema_and_the_next_tier_is_on_it() -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "year": {"type": "integer"}},
        "required": ["title", "year"],
    }
    seen = set()
    for n in range(100):
        request = ask_for(f"Describe this: {ARTICLE} ({n})", schema=schema)
        if is_flawed(SMALL, request):
            text = SimulatedProvider().complete(SMALL, request).text
            seen.add(text.startswith("{"))
            with pytest.raises((ValueError, jsonschema_rs.ValidationError)):
                jsonschema_rs.validate(schema, json.loads(text))
            better = SimulatedProvider().complete(MEDIUM, request).text
            jsonschema_rs.validate(schema, json.loads(better))
    assert seen == {True, False}


def test_flawed_label_is_none_of_those_given() -> None:
    prompt = flawed_prompt("Classify as spam or ham: win money now")
    assert say(prompt, SMALL) not in {"spam", "ham"}
    assert say(prompt, LARGE) in {"spam", "ham"}


# JSON for a schema

BOUND = st.integers(-50, 50)
PATTERNS = [
    r"^[A-Z]{2}\d{4}$",
    r"^\d{4}-\d{2}-\d{2}$",
    r"^(foo|bar)+$",
    r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
    r"^https?://",
    r"\w+",
    r"^#(?:[0-9a-fA-F]{3}){1,2}$",
]


def _strings() -> st.SearchStrategy[dict[str, Any]]:
    lengths = st.tuples(st.integers(0, 12), st.integers(0, 40)).map(
        lambda pair: {
            "type": "string",
            "minLength": pair[0],
            "maxLength": sum(pair),
        }
    )
    patterns = st.sampled_from(PATTERNS).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    )
    formats = st.sampled_from(["date", "email", "uri", "uuid"]).map(
        lambda name: {"type": "string", "format": name}
    )
    return lengths | patterns | formats | st.just({"type": "string"})


def _numbers() -> st.SearchStrategy[dict[str, Any]]:
    kind = st.sampled_from(["integer", "number"])
    width = st.integers(2, 60)
    closed = st.tuples(kind, BOUND, width).map(
        lambda t: {"type": t[0], "minimum": t[1], "maximum": t[1] + t[2]}
    )
    open_ = st.tuples(kind, BOUND, width).map(
        lambda t: {
            "type": t[0],
            "exclusiveMinimum": t[1],
            "exclusiveMaximum": t[1] + t[2],
        }
    )
    steps = st.tuples(kind, BOUND, st.integers(1, 9)).map(
        lambda t: {"type": t[0], "minimum": t[1], "multipleOf": t[2]}
    )
    return closed | open_ | steps | kind.map(lambda name: {"type": name})


def _leaves() -> st.SearchStrategy[dict[str, Any]]:
    fixed: list[dict[str, Any]] = [
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["solar", "wind", 3, None]},
        {"const": {"a": [1]}},
        {"type": ["null", "integer"]},
        {"$ref": "#/$defs/Leaf"},
        {"$ref": "#/$defs/Node"},
    ]
    return _strings() | _numbers() | st.sampled_from(fixed)


def _nested(
    inner: st.SearchStrategy[dict[str, Any]],
) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["title", "name", "year", "tags", "summary", "next"])
    objects = st.dictionaries(names, inner, max_size=4).flatmap(
        lambda properties: st.builds(
            lambda required, extra: {
                "type": "object",
                "properties": properties,
                "required": required,
                **({} if extra else {"additionalProperties": False}),
            },
            st.lists(st.sampled_from(sorted(properties) or ["free"]), unique=True)
            if properties
            else st.just([]),
            st.booleans(),
        )
    )
    arrays = st.builds(
        lambda items, least, more: {
            "type": "array",
            "items": items,
            "minItems": least,
            "maxItems": least + more,
        },
        inner,
        st.integers(0, 4),
        st.integers(0, 4),
    )
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some})
    merged = st.tuples(objects, objects).map(
        lambda pair: {
            "allOf": [
                {k: v for k, v in part.items() if k != "additionalProperties"}
                for part in ({**pair[0], **pair[1]}, pair[1])
            ]
        }
    )
    return objects | arrays | unions | merged


DEFS: dict[str, Any] = {
    "Leaf": {"type": "string", "minLength": 2},
    "Node": {
        "type": "object",
        "properties": {
            "value": {"$ref": "#/$defs/Leaf"},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        },
        "required": ["value", "next", "children"],
        "additionalProperties": False,
    },
}
SCHEMAS = st.recursive(_leaves(), _nested, max_leaves=8).map(
    lambda schema: {**schema, "$defs": DEFS}
)


@given(SCHEMAS, st.sampled_from(["Describe it.", f"Extract: {ARTICLE}", "\0", ""]))
def test_answer_to_a_schema_is_valid_json(schema: dict[str, Any], prompt: str) -> None:
    text = say(prompt, MEDIUM, schema=schema, max_tokens=100_000)
    jsonschema_rs.validate(schema, json.loads(text))


def test_unique_items_are_different() -> None:
    schema = {
        "type": "array",
        "items": {"enum": ["a", "b", "c", "d"]},
        "minItems": 4,
        "uniqueItems": True,
    }
    assert sorted(json.loads(say("List.", schema=schema))) == ["a", "b", "c", "d"]


def test_exactly_one_of_the_variants_fits() -> None:
    schema = {"oneOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}]}
    jsonschema_rs.validate(schema, json.loads(say("Give.", schema=schema)))


def test_json_is_filled_from_the_prompt() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
            "topic": {"enum": ["wind", "solar"]},
            "summary": {"type": "string"},
        },
    }
    data = json.loads(say(f"Describe: {ARTICLE}", schema=schema))
    assert data["name"] in ARTICLE
    assert data["year"] == 2025
    assert data["topic"] == "solar"
    assert data["summary"] in ARTICLE


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("least", [0, 6])
def test_text_is_found_for_a_pattern(pattern: str, least: int) -> None:
    text = matching_text(pattern, least)
    if text is None:  # a pattern of fixed length
        assert pattern in {PATTERNS[0], PATTERNS[1]}
        assert least > 0
    else:
        assert re.search(pattern, text)
        assert len(text) >= least


@pytest.mark.parametrize("pattern", ["(", "[", r"(a)\1{2}b\2", "(?!x)y(?=z)"])
def test_pattern_beyond_it_is_given_up_quietly(pattern: str) -> None:
    assert matching_text(pattern) is None


# The same everywhere


def test_answers_do_not_depend_on_process_or_hash_seed() -> None:
    script = (
        "from costroute_nb.providers.simulated import SimulatedProvider\n"
        "from tests.support.models import BY_TIER, ask_for\n"
        f"prompts = {SAMPLE_PROMPTS!r}\n"
        "for tier in BY_TIER.values():\n"
        "    for prompt in prompts:\n"
        "        answer = SimulatedProvider().complete(tier, ask_for(prompt))\n"
        "        print(answer.text, answer.usage)\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("Usage(") == 3 * len(SAMPLE_PROMPTS)


def test_body_tells_apart_everything_the_answer_depends_on() -> None:
    provider = SimulatedProvider()
    variants = [
        (SMALL, ask_for("a")),
        (MEDIUM, ask_for("a")),
        (SMALL, ask_for("b")),
        (SMALL, ask_for("a", max_tokens=7)),
        (SMALL, ask_for("a", system="s")),
        (SMALL, ask_for("a", schema={"type": "string"})),
        (SMALL, ask_for("a", thinking="off")),
        (SMALL, ask_for("a", effort="low")),
        (
            SMALL,
            Request(messages=({"role": "assistant", "content": "a"},), max_tokens=9),
        ),
    ]
    bodies = {json.dumps(provider.body(m, r), sort_keys=True) for m, r in variants}
    assert len(bodies) == len(variants)
