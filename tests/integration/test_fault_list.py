"""Every fault a server can commit, one after the other, against the server's own books."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from costroute_nb.errors import CostRouteError
from costroute_nb.session import Session
from tests.support.anthropic_server import (
    AnthropicServer,
    BadJson,
    Blocks,
    ContextExceeded,
    Cut,
    CutBeforeHeaders,
    Empty,
    Hang,
    HttpError,
    Refusal,
    Slow,
    SseError,
    Text,
    Truncated,
)
from tests.support.clock import FakeClock

LONG = "word " * 200
FAULTS: dict[str, Any] = {
    "none": Text("fine"),
    "cached prompt": Text("fine", cache_read=30, cache_write_5m=20, cache_write_1h=10),
    "thinking first": Text("fine", thinking_tokens=200),
    "bad request": HttpError(400),
    "bad key": HttpError(401),
    "forbidden": HttpError(403),
    "unknown model": HttpError(404),
    "request timeout": HttpError(408),
    "conflict": HttpError(409),
    "too large": HttpError(413),
    "rate limit": HttpError(429),
    "rate limit with a wait": HttpError(429, retry_after=2),
    "rate limit with a long wait": HttpError(429, retry_after=7200),
    "server error": HttpError(500),
    "unavailable": HttpError(503),
    "overloaded": HttpError(529),
    "no JSON in the error": HttpError(502, raw="<html>bad gateway</html>"),
    "overloaded in the stream": SseError("overloaded_error", after_deltas=0),
    "overloaded as the first event": SseError("overloaded_error", after_deltas=None),
    "error after some text": SseError("api_error", after_deltas=4, text=LONG),
    "cut at once": Cut(after_deltas=0, text=LONG),
    "cut after some text": Cut(after_deltas=9, text=LONG),
    "cut before the headers": CutBeforeHeaders(),
    "cut before the headers, but billed": CutBeforeHeaders(billed=True),
    "refusal": Refusal(category="cyber"),
    "refusal after some text": Refusal(category="cyber", text="Well", billed_output=3),
    "truncation": Truncated(LONG),
    "context exceeded": ContextExceeded("so far"),
    "empty": Empty(),
    "bad JSON": BadJson('{"age": '),
    "unknown block": Blocks([{"type": "hologram", "data": "x"}]),
    "too slow": Slow(0.5),
    "hanging": Hang(0.5),
}


def ask(session: Session, prompt: str, **options: Any) -> None:
    try:
        session.route(prompt, **options)
    except CostRouteError as error:
        shown = error._render_traceback_()
        assert len(shown) == 1
        assert "{" not in shown[0], "an error shows no body"


@pytest.mark.parametrize("name", FAULTS)
def test_the_ledger_agrees_with_the_server(server: AnthropicServer, name: str) -> None:
    """Attempts and, where usage arrived, tokens and cost; the charge covers the bill."""
    server.always(FAULTS[name])
    with Session(clock=FakeClock(), timeout=0.25) as session:
        schema = {"type": "array", "items": {"type": "integer"}}
        options = {"schema": schema} if name == "bad JSON" else {}
        ask(session, "Rename this variable, please.", **options)
        server.wait_idle(timeout=10)
        ledger = session.ledger
        held = session.budget.status()["session"].held
    assert held == 0
    assert len(ledger) == server.messages_requests > 0
    for (_, row), seen in zip(ledger.iterrows(), server.messages, strict=True):
        bill = seen.billed_pico / 1e12
        assert row["charged_usd"] >= bill * (1 - 1e-12)
        if row["status"] == "unknown":
            assert pd.isna(row["cost_usd"])
            assert "possibly billed" in row["reason"]
        elif not row["estimated"]:
            assert row["cost_usd"] == pytest.approx(bill, rel=1e-12)
            assert row["output_tokens"] == seen.usage.output
            assert row["input_tokens"] == seen.usage.input
            assert row["cache_read_tokens"] == seen.usage.cache_read
            assert row["thinking_tokens"] == seen.usage.thinking


def test_hidden_thinking_of_a_cut_stream_is_all_that_may_go_uncharged(
    server: AnthropicServer,
) -> None:
    server.always(Cut(after_deltas=9, text=LONG, thinking_tokens=300))
    with Session(clock=FakeClock()) as session:
        ask(session, "Rename this variable, please.")
        server.wait_idle()
        row = session.ledger.iloc[0]
    usage = server.usage
    seen = row["charged_usd"] - (server.billed_pico / 1e12)
    hidden = usage.thinking * 0.5e-6
    assert seen >= -hidden
    assert row["estimated"]


def test_no_key_and_no_home_in_cache_ledger_or_log(
    server: AnthropicServer,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "sk-ant-canary-0123456789abcdef"
    monkeypatch.setenv("ANTHROPIC_API_KEY", canary)
    shown: list[str] = []
    for fault in FAULTS.values():
        server.reset()
        server.always(fault)
        with Session(clock=FakeClock(), timeout=0.25) as session:
            try:
                result = session.route("Rename this variable, please.", cache=True)
                shown.append(repr(result) + str(result.to_dict()))
            except CostRouteError as error:
                shown.append(f"{error!r} {error.__dict__!r} {error.__cause__!r}")
            shown.append(session.ledger.to_csv() + repr(session))
    written = b"".join(
        path.read_bytes() for path in (home / "costroute").rglob("*") if path.is_file()
    )
    for secret in (canary, canary[7:], str(home)):
        assert secret.encode() not in written
        assert secret not in "".join(shown)
        assert secret not in caplog.text
