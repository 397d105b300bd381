"""Alerts that leave the machine: each one once, and whatever the receiver does."""

import dataclasses
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.core.alerts import Alert
from costroute_nb.errors import BudgetExceededError
from costroute_nb.notify import AppriseNotifier, sending
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.records import NOON
from tests.support.sessions import Make, serving
from tests.support.webhook import Webhook

TOKEN = "CANARY-of-the-URL"
PROMPT = "Translate to French: CANARY-of-the-prompt number"


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    """Let no test go on sending after its end."""
    yield
    sending._forget()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook(TOKEN) as running:
        yield running


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    with serving(monkeypatch) as running:
        running.always(Text("CANARY-of-the-answer"))
        yield running


@pytest.fixture
def make(server: AnthropicServer) -> Iterator[Make]:
    made: list[Session] = []

    def session(urls: str, **settings: Any) -> Session:
        # With no amount too small every call alerts.
        settings = {"single_call_alert": 0, "max_tokens": 50, **settings}
        made.append(Session(alert_urls=urls, **settings))
        return made[-1]

    yield session
    for one in made:
        one.close()


def calls(session: Session, count: int) -> None:
    for number in range(count):
        session.route(f"{PROMPT} {number}", cache=False)


def alert(text: str) -> Alert:
    return Alert(text, "limit", "day", 0.8, "today", text, NOON, False)


def test_a_receiver_gets_each_alert_once(
    webhook: Webhook, make: Make, server: AnthropicServer
) -> None:
    session = make(webhook.url)
    told: list[Alert] = []
    session.on_alert(told.append)
    calls(session, 10)
    received = webhook.wait_for(10)
    time.sleep(0.3)  # one too many would come now
    assert received == webhook.wait_for(10) == [one.text for one in told]
    assert len(webhook.received) == 10


def test_a_message_has_no_prompt_no_answer_and_no_key(
    webhook: Webhook, make: Make, server: AnthropicServer
) -> None:
    calls(make(webhook.url), 1)
    (text,) = webhook.wait_for(1)
    assert "One call cost $" in text
    assert "CANARY" not in str(webhook.received)
    assert server.env()["ANTHROPIC_API_KEY"] not in str(webhook.received)


def test_a_session_limit_is_told_once_at_each_threshold(
    webhook: Webhook, make: Make, server: AnthropicServer
) -> None:
    session = make(webhook.url, single_call_alert=None)
    server.always(Text("word", output_tokens=50))
    cost = session.route(PROMPT, cache=False).cost_usd
    assert cost is not None
    session.budget.update(session=cost * 20.4)
    refused = 0
    for _ in range(25):
        try:
            calls(session, 1)
        except BudgetExceededError:
            refused += 1
    assert refused > 3
    webhook.wait_for(2)
    time.sleep(0.3)
    first, second = webhook.wait_for(2)
    assert "83% of the session limit is used" in first
    assert "The session limit stops calls" in second


def test_text_that_looks_like_markup_arrives_as_it_is(webhook: Webhook) -> None:
    AppriseNotifier([webhook.url]).notify(alert("5 < 6 & `a` *b* _c_"))
    assert webhook.wait_for(1) == ["5 < 6 & `a` *b* _c_"]


def test_a_failed_delivery_is_tried_again(webhook: Webhook) -> None:
    webhook.first = [500, 503]
    AppriseNotifier([webhook.url], pause=0.01).notify(alert("again"))
    assert webhook.wait_for(3) == ["again"] * 3
    time.sleep(0.3)
    assert len(webhook.received) == 3


def test_a_receiver_that_never_accepts_is_given_up_and_named_without_its_url(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.status = 500
    with caplog.at_level(logging.DEBUG):
        AppriseNotifier([webhook.url], pause=0.01).notify(alert("never"))
        webhook.wait_for(3)
        wait_until(lambda: "did not reach" in caplog.text)
    assert len(webhook.received) == 3
    assert "URL 1 (json) in 3 attempts" in caplog.text
    assert TOKEN not in caplog.text
    assert str(webhook.port) not in caplog.text


def test_an_answer_slower_than_apprises_own_patience_is_waited_for(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.delay = 4.5  # Apprise alone waits for 4 s
    notifier = AppriseNotifier([webhook.url], pause=0.01)
    notifier.notify(alert("slow"))
    notifier.notify(alert("next"))
    assert webhook.wait_for(2) == ["slow", "next"]
    assert caplog.text == ""


def test_the_timeout_holds_for_the_answer_and_its_end_may_mean_delivery(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.hang()
    AppriseNotifier([webhook.url], timeout=0.2, pause=0.01).notify(alert("heard"))
    wait_until(lambda: "may have arrived" in caplog.text)
    time.sleep(0.3)  # a second try would come now
    assert webhook.wait_for(1) == ["heard"]
    assert "URL 1 (json)" in caplog.text
    assert "ReadTimeout" in caplog.text


def test_a_connection_cut_before_the_answer_is_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"json://127.0.0.1:{server.getsockname()[1]}/{TOKEN}"
        AppriseNotifier([url], pause=0.01).notify(alert("cut"))
        connection, _ = server.accept()
        with connection:
            connection.recv(10_000)
        wait_until(lambda: "may have arrived" in caplog.text)
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "url",
    [
        f"json://127.0.0.1:1/{TOKEN}",
        f"mailto://u:{TOKEN}@127.0.0.1:1?from=a@b.cc&to=d@e.ff&mode=insecure",
    ],
    ids=["refused", "mail"],
)
def test_where_no_connection_was_made_it_is_tried_again(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    AppriseNotifier([url], attempts=2, pause=0.01).notify(alert("text"))
    wait_until(lambda: "in 2 attempts: " in caplog.text)
    assert "did not reach URL 1" in caplog.text
    assert TOKEN not in caplog.text


def test_a_receiver_without_tls_got_nothing_and_is_tried_again(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    url = webhook.url.replace("json://", "jsons://")
    AppriseNotifier([url], attempts=2, pause=0.01).notify(alert("text"))
    wait_until(lambda: "in 2 attempts: SSLError" in caplog.text)
    assert webhook.received == []


def test_an_error_of_apprise_itself_is_logged_and_the_next_alert_is_sent(
    webhook: Webhook, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import apprise

    notifier = AppriseNotifier([webhook.url])
    with monkeypatch.context() as patch:
        patch.setattr(apprise.Apprise, "notify", lambda *_, **__: 1 / 0)
        notifier.notify(alert("lost"))
        wait_until(lambda: "ZeroDivisionError" in caplog.text)
    notifier.notify(alert("next"))
    assert webhook.wait_for(1) == ["next"]


# Only Linux leaves a connection to a full queue unanswered; CI runs there.
@pytest.mark.skipif(sys.platform != "linux", reason="others answer a full queue")
def test_a_connection_that_takes_too_long_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        url = f"json://127.0.0.1:{address[1]}/{TOKEN}"
        AppriseNotifier([url], timeout=0.2, pause=0.01).notify(alert("text"))
        wait_until(lambda: "in 3 attempts: ConnectTimeout" in caplog.text)
        for one in waiting:
            one.close()


def test_a_receiver_that_is_overrun_is_tried_again(webhook: Webhook) -> None:
    webhook.first = [429]
    AppriseNotifier([webhook.url], pause=0.01).notify(alert("again"))
    assert webhook.wait_for(2) == ["again"] * 2


def test_a_receiver_that_declines_is_not_asked_again(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.status = 404
    AppriseNotifier([webhook.url], pause=0.01).notify(alert("declined"))
    wait_until(lambda: "in 1 attempt: HTTP 404" in caplog.text)
    time.sleep(0.2)
    assert len(webhook.received) == 1


def test_what_reached_one_of_two_targets_is_not_sent_to_both_again(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.first = [200, 500]
    url = f"ntfy://127.0.0.1:{webhook.port}/one/two"
    AppriseNotifier([url], pause=0.01).notify(alert("both"))
    wait_until(lambda: "may have arrived" in caplog.text)
    time.sleep(0.2)
    assert webhook.wait_for(2) == ["both", "both"]
    assert len(webhook.received) == 2


def test_what_failed_is_known_however_little_the_user_logs(webhook: Webhook) -> None:
    logger = logging.getLogger("apprise")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        webhook.first = [500]
        AppriseNotifier([webhook.url], pause=0.01).notify(alert("again"))
        assert webhook.wait_for(2) == ["again"] * 2
    finally:
        logger.setLevel(before)


@pytest.mark.parametrize("url", [f"nonsense://{TOKEN}", TOKEN])
def test_a_url_that_is_none_is_said_once_and_not_shown(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = AppriseNotifier([url], pause=0.01)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            notifier.notify(alert("text"))
        wait_until(lambda: "alert_urls: URL 1" in caplog.text)
        time.sleep(0.1)
    assert caplog.text.count("alert_urls: URL 1") == 1
    assert TOKEN not in caplog.text


def test_a_dead_receiver_does_not_hold_up_another(webhook: Webhook) -> None:
    with Webhook() as dead:
        dead.hang()
        notifier = AppriseNotifier([dead.url, webhook.url])
        for number in range(5):
            notifier.notify(alert(str(number)))
        assert webhook.wait_for(5) == ["0", "1", "2", "3", "4"]
        assert len(dead.received) == 1


def test_a_slow_receivers_oldest_alerts_are_dropped_and_that_is_logged(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.hang()
    notifier = AppriseNotifier([webhook.url])
    notifier.notify(alert("first"))
    webhook.wait_for(1)
    for number in range(120):
        notifier.notify(alert(str(number)))
    assert caplog.text.count("its oldest alert was dropped") == 20
    webhook.release()
    assert webhook.wait_for(101)[:2] == ["first", "20"]


@pytest.mark.parametrize("trouble", ["refused", "hanging", "500"])
def test_fifty_calls_go_on_whatever_the_receiver_does(
    trouble: str,
    webhook: Webhook,
    make: Make,
    server: AnthropicServer,
    home: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = webhook.url
    if trouble == "refused":
        url = f"json://127.0.0.1:1/{TOKEN}"
    elif trouble == "hanging":
        webhook.hang()
    else:
        webhook.status = 500
    session = make(url)
    told: list[Alert] = []
    session.on_alert(told.append)
    with caplog.at_level(logging.DEBUG):
        began = time.monotonic()
        calls(session, 50)
        seconds = time.monotonic() - began
        began = time.monotonic()
        session.close()  # what is used afterwards is opened again
        assert time.monotonic() - began < 2
    assert server.messages_requests == 50
    assert len(told) == 50
    assert set(session.ledger["status"]) == {"ok"}
    assert session.budget.status()["session"].held == 0
    # Not one alert was delivered meanwhile; waiting for each would take minutes.
    assert len(webhook.received) < 50
    assert seconds < 60
    out, err = capfd.readouterr()
    seen = [out, err, caplog.text, repr(session), repr(session.settings)]
    seen += [session.history().to_csv(), str(session.alerts)]
    assert not [text for text in seen if TOKEN in text]
    files = [path for path in (home / "costroute").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_other_threads_may_log_what_the_senders_may_not(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    AppriseNotifier([webhook.url]).notify(alert("text"))
    webhook.wait_for(1)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("apprise").warning("the user's own")
    assert "the user's own" in caplog.text


SCRIPT = """
import costroute_nb as cr, sys
session = cr.Session(
    provider="simulated", single_call_alert=0, alert_urls=sys.argv[1]
)
session.route("Rename the column a to b.")
session.close()
"""


def run(script: str, url: str) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, url], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return time.monotonic() - began


TWO = """
import costroute_nb as cr, sys
session = cr.Session(
    provider="simulated", day_limit=1.0, alert_at=1e-9, call_limit=None,
    session_limit=None, alert_urls=sys.argv[1],
)
session.budget.spent("day")
print("ready", flush=True)  # the test waits for it
sys.stdin.readline()
for number in range(10):
    session.route("Rename the column a to b.", cache=False)
sys.stdin.readline()
session.close()
"""


def test_a_limit_that_two_processes_cross_together_is_one_message(
    webhook: Webhook,
) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, webhook.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    webhook.wait_for(1, timeout=40)
    for process in both:  # what they still have to send they send before they end
        process.communicate("end\n", timeout=60)
        assert process.returncode == 0
    (text,) = webhook.wait_for(1)
    assert "of the day limit is used" in text


def test_the_last_alert_is_sent_before_the_interpreter_ends(webhook: Webhook) -> None:
    run(SCRIPT, webhook.url)
    (text,) = webhook.wait_for(1, timeout=0.1)
    assert text.startswith("Simulated money")


def test_a_hanging_receiver_holds_the_end_of_the_interpreter_for_two_seconds(
    webhook: Webhook, unmeasured: None
) -> None:
    webhook.hang()
    seconds = run(SCRIPT, webhook.url)
    assert len(webhook.received) == 1
    assert seconds < 10  # as long as an answer is waited for


FORK = """
import os, sys, time
import apprise
from costroute_nb.notify import AppriseNotifier
from tests.integration.test_notify import alert
apprise.Apprise().add("json://localhost")  # nothing is being imported at the fork
notifier = AppriseNotifier([sys.argv[1]])
notifier.notify(alert("sent by the parent"))
notifier.notify(alert("waits in the parent"))
time.sleep(1)
if os.fork() == 0:
    notifier.notify(alert("of the child"))
    time.sleep(4)
    os._exit(0)
os.wait()
"""


# The fork is what is tested; CI runs where there is one.
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_does_not_send_what_waits_in_its_parent(
    webhook: Webhook, unmeasured: None
) -> None:
    webhook.delay = 2.0
    run(FORK, webhook.url)
    texts = webhook.wait_for(3)
    assert sorted(texts) == [
        "of the child",
        "sent by the parent",
        "waits in the parent",
    ]


def test_callbacks_live_on_when_a_setting_changes(make: Make) -> None:
    session = make("")
    told: list[Alert] = []
    unsubscribe = session.on_alert(told.append)
    session.configure(dataclasses.replace(session.settings, max_tokens=60))
    calls(session, 1)
    assert len(told) == 1
    unsubscribe()
    calls(session, 1)
    assert len(told) == 1
    assert len(session.alerts) == 2


def wait_until(condition: Callable[[], bool], timeout: float = 20) -> None:
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
