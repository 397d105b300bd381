"""What each lever saved is what the bill of the provider was less by."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from costroute_nb.core.money import format_usd, usd_to_pico
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, HttpError, Text
from tests.support.clock import FakeClock
from tests.support.records import NOON, ended, hold

SMALL, MEDIUM, LARGE = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
PROMPT = "Extract the city names: We flew from Oslo to Lima and Rome."
CITIES = {
    "type": "object",
    "properties": {"cities": {"type": "array", "items": {"type": "string"}}},
    "required": ["cities"],
    "additionalProperties": False,
}
FOUND = '{"cities": ["Oslo"]}'
LONG = "The quick brown fox jumps over the lazy dog. " * 200
HISTORY = [
    {"role": role, "content": f"{number}: {LONG}"}
    for number in range(12)
    for role in ("user", "assistant")
]


@contextmanager
def served(
    monkeypatch: pytest.MonkeyPatch, home: Path, **options: Any
) -> Iterator[tuple[Session, AnthropicServer]]:
    """Yield a session at a server of its own, both on one clock."""
    clock = FakeClock(NOON)
    with AnthropicServer(clock=clock.monotonic, **options) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        with Session(clock=clock, home=str(home), timezone="UTC") as session:
            yield session, server


@pytest.fixture
def pair(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Session, AnthropicServer]]:
    with served(monkeypatch, tmp_path / "home") as both:
        yield both


@pytest.fixture
def session(pair: tuple[Session, AnthropicServer]) -> Session:
    return pair[0]


@pytest.fixture
def server(pair: tuple[Session, AnthropicServer]) -> AnthropicServer:
    return pair[1]


def row(session: Session, lever: str) -> dict[Any, Any]:
    frame = session.levers()
    (found,) = frame[frame.lever == lever].to_dict("records")
    return found


def pico(found: dict[Any, Any], name: str = "saved_usd") -> int:
    return usd_to_pico(found[name])


def test_cached_answer_saves_what_the_baseline_model_bills(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Oslo", input_tokens=900, output_tokens=80))
    for _ in range(3):
        session.route(PROMPT, model=SMALL)
    before = server.billed_pico
    session.route(PROMPT, model=LARGE, cache=False)
    large = server.billed_pico - before
    cache, routing = row(session, "answer cache"), row(session, "routing")
    assert (cache["attempts"], pico(cache)) == (2, 2 * large)
    assert LARGE in cache["baseline"]
    # One answer of the small model, and one that was the baseline itself.
    assert pico(routing) == large - before


def test_routing_is_less_by_what_brought_no_answer(
    session: Session, server: AnthropicServer
) -> None:
    answer = Text("", input_tokens=900, output_tokens=80)
    server.script(answer, HttpError(529), replace(answer, text="Oslo"))
    session.route(PROMPT)
    billed = server.billed_pico
    server.always(replace(answer, text="Oslo"))
    session.route(PROMPT, model=LARGE, cache=False)
    large = server.billed_pico - billed
    routing = row(session, "routing")
    assert pico(routing) == large - billed
    assert "2 attempts brought no answer: " in routing["finding"]


def test_parts_are_what_the_summary_says_was_saved(
    session: Session, server: AnthropicServer
) -> None:
    for number in range(4):
        session.route(f"{PROMPT} {number % 3}", model=(SMALL, MEDIUM)[number % 2])
        session.route(f"{PROMPT} {number % 3}", model=SMALL)
    levers = session.levers()
    parts = levers[levers.counts == "part"]
    total = sum(map(usd_to_pico, parts.saved_usd))
    assert total == usd_to_pico(levers.attrs["saved_usd"])
    assert total == session.report().totals.saved == session.report().levers.saved
    assert parts.lever.tolist() == ["answer cache", "routing"]


def test_prompt_cache_saves_what_a_provider_without_one_bills_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bills = []
    for name, least in (("with", 64), ("without", 10**9)):
        home = tmp_path / name
        with served(monkeypatch, home, least_cacheable=least) as (session, server):
            server.always(Text("Yes.", output_tokens=20))
            for number in range(6):
                asked = f"{number}: {LONG}"
                session.route(asked, thread="t", model=MEDIUM, cache=False)
            bills.append(server.billed_pico)
            read = server.usage.cache_read
            if name == "with":
                found = row(session, "prompt caching")
            else:
                assert "prompt caching" not in set(session.levers().lever)
                assert read == 0
    assert pico(found) == bills[1] - bills[0] != 0
    assert found["counts"] == "on top"
    assert "same model" in found["baseline"]


def test_prompt_cache_that_was_never_read_cost_more(
    session: Session, server: AnthropicServer
) -> None:
    for model, cached in ((SMALL, 500), (SMALL, 0)):
        server.script(Text("Oslo", output_tokens=9, cache_write_1h=cached))
        session.route(LONG, model=model, cache=False)
    written, plain = (seen.billed_pico for seen in server.messages)
    found = row(session, "prompt caching")
    assert pico(found) == plain - written < 0
    assert found["tokens"] == 500


def test_trimming_saves_about_what_all_of_it_would_have_been_billed(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("Oslo", output_tokens=9))
    options: dict[str, Any] = {"context": HISTORY, "model": MEDIUM, "cache": False}
    trimmed = session.route("What came last?", context_tokens=20_000, **options)
    session.route("What came last?", **options)
    less, all_of_it = (seen.billed_pico for seen in server.messages)
    found = row(session, "trimming")
    assert found["attempts"] == 1
    assert found["tokens"] == trimmed.trimmed_tokens > 0
    assert found["saved_usd"] == trimmed.trimmed_usd
    assert pico(found) == pytest.approx(all_of_it - less, rel=0.25)


def test_trimmed_prompt_that_was_never_billed_saved_nothing(
    session: Session, server: AnthropicServer
) -> None:
    server.script(HttpError(529), Text("Oslo"))
    session.route("And?", context=HISTORY, model=MEDIUM, context_tokens=20_000)
    assert row(session, "trimming")["attempts"] == 1


def test_schema_saves_the_output_that_the_same_model_bills_less(
    session: Session, server: AnthropicServer
) -> None:
    for text, schema, output in ((FOUND, CITIES, 12), ("Oslo was it", None, 90)):
        for number in range(2):
            server.script(Text(text, input_tokens=500, output_tokens=output + number))
            asked = f"{PROMPT} {number}"
            session.route(asked, model=SMALL, schema=schema, step="label")
    bills = [seen.billed_pico for seen in server.messages]
    found = row(session, "structured output")
    assert pico(found) == sum(bills[2:]) - sum(bills[:2])
    assert "step label" in found["of"]
    assert "output tokens with a schema in 2, 90 without in 2" in found["finding"]
    assert SMALL in found["baseline"]


def test_schema_on_another_model_is_no_sum_of_money(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text(FOUND), Text("Oslo was it"))
    session.route(PROMPT, model=SMALL, schema=CITIES)
    session.route(PROMPT, model=LARGE)
    found = row(session, "structured output")
    assert pd.isna(found["saved_usd"])
    assert "they are of other models" in found["baseline"]


def test_thinking_cost_what_the_bill_is_less_without_it(
    session: Session, server: AnthropicServer
) -> None:
    for thinking in (300, 0):
        answer = Text(
            "Oslo",
            input_tokens=500,
            output_tokens=40 + thinking,
            thinking_tokens=thinking,
        )
        server.script(answer)
        session.route(PROMPT, model=LARGE, cache=False)
    thought, quiet = (seen.billed_pico for seen in server.messages)
    found = row(session, "thinking")
    assert pico(found, "cost_usd") == thought - quiet
    assert pd.isna(found["saved_usd"])
    assert (found["of"], found["tokens"], found["counts"]) == (LARGE, 300, "cost")
    share = (thought - quiet) / (thought + quiet)
    assert found["finding"] == f"{share:.0%} of all cost"


def test_efforts_are_compared_where_more_than_one_was_used(
    session: Session, server: AnthropicServer
) -> None:
    for effort, thinking in (("low", 20), ("high", 400)):
        server.script(Text("Oslo", output_tokens=500, thinking_tokens=thinking))
        session.route(PROMPT, model=LARGE, effort=effort, cache=False)
        if effort == "low":
            assert "effort" not in set(session.levers().lever)
    finding = row(session, "effort")["finding"]
    assert "low: on average 20 thinking of 500 output tokens in 1" in finding
    assert "high: on average 400 thinking of 500 output tokens in 1" in finding


def test_long_prompts_are_priced_at_their_step(
    session: Session, server: AnthropicServer
) -> None:
    for read in (150_000, 0):
        server.script(
            Text("Oslo", input_tokens=150_000 - read, output_tokens=9, cache_read=read)
        )
        session.route(PROMPT, model=SMALL, cache=False)
    cached, plain = (seen.billed_pico for seen in server.messages)
    assert pico(row(session, "prompt caching")) == plain - cached


def test_levers_are_of_the_sessions_own_pot_and_period(session: Session) -> None:
    old = NOON - timedelta(days=9)
    for number, simulated in enumerate([False, True, False]):
        record = hold(
            str(number), simulated=simulated, trimmed_tokens=10 ** (number + 1),
            trimmed=7, at=NOON if number < 2 else old,
        )  # fmt: skip
        session.store.add(ended(record))
    levers = session.levers()
    assert row(session, "trimming")["tokens"] == 10 + 1_000
    assert session.levers(since="1d").tokens.tolist() == [0, 10]
    assert session.levers(all_sessions=False).empty
    assert levers.attrs["simulated"] is False
    assert levers.attrs["period"] == "everything"


def test_empty_ledger_says_so_and_has_the_same_columns(session: Session) -> None:
    empty = session.levers()
    assert empty.attrs["notes"] == ("no attempts yet",)
    assert empty.attrs["saved_usd"] is None
    session.store.add(ended(hold(), thread="t"))
    assert empty.dtypes.equals(session.levers().dtypes)


def test_report_has_the_levers_on_its_page_and_in_a_table_of_their_own(
    session: Session, server: AnthropicServer, tmp_path: Path
) -> None:
    server.always(Text("Oslo", cache_read=7, thinking_tokens=3, output_tokens=9))
    session.route(PROMPT, model=LARGE)
    session.route(PROMPT, model=LARGE)
    page, table = tmp_path / "report.html", tmp_path / "report.csv"
    found = session.report(html=page, csv=table)
    text = page.read_text("utf-8")
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", text)]
    with (tmp_path / "report-levers.csv").open(encoding="utf-8", newline="") as lines:
        rows = {row["lever"]: row for row in csv.DictReader(lines)}
    assert list(rows) == ["answer cache", "routing", "prompt caching", "thinking"]
    for lever in found.levers.rows:
        at = cells.index(lever.title)
        amount = lever.cost if lever.counts == "cost" else lever.saved
        assert format_usd(amount) in cells[at : at + 6]
        assert cells[at + 5] == lever.baseline == rows[lever.name]["baseline"]
        name = "cost_usd" if lever.counts == "cost" else "saved_usd"
        assert usd_to_pico(rows[lever.name][name]) == amount
    for note in found.levers.notes:
        assert note in unescape(text)
    assert rows["routing"]["baseline_model"] == LARGE
    assert rows["routing"]["simulated"] == "false"


def test_simulated_provider_uses_levers_of_its_own_pot(tmp_path: Path) -> None:
    with Session(provider="simulated", home=str(tmp_path)) as session:
        for _ in range(2):
            session.route(PROMPT, context=HISTORY, context_tokens=20_000)
        levers = session.levers()
    assert levers.attrs["simulated"] is True
    assert {"answer cache", "routing", "trimming"} <= set(levers.lever)
