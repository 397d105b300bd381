"""Delegated work against a real server that keeps its own books, by promise and cost."""

import json
import pickle  # what is pickled here was made here: results must survive it
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict

import pydantic
import pytest

from costroute_nb.core.result import Result
from costroute_nb.errors import (
    ConfigurationError,
    InvalidAnswerError,
    TemplateError,
)
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text, Truncated
from tests.support.sdk import HAIKU, OPUS, SONNET

TEXT = "Oslo is the capital of Norway. It lies at the end of a fjord."
LONG = "one two three four five six"
CITY = '{"name": "Oslo", "kind": "city", "founded": "1048-01-01", "area_km2": "454.12"}'


class Kind(Enum):
    """What a place is."""

    CITY = "city"
    TOWN = "town"


class City(pydantic.BaseModel):
    """A place, as a pydantic model."""

    name: str
    kind: Kind
    founded: date
    area_km2: Decimal


@dataclass
class Place:
    """A place, as a dataclass."""

    name: str
    founded: date | None = None


class Row(TypedDict):
    """A place, as a TypedDict."""

    name: str
    people: int


def models(server: AnthropicServer) -> list[str]:
    return [seen.body["model"] for seen in server.messages]


def column(session: Session, name: str) -> list[Any]:
    values: list[Any] = session.ledger[name].tolist()
    return values


@pytest.mark.parametrize(
    ("work", "answer", "task"),
    [
        (lambda s: s.summarize(TEXT, 5), "Oslo, Norway's capital", "short_summary"),
        (lambda s: s.rewrite(TEXT, 20), "Oslo on its fjord", "page_metadata"),
        (lambda s: s.extract_json(TEXT, City), CITY, "extraction"),
    ],
    ids=["summarize", "rewrite", "extract_json"],
)
def test_work_goes_to_the_small_tier_without_thinking_and_is_booked_as_its_task(
    session: Session,
    server: AnthropicServer,
    work: Callable[[Session], Result],
    answer: str,
    task: str,
) -> None:
    server.script(Text(answer))
    result = work(session)
    (seen,) = server.messages
    assert (result.text, result.tier, result.attempts) == (answer, "small", 1)
    assert seen.body["thinking"] == {"type": "disabled"}
    assert seen.body["max_tokens"] < 1024
    assert column(session, "task") == [task]
    assert result.cost_usd == float(server.billed_usd)
    assert result.reason == f"delegated: {task}"


def test_options_of_route_are_taken(session: Session, server: AnthropicServer) -> None:
    server.always(Text("short"))
    options: dict[str, Any] = {"workflow": "w", "step": "s", "cache": False}
    session.summarize(TEXT, 5, **options)
    session.summarize(TEXT, 5, **options, tier="medium", max_tokens=77, ttl=None)
    assert column(session, "workflow") == ["w", "w"]
    assert models(server) == [HAIKU, SONNET]
    assert server.messages[1].body["max_tokens"] == 77


def test_higher_tiers_do_not_think_about_delegated_work_either(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("short"))
    session.summarize(TEXT, 3000, tier="medium")
    session.summarize(TEXT, 3000, tier="medium", effort="high")
    first, second = (seen.body for seen in server.messages)
    assert first["thinking"] == {"type": "between_tools"}  # the least of this model
    assert second.get("thinking") != {"type": "between_tools"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"thread": "t"}, "its prompt stands alone"),
        ({"context": "c"}, "its prompt stands alone"),
        ({"system": "s"}, "system prompt of its own"),
        ({"max_word": 3}, "takes no option 'max_word'"),
        ({"tier": "tiny"}, "tiny"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_sent(
    session: Session, server: AnthropicServer, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        session.summarize(TEXT, **options)
    assert server.messages_requests == 0


def test_a_summary_that_is_too_long_is_repaired_by_its_own_model(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text(LONG), Text("one two three"))
    result = session.summarize(TEXT, 3)
    first, second = (seen.body["messages"] for seen in server.messages)
    assert models(server) == [HAIKU, HAIKU]
    assert second[:-2] == first
    assert second[-2] == {"role": "assistant", "content": LONG}
    assert "the answer has 6 words, 3 are allowed" in second[-1]["content"]
    assert (result.text, result.attempts) == ("one two three", 2)
    assert column(session, "status") == ["failed", "ok"]
    assert "broke its promise" in column(session, "reason")[0]
    assert result.cost_usd == float(server.billed_usd)


def test_what_one_repair_does_not_mend_is_escalated(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text(LONG))
    server.on(SONNET, Text("one two"))
    result = session.summarize(TEXT, 3)
    assert models(server) == [HAIKU, HAIKU, SONNET]
    # The next candidate is asked the plain question, without the other's bad answer.
    assert len(server.messages[2].body["messages"]) == 1
    assert (result.text, result.model, result.attempts) == ("one two", SONNET, 3)
    assert column(session, "status") == ["failed", "escalated", "ok"]
    assert sum(column(session, "cost_usd")) == pytest.approx(float(server.billed_usd))
    assert result.cost_usd == float(server.billed_usd)


def test_a_promise_that_nobody_keeps_is_a_clear_error_with_all_attempts_booked(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text(LONG))
    with pytest.raises(InvalidAnswerError, match="6 words, 3 are allowed") as caught:
        session.summarize(TEXT, 3)
    assert models(server) == [HAIKU, HAIKU, SONNET, SONNET, OPUS, OPUS]
    assert column(session, "status") == [
        "failed", "escalated", "failed", "escalated", "failed", "failed",
    ]  # fmt: skip
    assert caught.value.cost_usd == float(server.billed_usd)
    assert (caught.value.text, caught.value.call_id) == (
        LONG,
        column(session, "call_id")[0],
    )


def test_a_title_keeps_its_keyword_or_is_asked_for_again(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("Norway's capital"), Text('"Oslo on its FJORD"'))
    result = session.rewrite(TEXT, 30, "fjord")
    assert result.text == "Oslo on its FJORD"
    assert "does not hold the keyword 'fjord'" in str(server.messages[1].body)


@pytest.mark.parametrize(
    ("schema", "answer", "data"),
    [
        (City, CITY, City.model_validate_json(CITY)),
        (Place, '{"name": "Oslo", "founded": null}', Place("Oslo")),
        (Row, '{"name": "Oslo", "people": 7}', {"name": "Oslo", "people": 7}),
        (list[Place], '{"items": [{"name": "Oslo"}]}', [Place("Oslo")]),
        (list[str], '{"items": ["Oslo"]}', ["Oslo"]),
    ],
)
def test_extracted_data_is_typed(
    session: Session, server: AnthropicServer, schema: Any, answer: str, data: Any
) -> None:
    server.script(Text(answer))
    result = session.extract_json(TEXT, schema)
    assert result.data == data
    assert result.frame is not None
    assert len(result.frame) == 1


def test_a_list_of_typed_objects_is_json_and_survives_pickling(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text(f'{{"items": [{CITY}, {CITY}]}}'))
    result = session.extract_json(TEXT, list[City])
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["data"] == 2 * [
        {"name": "Oslo", "kind": "city", "founded": "1048-01-01", "area_km2": "454.12"}
    ]
    assert pickle.loads(pickle.dumps(result)) == result
    assert result.frame is not None
    assert list(result.frame.columns) == ["name", "kind", "founded", "area_km2"]
    assert result.frame["area_km2"].tolist() == 2 * [Decimal("454.12")]


def test_an_own_task_is_filled_checked_and_done_by_the_small_tier(
    session: Session, server: AnthropicServer
) -> None:
    session.register("slogan", "A slogan for {{product}}, please.", max_words=2)
    server.script(Text("far too many words"), Text("Just tea"))
    result = session.delegate("slogan", product="tea", step="s")
    assert server.messages[0].body["messages"][0]["content"] == (
        "A slogan for tea, please."
    )
    assert (result.text, models(server)) == ("Just tea", [HAIKU, HAIKU])
    assert column(session, "step") == ["s", "s"]
    assert session.tasks[-1] == "slogan"


def test_a_placeholder_may_have_the_name_of_an_option(
    session: Session, server: AnthropicServer
) -> None:
    session.register("explain", "Name step {{step}} of the list in a word.")
    session.delegate("explain", step="two", workflow="w")
    assert "step two" in str(server.messages[0].body)
    assert column(session, "step") == ["explain"]


def test_the_ledger_tells_delegated_tasks_apart_by_their_step(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("short"))
    session.register("slogan", "A slogan for {{product}}.")
    session.summarize(TEXT, 5)
    session.delegate("slogan", product="tea")
    session.delegate("slogan", product="milk", step="s")
    assert column(session, "step") == ["summarize", "slogan", "s"]


def test_the_users_own_cap_is_final_in_delegated_work_too(
    session: Session, server: AnthropicServer
) -> None:
    server.always(lambda body: Truncated("a b", output_tokens=body["max_tokens"]))
    session.register("slogan", "A slogan for {{product}}.", max_tokens=40)
    small: dict[str, Any] = {"tier": "small", "ceiling": "small"}
    for work in (
        lambda: session.summarize(TEXT, 20, max_tokens=40, **small),
        lambda: session.route(TEXT, task="summarize:20", max_tokens=40, **small),
        lambda: session.delegate("slogan", product="tea", **small),
    ):
        with pytest.raises(InvalidAnswerError, match="cut at its token cap"):
            work()
    assert [seen.body["max_tokens"] for seen in server.messages] == [40, 40, 40]


def test_a_cap_that_a_promise_gives_is_no_cap_of_the_users(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Truncated("a"), Text("Just tea"))
    session.register("slogan", "A slogan for {{product}}.", max_words=2)
    assert session.delegate("slogan", product="tea").text == "Just tea"
    first, second = (seen.body["max_tokens"] for seen in server.messages)
    assert second == 2 * first


def test_built_in_tasks_are_delegated_by_name_too(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("short"))
    assert session.delegate("summarize", text=TEXT, max_words=1).text == "short"


def test_a_floor_in_an_own_instruction_holds_and_one_in_the_text_does_not(
    session: Session, server: AnthropicServer
) -> None:
    danger = "Review this login handler for security vulnerabilities."
    server.always(Text("fine"))
    session.register("audit", danger + " {{code}}")
    session.register("say", "Shorten: {{text}}")
    assert session.delegate("audit", code="def login(): ...").tier == "large"
    assert session.delegate("say", text=danger).tier == "small"
    assert session.summarize(danger).tier == "small"
    assert session.route(danger, task="summarize").tier == "small"


@pytest.mark.parametrize(
    ("work", "error", "says"),
    [
        (lambda s: s.delegate("sumarize"), ConfigurationError, "did you mean summ"),
        (lambda s: s.delegate(["x"]), ConfigurationError, "named by text"),
        (lambda s: s.delegate("slogan"), TemplateError, "needs a value"),
        (lambda s: s.delegate("slogan", product="x", hue=1), ConfigurationError, "hue"),
        (lambda s: s.delegate("slogan", product="\ud800"), ConfigurationError, "half"),
        (lambda s: s.summarize(None), ConfigurationError, "is text, not NoneType"),
        (lambda s: s.extract_json(TEXT, dict[str, int]), ConfigurationError, "open"),
        (lambda s: s.extract_json(TEXT, None), ConfigurationError, "needs a schema"),
        (lambda s: s.register("x", "y", check="("), ConfigurationError, "expression"),
        (lambda s: s.register("x", "y", schema=dict), ConfigurationError, "open"),
        (lambda s: s.register("rewrite", "y"), ConfigurationError, "built-in"),
        (lambda s: s.route(TEXT, task=5), ConfigurationError, "named by text"),
        (lambda s: s.route(TEXT, task="summarize:x"), ConfigurationError, "whole"),
        (lambda s: s.route(TEXT, task="summarize", schema=int), ConfigurationError,
         "takes no 'schema'"),
        (lambda s: s.route(TEXT, task="strict", check="True"), ConfigurationError,
         "check of its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_before_anything_is_sent(
    session: Session,
    server: AnthropicServer,
    work: Callable[[Any], object],
    error: type[Exception],
    says: str,
) -> None:
    session.register("slogan", "A slogan for {{product}}.")
    session.register("strict", "Echo {{text}}", check="'x' in text")
    with pytest.raises(error, match=says) as caught:
        work(session)
    assert "\n" not in str(caught.value)
    assert server.messages_requests == 0


def test_a_check_that_a_task_was_registered_with_is_run(
    session: Session, server: AnthropicServer
) -> None:
    session.register("strict", "Echo {{text}}", check="'x' in text")
    server.on(HAIKU, Text("no"))
    server.on(SONNET, Text("box"))
    assert session.delegate("strict", text="box").text == "box"
    assert models(server) == [HAIKU, SONNET]


def test_the_option_task_names_a_task_and_the_prompt_is_its_text(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text(LONG), Text("one two three"))
    result = session.route(TEXT, task="summarize:3", workflow="w")
    assert (result.text, result.attempts) == ("one two three", 2)
    assert session.summarize(TEXT, 3).cache_hit
    assert column(session, "task") == 3 * ["short_summary"]


def test_extraction_as_an_option_takes_its_schema(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text(CITY))
    data = session.route(TEXT, task="extract_json", schema=City).data
    assert data.area_km2 == Decimal("454.12")


def test_an_own_task_as_an_option_takes_the_text_for_its_placeholder(
    session: Session, server: AnthropicServer
) -> None:
    session.register("slogan", "A slogan for {{product}}.", max_words=9)
    server.script(Text("Just good tea"), Text("Just tea"))
    result = session.route("tea", task="slogan:2")
    assert (result.text, result.attempts) == ("Just tea", 2)


def test_a_task_that_is_none_is_no_task(
    session: Session, server: AnthropicServer
) -> None:
    session.route(TEXT, task=None)
    assert server.messages[0].body["messages"][0]["content"] == TEXT


def test_a_delegated_call_is_planned_without_a_request(
    session: Session, server: AnthropicServer
) -> None:
    plan = session.plan(TEXT, task="rewrite:40")
    assert (plan.tier, plan.reason) == ("small", "delegated: page_metadata")
    assert server.messages_requests == 0
    first = plan.candidates[0]
    # A repair is part of the worst case: it may follow the longer try.
    assert first.quote.worst is not None
    assert first.quote.worst_again is not None
    assert first.quote.worst_again > 2 * first.quote.worst
