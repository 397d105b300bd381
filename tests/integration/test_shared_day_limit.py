"""One ledger, many processes and threads, one day limit; the server keeps count."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from costroute_nb.errors import BudgetExceededError
from costroute_nb.session import Session
from tests.support.anthropic_server import AnthropicServer, Text
from tests.support.clock import FakeClock

CAP = 1900
"""Answer tokens: on the medium model a worst case of just under $0.02."""


def spender(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.spender", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_four_processes_of_eight_threads_never_pass_a_dollar_and_can_spend_it(
    server: AnthropicServer,
) -> None:
    # Actual costs vary from almost nothing to nearly the worst case.
    sizes = [(i * 37) % CAP + 1 for i in range(997)]
    count = iter(range(10**9))
    server.always(
        lambda body: Text(
            "w", output_tokens=sizes[next(count) % len(sizes)], delay=0.005
        )
    )
    with Session() as session:
        worst = session.plan(
            "Explain x to me, whatever it is that x may be today.",
            tier="medium",
            escalate=False,
            max_tokens=CAP,
        ).worst_usd
    assert worst is not None
    assert 0.019 < worst <= 0.02
    passed: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            passed.append(float(server.billed_usd))

    watcher = threading.Thread(target=watch)
    watcher.start()
    processes = [spender(8, 80, 1.0, CAP) for _ in range(4)]
    outputs = [process.communicate(timeout=240)[0] for process in processes]
    done.set()
    watcher.join()
    answered = sum(int(line.split()[0]) for line in outputs)
    refused = sum(int(line.split()[1]) for line in outputs)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert answered == server.messages_requests
    assert refused > 0
    assert max(passed) <= 1.0
    assert 0.95 <= float(server.billed_usd) <= 1.0


def test_a_killed_call_leaves_a_row_and_no_hold_for_ever(
    server: AnthropicServer, home: Path
) -> None:
    server.always(Text("w " * 400, delta_delay=0.05))
    kills = 20
    batch = 5
    for _ in range(kills // batch):
        before = server.messages_requests
        processes = [spender(1, 1, 100.0, CAP) for _ in range(batch)]
        server.wait_for_requests(before + batch, timeout=60)
        time.sleep(0.1)
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)
    server.wait_idle(timeout=30)
    assert server.messages_requests == kills
    billed = float(server.billed_usd)

    ledger = home / "costroute" / "ledger.sqlite3"
    with sqlite3.connect(ledger) as connection:
        (pending,) = connection.execute(
            "SELECT COUNT(*) FROM records WHERE status = 'pending'"
        ).fetchone()
    connection.close()
    assert pending == kills

    # After the lease the next call books them as unknown, at their worst case.
    clock = FakeClock()
    with Session(clock=clock, provider="anthropic", session_limit=None) as session:
        clock.set(session.budget.now() + timedelta(hours=1))
        session.route("Explain it.", max_tokens=10)
        frame = session.history()
        unknown = frame[frame["status"] == "unknown"]
        assert len(unknown) == kills
        assert unknown["cost_usd"].isna().all()
        assert float(unknown["charged_usd"].sum()) >= billed > 0
        assert session.budget.status()["day"].held == 0


def test_a_lowered_limit_holds_for_the_next_call_of_every_session(
    server: AnthropicServer,
) -> None:
    with Session(day_limit=1.0) as first, Session(day_limit=1.0) as second:
        first.route("Explain one thing.")
        second.budget.update(day=0.0)
        with pytest.raises(BudgetExceededError, match="day"):
            second.route("Explain another thing.")
        first.route("Explain a third thing.")
