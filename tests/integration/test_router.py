"""A call from prompt to ledger row, against a real server that keeps its own books."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest

from costroute_nb.core.result import Result
from costroute_nb.errors import (
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    InvalidAnswerError,
    MissingKeyError,
    NoCapableModelError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    RefusedError,
    StreamCutError,
    UnknownModelError,
    UnknownPriceError,
)
from costroute_nb.session import Session
from tests.support.anthropic_server import (
    AnthropicServer,
    BadJson,
    ContextExceeded,
    Cut,
    CutBeforeHeaders,
    Empty,
    HttpError,
    Refusal,
    Slow,
    SseError,
    Text,
    Truncated,
)
from tests.support.clock import FakeClock
from tests.support.sdk import HAIKU, OPUS, SONNET
from tests.support.sessions import Make, opening

SMALL = "Extract a list of the city names: Rome, Oslo, Lima."
MEDIUM = "Explain why the median resists outliers better than the mean does."
LARGE = "Review this login handler for security vulnerabilities: def login(): ..."
AGE = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
    "required": ["age"],
    "additionalProperties": False,
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(server: AnthropicServer, clock: FakeClock) -> Iterator[Make]:
    with opening(clock=clock) as made:
        yield made


@pytest.fixture
def session(make: Make) -> Session:
    return make()


class Watcher:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.shown = ""
        self.notices: list[str] = []
        self.restarts: list[str] = []

    def text(self, delta: str) -> None:
        self.shown += delta

    def restart(self, reason: str) -> None:
        self.restarts.append(reason)
        self.shown = ""

    def notice(self, message: str) -> None:
        self.notices.append(message)


def models(server: AnthropicServer) -> list[str]:
    return [seen.body["model"] for seen in server.messages]


def column(session: Session, name: str) -> list[Any]:
    values: list[Any] = session.ledger[name].tolist()
    return values


def charged(session: Session) -> float:
    return float(session.ledger["charged_usd"].sum())


def spent(session: Session) -> float:
    return float(session.ledger["cost_usd"].sum())


@pytest.mark.parametrize(
    ("prompt", "model"), [(SMALL, HAIKU), (MEDIUM, SONNET), (LARGE, OPUS)]
)
def test_a_prompt_goes_to_the_cheapest_capable_model(
    session: Session, server: AnthropicServer, prompt: str, model: str
) -> None:
    result = session.route(prompt)
    assert models(server) == [model]
    assert result.model == model
    assert result.cost_usd == pytest.approx(float(server.billed_usd), abs=0)
    assert column(session, "status") == ["ok"]


def test_tokens_and_cost_of_the_ledger_are_the_servers(
    session: Session, server: AnthropicServer
) -> None:
    server.always(
        Text(
            "hi", cache_read=40, cache_write_5m=30, cache_write_1h=20, thinking_tokens=9
        )
    )
    session.route(MEDIUM + " " + MEDIUM * 40)
    row = session.ledger.iloc[0]
    usage = server.usage
    assert row["input_tokens"] == usage.input
    assert row["cache_read_tokens"] == usage.cache_read
    assert row["cache_write_tokens"] == usage.cache_write_5m + usage.cache_write_1h
    assert row["output_tokens"] == usage.output
    assert row["thinking_tokens"] == usage.thinking
    assert spent(session) == float(server.billed_usd)


def test_the_saving_is_the_large_tiers_cost_for_the_same_tokens(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("ok", input_tokens=1000, output_tokens=100))
    result = session.route(SMALL)
    assert result.baseline_model == OPUS
    assert result.cost_usd == pytest.approx(1000 * 0.10e-6 + 100 * 0.50e-6, abs=0)
    assert result.saved_usd == pytest.approx(1000 * 3.90e-6 + 100 * 19.5e-6)


def test_a_repeat_is_free_and_says_what_it_saved(
    session: Session, server: AnthropicServer, clock: FakeClock
) -> None:
    first = session.route(SMALL)
    clock.advance(60)
    again = session.route(SMALL)
    assert server.messages_requests == 1
    assert (again.text, again.cache_hit, again.cost_usd) == (first.text, True, 0.0)
    assert (again.attempts, again.usage.prompt_tokens) == (0, 0)
    assert again.age_s == 60
    hit = session.ledger.iloc[1]
    assert (hit["status"], hit["cost_usd"], hit["charged_usd"]) == ("cached", 0.0, 0.0)
    assert hit["saved_usd"] == hit["baseline_usd"] == session.ledger["baseline_usd"][0]
    assert first.call_id in hit["reason"]


def test_savings_of_a_hit_of_a_hit_are_not_compounded(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL)
    saved = [session.route(SMALL).saved_usd for _ in range(3)]
    assert len(set(saved)) == 1


def test_an_answer_expires_after_its_ttl(
    session: Session, server: AnthropicServer, clock: FakeClock
) -> None:
    session.route(SMALL, ttl="10m")
    clock.advance(599)
    assert session.route(SMALL, ttl="10m").cache_hit
    clock.advance(2)
    assert not session.route(SMALL, ttl="10m").cache_hit


def test_a_ttl_is_also_the_greatest_age_accepted(
    session: Session, server: AnthropicServer, clock: FakeClock
) -> None:
    session.route(SMALL)
    clock.advance(120)
    assert not session.route(SMALL, ttl=60).cache_hit


def test_fresh_skips_reading_and_overwrites(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("old"), Text("new"))
    session.route(SMALL)
    assert session.route(SMALL, fresh=True).text == "new"
    assert session.route(SMALL).text == "new"
    assert server.messages_requests == 2


def test_without_cache_nothing_is_read_or_written(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("kept"), Text("apart"))
    session.route(SMALL)
    assert session.route(SMALL, cache=False).text == "apart"
    assert session.route(SMALL).text == "kept"


def test_an_answer_of_a_more_capable_model_serves_a_cheaper_request(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, tier="large")
    result = session.route(SMALL)
    assert (result.cache_hit, result.model) == (True, OPUS)
    assert server.messages_requests == 1


@pytest.mark.parametrize(
    "options", [{"model": HAIKU}, {"fresh": True}, {"ceiling": "medium"}]
)
def test_a_named_model_fresh_or_a_ceiling_keeps_another_models_answer_out(
    session: Session, server: AnthropicServer, options: dict[str, Any]
) -> None:
    session.route(SMALL, tier="large")
    session.route(SMALL, **options)
    assert models(server) == [OPUS, HAIKU]


def test_a_failing_check_escalates_and_every_attempt_is_paid_and_recorded(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("too short"))
    server.on(SONNET, Text("long enough, surely"))
    watcher = Watcher()
    call = session.call(SMALL, check="len(text) > 12")
    result = session.run(call, watcher)
    assert models(server) == [HAIKU, SONNET]
    assert column(session, "status") == ["escalated", "ok"]
    assert column(session, "attempt") == [1, 2]
    assert session.ledger["call_id"].nunique() == 1
    assert result.attempts == 2
    assert result.cost_usd == spent(session) == float(server.billed_usd)
    assert watcher.shown == "long enough, surely"
    assert "check failed: len(text) > 12" in watcher.notices[0]
    assert result.notes == tuple(watcher.notices)


def test_failed_attempts_count_against_the_saving(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("short"))
    result = session.route(SMALL, check="len(text) > 12")
    ledger = session.ledger
    assert ledger["baseline_usd"][0] == 0
    assert ledger["saved_usd"][0] == -ledger["cost_usd"][0]
    assert result.saved_usd == pytest.approx(float(ledger["saved_usd"].sum()))


def test_a_rerun_after_an_escalation_costs_nothing(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("short"))
    session.route(SMALL, check="len(text) > 12")
    before = server.messages_requests
    assert session.route(SMALL, check="len(text) > 12").cache_hit
    assert server.messages_requests == before


def test_a_cached_answer_that_fails_the_check_is_a_miss(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("first"), Text("second"))
    session.route(SMALL)
    assert session.route(SMALL, check="text == 'second'").text == "second"
    assert "cached" not in column(session, "status")


def test_an_answer_off_its_schema_escalates_and_the_good_one_is_parsed(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, BadJson('{"age": "unknown"}'))
    server.on(SONNET, Text('{"age": 41}'))
    result = session.route(SMALL, schema=AGE)
    assert result.data == {"age": 41}
    assert result.model == SONNET


def test_a_schema_is_sent_for_the_provider_to_enforce(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, schema=AGE)
    sent = server.messages[0].body["output_config"]["format"]
    assert sent["type"] == "json_schema"


def test_when_every_answer_fails_the_last_text_and_the_spend_are_in_the_error(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("no"))
    with pytest.raises(InvalidAnswerError, match="check failed") as caught:
        session.route(SMALL, check="False")
    assert models(server) == [HAIKU, SONNET, OPUS]
    assert column(session, "status") == ["escalated", "escalated", "failed"]
    assert caught.value.text == "no"
    assert caught.value.cost_usd == spent(session) == float(server.billed_usd)


def test_nothing_that_failed_is_cached(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("no"))
    with pytest.raises(InvalidAnswerError):
        session.route(SMALL, check="False")
    assert session.cache.stats()["entries"] == 0


def test_no_escalation_stops_at_the_first_candidate(
    session: Session, server: AnthropicServer
) -> None:
    with pytest.raises(InvalidAnswerError, match="no-escalate"):
        session.route(SMALL, check="False", escalate=False)
    assert models(server) == [HAIKU]
    assert column(session, "status") == ["failed"]


def test_an_empty_answer_escalates(session: Session, server: AnthropicServer) -> None:
    server.on(HAIKU, Empty())
    assert session.route(SMALL).model == SONNET


def test_a_refusal_goes_to_the_next_candidate_and_is_booked(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Refusal(category="cyber"))
    assert session.route(SMALL).model == SONNET
    assert column(session, "status") == ["refused", "ok"]


def test_when_all_refuse_the_error_says_so(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Refusal(category="cyber"))
    with pytest.raises(RefusedError, match="rephrase") as caught:
        session.route(LARGE)
    assert column(session, "status") == ["refused"]
    assert caught.value.cost_usd is not None
    assert session.cache.stats()["entries"] == 0


def test_a_cut_answer_is_tried_once_more_with_a_doubled_cap(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Truncated("half an ans"), Text("the whole answer"))
    result = session.route(SMALL)
    caps = [seen.body["max_tokens"] for seen in server.messages]
    assert models(server) == [HAIKU, HAIKU]
    assert caps == [4096, 8192]
    assert result.text == "the whole answer"
    assert column(session, "status") == ["truncated", "ok"]


def test_a_rerun_after_a_doubled_cap_costs_nothing(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Truncated("half an ans"), Text("the whole answer"))
    session.route(SMALL)
    assert session.route(SMALL).cache_hit
    assert server.messages_requests == 2


def test_an_answer_cut_twice_goes_to_the_next_candidate(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Truncated("half"))
    result = session.route(SMALL)
    assert models(server) == [HAIKU, HAIKU, SONNET]
    assert result.model == SONNET


def test_an_answer_cut_everywhere_is_returned_rather_than_lost(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Truncated("half"))
    result = session.route(LARGE)
    assert (result.text, result.stop_reason) == ("half", "max_tokens")
    assert column(session, "status") == ["truncated", "truncated"]
    assert session.ledger["baseline_usd"].tolist()[0] == 0
    assert session.cache.stats()["entries"] == 0


def test_a_given_cap_returns_the_cut_text_and_escalates_nothing(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Truncated("half"))
    result = session.route(SMALL, max_tokens=50)
    assert (result.text, result.stop_reason) == ("half", "max_tokens")
    assert models(server) == [HAIKU]
    assert column(session, "status") == ["truncated"]
    assert not session.route(SMALL, max_tokens=50).cache_hit


def test_an_empty_cut_answer_is_an_error_that_says_what_to_raise(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Truncated(""))
    with pytest.raises(InvalidAnswerError, match="max-tokens"):
        session.route(SMALL, max_tokens=50)


def test_a_cut_answer_is_delivered_if_no_longer_try_fits_the_budget(
    make: Make, server: AnthropicServer
) -> None:
    session = make()
    worst = session.plan(SMALL).candidates[0].worst_usd
    assert worst is not None
    server.always(Truncated("half"))
    result = session.route(SMALL, max_cost=worst * 1.2)
    assert result.text == "half"
    assert server.messages_requests == 1
    assert any("budget" in note or "limit" in note for note in result.notes)


def test_an_exceeded_context_goes_to_the_next_candidate(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, ContextExceeded("part"))
    assert session.route(SMALL).model == SONNET


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_a_passing_failure_is_retried_and_each_attempt_is_a_row(
    session: Session, server: AnthropicServer, clock: FakeClock, status: int
) -> None:
    server.script(HttpError(status), HttpError(status), Text("at last"))
    result = session.route(SMALL)
    assert result.text == "at last"
    assert column(session, "status") == ["failed", "failed", "ok"]
    assert server.messages_requests == 3
    assert session.ledger["call_id"].nunique() == 1
    assert spent(session) == charged(session) == float(server.billed_usd)
    assert len(clock.slept) == 2


def test_retries_end_with_the_error_after_the_configured_attempts(
    session: Session, server: AnthropicServer
) -> None:
    server.always(HttpError(529))
    with pytest.raises(ProviderError):
        session.route(SMALL)
    assert server.messages_requests == 3
    assert charged(session) == 0


def test_retry_after_is_obeyed(
    session: Session, server: AnthropicServer, clock: FakeClock
) -> None:
    server.script(HttpError(429, retry_after=7), Text("ok"))
    session.route(SMALL)
    assert clock.slept == [7]


def test_a_retry_after_beyond_the_cap_is_an_error_at_once(
    session: Session, server: AnthropicServer, clock: FakeClock
) -> None:
    server.always(HttpError(429, retry_after=3600))
    with pytest.raises(RateLimitError, match=r"3600|1 h|60 min"):
        session.route(SMALL)
    assert clock.slept == []
    assert server.messages_requests == 1


def test_nothing_is_held_while_a_retry_waits(
    make: Make, server: AnthropicServer, clock: FakeClock
) -> None:
    held: list[int] = []
    session = make()

    class Waiting(Watcher):
        def notice(self, message: str) -> None:
            held.append(session.budget.status()["session"].held)

    server.script(HttpError(529), Text("ok"))
    session.run(session.call(SMALL), Waiting())
    assert held == [0]


@pytest.mark.parametrize("status", [400, 403, 404, 413])
def test_a_lasting_failure_is_not_retried(
    session: Session, server: AnthropicServer, status: int
) -> None:
    server.always(HttpError(status))
    with pytest.raises(ProviderError):
        session.route(SMALL)
    assert server.messages_requests == 1
    assert column(session, "status") == ["failed"]
    assert charged(session) == 0


def test_a_refused_key_says_so_once(session: Session, server: AnthropicServer) -> None:
    server.always(HttpError(401))
    with pytest.raises(AuthenticationError, match="key"):
        session.route(SMALL)
    assert server.messages_requests == 1


def test_a_cut_stream_is_booked_with_what_was_seen(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Cut(after_deltas=5, text="word " * 200))
    watcher = Watcher()
    with pytest.raises(StreamCutError) as caught:
        session.run(session.call(SMALL), watcher)
    server.wait_idle()
    row = session.ledger.iloc[0]
    assert row["status"] == "failed"
    assert row["estimated"]
    assert row["input_tokens"] == server.usage.input
    assert row["output_tokens"] > 1
    assert charged(session) >= float(server.billed_usd)
    assert caught.value.partial is not None
    assert watcher.shown == caught.value.partial.text != ""


def test_a_connection_lost_before_the_answer_is_possibly_billed(
    session: Session, server: AnthropicServer
) -> None:
    server.script(CutBeforeHeaders(billed=True), Text("ok"))
    result = session.route(SMALL)
    ledger = session.ledger
    assert ledger["status"].tolist() == ["unknown", "ok"]
    assert pd.isna(ledger["cost_usd"][0])
    assert "possibly billed" in ledger["reason"][0]
    assert charged(session) >= float(server.billed_usd)
    assert result.cost_usd is None


def test_an_overload_inside_the_stream_is_retried_if_nothing_was_shown(
    session: Session, server: AnthropicServer
) -> None:
    server.script(SseError("overloaded_error", after_deltas=0), Text("ok"))
    assert session.route(SMALL).text == "ok"
    assert charged(session) >= float(server.billed_usd)


def test_timeouts_are_unknown_and_charged_at_the_worst_case(
    make: Make, server: AnthropicServer
) -> None:
    session = make(timeout=0.2, attempts=2)
    server.always(Slow(0.6))
    with pytest.raises(ProviderTimeoutError):
        session.route(SMALL)
    server.wait_idle()
    assert column(session, "status") == ["unknown", "unknown"]
    assert session.ledger["cost_usd"].isna().all()
    assert server.messages_requests == 2
    assert charged(session) >= float(server.billed_usd) > 0


def test_a_server_that_is_down_is_one_clear_error(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    session = make()
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1"):
        session.route(SMALL)
    assert set(column(session, "status")) == {"failed"}
    assert charged(session) == 0


def test_without_a_key_nothing_is_sent(
    make: Make, server: AnthropicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    session = make()
    with pytest.raises(MissingKeyError) as caught:
        session.route(SMALL)
    assert len(str(caught.value).splitlines()) <= 6
    assert server.requests == []
    assert len(session.ledger) == 0


def test_a_price_follows_the_model_of_the_response(
    session: Session, server: AnthropicServer
) -> None:
    server.always(Text("ok", model=OPUS, input_tokens=1000, output_tokens=10))
    result = session.route(SMALL)
    assert result.model == OPUS
    assert result.cost_usd == pytest.approx(1000 * 4e-6 + 10 * 20e-6)


def test_a_dated_id_in_the_response_has_its_models_price(
    session: Session, server: AnthropicServer
) -> None:
    dated = f"{HAIKU}-20261007"
    server.always(Text("ok", model=dated, input_tokens=1000, output_tokens=10))
    result = session.route(SMALL)
    assert result.model == dated
    assert result.cost_usd == pytest.approx(1000 * 0.1e-6 + 10 * 0.5e-6)


def test_an_unknown_model_in_the_response_has_no_cost_and_is_charged_in_full(
    session: Session, server: AnthropicServer
) -> None:
    worst = session.plan(SMALL).candidates[0].worst_usd
    server.always(Text("ok", model="claude-nova-9"))
    result = session.route(SMALL)
    assert result.cost_usd is None
    assert charged(session) == worst


def test_the_worst_case_over_the_call_limit_is_refused_before_anything_is_sent(
    make: Make, server: AnthropicServer
) -> None:
    session = make(call_limit=0.001)
    with pytest.raises(BudgetExceededError) as caught:
        session.route(LARGE)
    error = caught.value
    assert server.messages_requests == 0
    assert len(session.ledger) == 0
    assert (error.limit, error.limit_usd) == ("call", 0.001)
    assert error.needed_usd > 0.001


def test_the_largest_cap_that_fits_really_fits(
    make: Make, server: AnthropicServer
) -> None:
    session = make(call_limit=0.001)
    with pytest.raises(BudgetExceededError) as caught:
        session.route(SMALL, tier="medium", escalate=False)
    fits = caught.value.max_tokens
    assert fits is not None
    session.route(SMALL, tier="medium", escalate=False, max_tokens=fits)
    assert server.messages_requests == 1
    with pytest.raises(BudgetExceededError):
        session.route(MEDIUM, tier="medium", escalate=False, max_tokens=fits + 100)


def test_a_long_prompt_is_counted_exactly_before_it_is_refused(
    make: Make, server: AnthropicServer
) -> None:
    text = "Rename the variable foo. " + "word " * 4000
    session = make()
    plan = session.plan(text, max_tokens=100, escalate=False)
    quote = plan.candidates[0].quote
    assert quote.worst is not None
    between = quote.worst * 0.6 / 1e12
    session.route(text, max_tokens=100, escalate=False, max_cost=between)
    assert [seen.path for seen in server.requests] == [
        "/v1/messages/count_tokens",
        "/v1/messages",
    ]


def test_max_cost_caps_all_attempts_of_one_call_together(
    make: Make, server: AnthropicServer
) -> None:
    session = make()
    plan = session.plan(SMALL, check="False")
    second = plan.candidates[1].worst_usd
    assert second is not None
    with pytest.raises(BudgetExceededError, match="call"):
        session.route(SMALL, check="False", max_cost=second * 0.9)
    assert models(server) == [HAIKU]
    assert column(session, "status") == ["failed"]


def test_a_cached_answer_is_served_when_the_budget_is_spent(
    make: Make, server: AnthropicServer
) -> None:
    session = make()
    session.route(SMALL)
    session.budget.update(session=0.0)
    assert session.route(SMALL).cache_hit
    with pytest.raises(BudgetExceededError):
        session.route(MEDIUM)


def test_a_model_without_a_price_is_not_called_under_a_limit(
    make: Make, server: AnthropicServer, home: Any
) -> None:
    folder = home / ".config" / "costroute"
    folder.mkdir(parents=True)
    (folder / "tiers.toml").write_text(
        '[[models]]\nid = "claude-nova-9"\nprovider = "anthropic"\ntier = "large"\n'
        'line = "nova"\ntokenizer = "claude-2026"\ncontext_window = 200000\n'
        "max_output = 8000\nrouted = false\n"
    )
    with pytest.raises(UnknownPriceError, match=r"prices\.toml"):
        make().route(SMALL, model="claude-nova-9")
    assert server.messages_requests == 0


def test_an_unknown_model_is_one_line_with_the_closest_ids(session: Session) -> None:
    with pytest.raises(UnknownModelError, match=HAIKU) as caught:
        session.route(SMALL, model="claude-haiku-5")
    assert "\n" not in str(caught.value)


def test_constraints_that_no_model_meets_are_an_error(session: Session) -> None:
    with pytest.raises(NoCapableModelError, match="ceiling"):
        session.route(LARGE, ceiling="small")


def test_an_unknown_provider_names_the_known_ones(session: Session) -> None:
    with pytest.raises(ConfigurationError, match="simulated"):
        session.route(SMALL, provider="acme")


def test_twenty_identical_calls_at_once_are_one_request(
    make: Make, server: AnthropicServer
) -> None:
    session = Session()
    server.always(Text("shared", delay=0.3))
    barrier = threading.Barrier(20)

    def ask(_: int) -> Result:
        barrier.wait()
        return session.route(SMALL)

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(ask, range(20)))
    session.close()
    assert server.messages_requests == 1
    assert sum(result.cache_hit for result in results) == 19
    assert {result.text for result in results} == {"shared"}


def test_a_plan_spends_nothing_and_tells_what_is_cached(
    session: Session, server: AnthropicServer
) -> None:
    before = session.plan(SMALL)
    assert server.requests == []
    assert [c.cached for c in before.candidates] == [False, False, False]
    session.route(SMALL)
    assert [c.cached for c in session.plan(SMALL).candidates] == [True, False, False]
    assert all(
        c.expected_usd is not None and c.worst_usd is not None
        and c.expected_usd < c.worst_usd
        for c in before.candidates
    )  # fmt: skip
    assert len(session.ledger) == 1


def test_an_answer_never_costs_more_than_its_worst_case(
    session: Session, server: AnthropicServer
) -> None:
    for prompt in (SMALL, MEDIUM, LARGE):
        worst = session.plan(prompt).candidates[0].worst_usd
        cost = session.route(prompt).cost_usd
        assert cost is not None
        assert worst is not None
        assert cost <= worst


def test_an_interrupted_check_leaves_the_paid_attempt_booked(
    session: Session, server: AnthropicServer
) -> None:
    def check(result: Result) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.route(SMALL, check=check)
    assert column(session, "status") == ["interrupted"]
    assert spent(session) == float(server.billed_usd)
    assert session.budget.status()["session"].held == 0


def test_a_broken_listener_leaves_no_hold(
    session: Session, server: AnthropicServer
) -> None:
    class Broken(Watcher):
        def text(self, delta: str) -> None:
            raise RuntimeError("display is gone")

    with pytest.raises(RuntimeError):
        session.run(session.call(SMALL), Broken())
    assert column(session, "status") == ["unknown"]
    assert session.budget.status()["session"].held == 0
    assert charged(session) >= float(server.billed_usd)


def test_simulated_calls_have_a_pot_of_their_own(
    session: Session, server: AnthropicServer
) -> None:
    before = session.budget.remaining()
    result = session.route(SMALL, provider="simulated")
    assert result.simulated
    assert server.requests == []
    assert session.ledger["simulated"].tolist() == [True]
    assert result.cost_usd == spent(session) > 0
    assert session.budget.remaining() == before


def test_attribution_reaches_the_ledger(
    session: Session, server: AnthropicServer
) -> None:
    call = session.call(
        SMALL, workflow="reviews", step="tag", notebook="a.ipynb", cell="7"
    )
    session.run(call)
    row = session.ledger.iloc[0]
    found = tuple(row[k] for k in ("workflow", "step", "notebook", "cell"))
    assert found == ("reviews", "tag", "a.ipynb", "7")


def test_context_goes_before_the_prompt_in_one_alternating_conversation(
    session: Session, server: AnthropicServer
) -> None:
    session.route(SMALL, context="the table")
    session.route(
        SMALL,
        context=[
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
        ],
    )
    first, second = (seen.body["messages"] for seen in server.messages)
    assert [block["text"] for block in first[0]["content"]] == ["the table", SMALL]
    assert [message["role"] for message in second] == ["user", "assistant", "user"]


def test_a_context_counts_by_size_only(
    session: Session, server: AnthropicServer
) -> None:
    text = "security vulnerability payment " * 10
    assert session.plan(SMALL, context=text).tier == "small"
    large = "word " * 60_000
    assert session.plan(SMALL, context=large).tier == "medium"


def nearly_spent(make: Make, server: AnthropicServer, share: float) -> Session:
    """A session that degrades, with this share of its session limit spent."""
    session = make(on_limit="degrade", call_limit=None)
    server.script(Text("ok", input_tokens=1000, output_tokens=40_000))
    session.route(LARGE)
    session.budget.update(session=spent(session) / share)
    server.reset()
    return session


@pytest.mark.parametrize(
    ("share", "model"), [(0.7, SONNET), (0.81, SONNET), (0.96, HAIKU)]
)
def test_a_nearly_spent_limit_lowers_the_tier_in_steps(
    make: Make, server: AnthropicServer, share: float, model: str
) -> None:
    session = nearly_spent(make, server, share)
    session.route(MEDIUM, max_tokens=50)
    assert models(server) == [model]


def test_each_step_down_is_a_fact_of_ledger_and_result(
    make: Make, server: AnthropicServer
) -> None:
    session = nearly_spent(make, server, 0.96)
    result = session.route(MEDIUM, max_tokens=50)
    assert "degraded to small: 96% of the session limit" in result.reason
    assert column(session, "reason")[-1] == result.reason
    assert any("degraded" in note for note in result.notes)


def test_above_the_step_no_tier_is_tried_after_a_failure(
    make: Make, server: AnthropicServer
) -> None:
    session = nearly_spent(make, server, 0.81)
    with pytest.raises(InvalidAnswerError):
        session.route(SMALL, max_tokens=50, check="False")
    assert models(server) == [HAIKU, SONNET]


@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        (LARGE + " again", {}),
        (MEDIUM, {"tier": "large"}),
        (MEDIUM, {"floor": "large"}),
        (MEDIUM, {"model": OPUS}),
    ],
)
def test_a_floor_or_what_was_asked_for_stops_rather_than_degrades(
    make: Make, server: AnthropicServer, prompt: str, options: dict[str, Any]
) -> None:
    session = nearly_spent(make, server, 0.81)
    with pytest.raises(BudgetExceededError, match="80%") as caught:
        session.route(prompt, max_tokens=50, **options)
    assert server.requests == []
    error = caught.value
    assert error.spent_usd == spent(session)
    assert error.limit_usd == pytest.approx(error.spent_usd / 0.81)
    assert error.needed_usd > 0


def test_a_lower_ceiling_of_the_users_own_stays(
    make: Make, server: AnthropicServer
) -> None:
    session = nearly_spent(make, server, 0.81)
    session.route(MEDIUM, max_tokens=50, ceiling="small", fresh=True)
    assert models(server) == [HAIKU]


def test_a_cached_answer_is_never_degraded(make: Make, server: AnthropicServer) -> None:
    session = nearly_spent(make, server, 0.96)
    assert session.route(LARGE).model == OPUS
    assert server.requests == []


def test_without_a_limit_there_is_nothing_to_degrade_by(
    make: Make, server: AnthropicServer
) -> None:
    session = make(on_limit="degrade", call_limit=None, session_limit=None)
    assert session.route(MEDIUM).model == SONNET


def test_a_limit_of_zero_is_full(make: Make, server: AnthropicServer) -> None:
    session = make(on_limit="degrade", session_limit=0)
    with pytest.raises(BudgetExceededError):
        session.route(SMALL)
    fullest = session.budget.fullest(simulated=False)
    assert fullest is not None
    assert fullest.name == "session"
    assert fullest.share == 1


def test_nothing_is_booked_of_a_call_that_was_stopped_before_it_was_sent(
    session: Session, server: AnthropicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopping(Watcher):
        """Take the key away after it was checked, before the request is built."""

        def notice(self, message: str) -> None:
            monkeypatch.delenv("ANTHROPIC_API_KEY")

    server.script(HttpError(529))
    with pytest.raises(MissingKeyError):
        session.run(session.call(SMALL), Stopping())
    assert column(session, "status") == ["failed"]
    assert session.budget.status()["session"].held == 0


def test_a_fresh_answer_of_a_later_try_replaces_the_old_one(
    session: Session, server: AnthropicServer
) -> None:
    server.script(Text("old"), Truncated("half"), Text("new"))
    session.route(SMALL)
    assert session.route(SMALL, fresh=True).text == "new"
    assert session.route(SMALL).text == "new"


def test_a_fresh_answer_of_a_later_candidate_replaces_the_old_one(
    session: Session, server: AnthropicServer
) -> None:
    server.on(HAIKU, Text("old"), Text("no"))
    server.on(SONNET, Text("new"))
    session.route(SMALL)
    session.route(SMALL, fresh=True, check="text == 'new'")
    assert session.route(SMALL).text == "new"


def test_the_ledger_keeps_no_word_of_answer_or_check(
    make: Make, server: AnthropicServer, home: Any
) -> None:
    session = make()
    server.always(Text('{"age": "Jane Canary"}'))
    for options in (
        {"schema": AGE},
        {"check": "'Jane Canary' not in text"},
        {"check": "int(text)"},
    ):
        with pytest.raises(InvalidAnswerError, match=r"Canary|check"):
            session.route(SMALL, cache=False, **options)
    facts = {reason.split("; ", 1)[1] for reason in column(session, "reason")}
    assert facts == {"off its schema", "check failed", "check raised ValueError"}
    written = b"".join(
        file.read_bytes() for file in (home / "costroute").glob("ledger*")
    )
    assert b"Canary" not in written


def test_a_rejected_cached_answer_is_checked_once(
    session: Session, server: AnthropicServer
) -> None:
    seen: list[str] = []

    def check(result: Result) -> bool:
        seen.append(result.text)
        return result.text == "second"

    server.script(Text("first"), Text("second"))
    session.route(SMALL)
    session.route(SMALL, check=check)
    assert seen == ["first", "second"]


def test_the_worst_case_of_a_plan_covers_a_longer_try(
    session: Session, server: AnthropicServer
) -> None:
    plan = session.plan(LARGE)
    server.script(
        Text(
            "w",
            output_tokens=plan.candidates[0].request.max_tokens,
            stop_reason="max_tokens",
        ),
        Text("w", output_tokens=2 * plan.candidates[0].request.max_tokens),
    )
    result = session.route(LARGE)
    assert result.attempts == 2
    assert result.cost_usd is not None
    assert plan.worst_usd is not None
    assert plan.candidates[0].worst_usd < result.cost_usd <= plan.worst_usd  # type: ignore[operator]


def test_a_prompt_that_is_written_to_the_providers_cache_is_held_at_that_rate(
    session: Session, server: AnthropicServer
) -> None:
    block = {
        "type": "text",
        "text": "word " * 900,
        "cache_control": {"type": "ephemeral"},
    }
    plain = {"type": "text", "text": "word " * 900}
    context = [{"role": "user", "content": [block]}]
    written = session.plan(SMALL, context=context, max_tokens=10).candidates[0]
    read = session.plan(
        SMALL, context=[{"role": "user", "content": [plain]}], max_tokens=10
    ).candidates[0]
    assert written.quote.writes_cache
    assert written.worst_usd > 1.8 * read.worst_usd  # type: ignore[operator]
    quoted = 'the text "cache_control": itself'
    assert not session.plan(quoted).candidates[0].quote.writes_cache


def test_a_count_that_cannot_be_true_is_not_believed(
    make: Make, server: AnthropicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make()
    provider = session._parts.router.providers["anthropic"]
    monkeypatch.setattr(type(provider), "count_tokens", lambda *_: 0)
    text = "Rename the variable foo. " + "word " * 4000
    worst = session.plan(text, max_tokens=100).candidates[0].worst_usd
    assert worst is not None
    with pytest.raises(BudgetExceededError):
        session.route(text, max_tokens=100, max_cost=worst * 0.6)


def test_a_hold_outlasts_the_slowest_answer_of_its_length(
    make: Make, server: AnthropicServer, clock: FakeClock
) -> None:
    session = make(call_limit=None, session_limit=None)
    meanwhile: list[int] = []

    class Waiting(Watcher):
        def text(self, delta: str) -> None:
            if not meanwhile:
                clock.advance(1500)
                session.store.expire(clock.now())
                meanwhile.append(session.budget.status()["session"].held)

    session.run(session.call(LARGE, max_tokens=32_000), Waiting())
    assert meanwhile[0] > 0


def test_the_plan_shows_a_degraded_tier_before_it_is_used(
    make: Make, server: AnthropicServer
) -> None:
    session = nearly_spent(make, server, 0.96)
    plan = session.plan(MEDIUM, max_tokens=50)
    assert plan.tier == "small"
    assert "degraded" in plan.reason
    assert session.plan(LARGE + " again").tier == "large"
