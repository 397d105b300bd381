"""The local Messages API itself: scripts, books, connections and its end."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.support.anthropic_server import (
    MODELS,
    AnthropicServer,
    Hang,
    Slow,
    Text,
    Usage,
)
from tests.support.sdk import HAIKU, OPUS, PROMPT, ask, stream, text_of


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    with AnthropicServer() as running:
        yield running


@pytest.fixture
def client(server: AnthropicServer) -> Iterator[Anthropic]:
    with Anthropic(api_key="k", base_url=server.url, max_retries=0) as made:
        yield made


def test_script_is_used_up_in_order_and_then_the_standing_reply(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("one"), Text("two"))
    server.always(Text("always"))
    assert [text_of(ask(client)) for _ in range(4)] == ["one", "two", *["always"] * 2]
    assert server.unused_replies == 0


def test_replies_for_a_model_or_a_predicate_come_first(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("queued"))
    server.on(OPUS, Text("large once"), Text("large"))
    server.on(lambda body: "secret" in str(body), Text("matched"))
    assert [text_of(ask(client, model=OPUS)) for _ in range(3)] == [
        "large once",
        "large",
        "large",
    ]
    assert text_of(ask(client, system="secret")) == "matched"
    assert text_of(ask(client)) == "queued"


def test_reply_may_be_a_function_of_the_body(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.always(lambda body: Text(body["model"].upper()))
    assert text_of(ask(client)) == "CLAUDE-HAIKU-5-5"


def test_refused_requests_use_up_no_reply(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("one"))
    with pytest.raises(anthropic.BadRequestError):
        ask(client, messages=[])
    assert server.unused_replies == 1


def test_reset_forgets_requests_and_replies(
    server: AnthropicServer, client: Anthropic
) -> None:
    ask(client)
    server.script(Text("one"))
    server.reset()
    assert (server.requests, server.billed_pico, server.unused_replies) == ([], 0, 0)
    assert server.peak_concurrency == 0


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("claude-sonnet-4-6", "0.014925"),
        ("claude-haiku-4-5", "0.004975"),
        ("claude-opus-4-7", "0.024875"),
        ("claude-haiku-5-5", "0.0004975"),
        ("claude-sonnet-5-5", "0.00915"),
        ("claude-opus-5-5", "0.0183"),
    ],
)
def test_five_counts_are_each_charged_once(
    server: AnthropicServer, client: Anthropic, model: str, usd: str
) -> None:
    server.script(
        Text(
            "hi",
            input_tokens=1200,
            cache_read=8000,
            cache_write_5m=500,
            cache_write_1h=300,
            output_tokens=350,
        )
    )
    usage = ask(client, model=model).usage
    assert usage.cache_creation_input_tokens == 800
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_5m_input_tokens == 500
    assert usage.cache_creation.ephemeral_1h_input_tokens == 300
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (1200, 8000)
    assert server.billed_usd == Decimal(usd)


@pytest.mark.parametrize(
    ("cache_read", "usd"), [(40_000, "0.0069"), (40_001, "0.03450005")]
)
def test_long_prompt_moves_the_whole_request_to_the_long_rates(
    server: AnthropicServer, client: Anthropic, cache_read: int, usd: str
) -> None:
    server.script(
        Text("hi", input_tokens=60_000, cache_read=cache_read, output_tokens=1000)
    )
    ask(client)
    assert server.billed_usd == Decimal(usd)


def test_model_named_with_a_date_costs_the_same(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(
        Text(model="claude-haiku-5-5-20261007", input_tokens=10, output_tokens=0)
    )
    ask(client)
    assert server.billed_pico == 10 * 100_000


def test_prompt_is_never_counted_above_one_token_a_byte(client: Anthropic) -> None:
    with AnthropicServer(bytes_per_token=1) as server:
        ask(client.with_options(base_url=server.url))
        seen = server.requests[0]
        assert len(PROMPT[0]["content"]) < seen.usage.input <= len(seen.raw)


def test_counting_is_free_and_agrees_with_the_bill(
    server: AnthropicServer, client: Anthropic
) -> None:
    counted = client.messages.count_tokens(model=HAIKU, messages=PROMPT)
    assert (server.messages_requests, server.billed_pico) == (0, 0)
    assert ask(client).usage.input_tokens == counted.input_tokens
    assert len(server.requests) == 2


def test_models_are_listed_page_by_page(client: Anthropic) -> None:
    listed = list(client.models.list(limit=2))
    assert [model.id for model in listed] == list(MODELS)
    haiku = client.models.retrieve(HAIKU)
    assert (haiku.line, haiku.max_input_tokens) == ("haiku", 1_000_000)
    assert haiku.capabilities is not None
    assert haiku.capabilities.thinking.types.disabled.supported
    opus = client.models.retrieve(OPUS).capabilities
    assert opus is not None
    assert not opus.thinking.types.disabled.supported


def test_log_has_the_request_as_it_was_sent(
    server: AnthropicServer, client: Anthropic
) -> None:
    ask(client, system="Be brief")
    seen = server.requests[0]
    assert (seen.path, seen.method) == ("/v1/messages", "POST")
    assert seen.headers["authorization"] == "Bearer k"
    assert seen.headers["anthropic-version"] == "2026-10-21"
    assert json.loads(seen.raw) == seen.body
    assert seen.body["system"] == "Be brief"


def test_one_client_keeps_its_connection(
    server: AnthropicServer, client: Anthropic
) -> None:
    for _ in range(3):
        stream(client)
        ask(client)
    assert len({seen.client_port for seen in server.requests}) == 1
    assert all(seen.completed for seen in server.requests)


def test_32_threads_are_served_at_once_and_counted_exactly(
    server: AnthropicServer, client: Anthropic
) -> None:
    def answer_once_all_are_here(body: dict[str, Any]) -> Text:
        server.wait_for_requests(32, timeout=30)
        return Text("x" * 36)

    def one(number: int) -> int:
        prompt = [{"role": "user", "content": f"prompt {number:02d}"}]
        asking = ask if number % 2 else lambda c, **k: stream(c, **k)[1]
        return asking(client, messages=prompt).usage.input_tokens

    server.always(answer_once_all_are_here)
    with ThreadPoolExecutor(32) as pool:
        inputs = list(pool.map(one, range(32)))
    assert server.messages_requests == 32
    assert server.peak_concurrency == 32
    assert server.usage == Usage(input=sum(inputs), output=320)
    assert server.billed_pico == sum(inputs) * 100_000 + 320 * 500_000
    assert all(seen.completed for seen in server.requests)


def test_requests_in_progress_can_be_waited_for(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.always(Slow(0.1))
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, client) for _ in range(2)]
        server.wait_for_requests(2)
        assert [seen.status for seen in server.requests] == [0, 0]
        with pytest.raises(TimeoutError):
            server.wait_idle(0.01)
        server.wait_idle()
        assert [future.result().stop_reason for future in asked] == ["end_turn"] * 2


def test_closing_leaves_no_thread_and_hangs_up_on_clients(
    client: Anthropic, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    server = AnthropicServer()
    server.always(Hang())
    with ThreadPoolExecutor(3) as pool:
        hanging = client.with_options(base_url=server.url)
        asked = [pool.submit(ask, hanging) for _ in range(3)]
        server.wait_for_requests(3)
        server.close()
        for future in asked:
            with pytest.raises(anthropic.APIConnectionError):
                future.result()
    assert set(threading.enumerate()) <= before
    server.close()
    assert capfd.readouterr().err == ""


def test_defect_in_a_scripted_function_is_raised_at_the_end(client: Anthropic) -> None:
    server = AnthropicServer()
    server.always(lambda body: Text(body["nothing"]))
    with pytest.raises(anthropic.APIConnectionError):
        ask(client.with_options(base_url=server.url))
    with pytest.raises(RuntimeError, match="failed in the server") as caught:
        server.close()
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_its_url_and_then_what_it_billed(
    client: Anthropic, tmp_path: Path, number: signal.Signals
) -> None:
    summary = tmp_path / "summary.json"
    command = [sys.executable, "-m", "tests.support.anthropic_server", "--port", "0"]
    with subprocess.Popen(
        [*command, "--summary", str(summary)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "error"},
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        ask(client.with_options(base_url=url))
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out) == json.loads(summary.read_text())
    told = json.loads(out)
    assert told["messages_requests"] == 1
    assert Decimal(told["billed_usd"]) * 10**12 == told["billed_pico"] > 0
    assert told["tokens"]["output"] > 0
