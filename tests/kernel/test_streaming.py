"""While an answer arrives: few updates, the last one complete, and a stop that holds."""

import json
import time
from collections.abc import Callable

from tests.kernel.conftest import Served
from tests.support.kernel import Message, Ran
from tests.support.messages_api.replies import Cut, HttpError, SseError, Text


def _updates(ran: Ran) -> list[Message]:
    kinds = ("display_data", "update_display_data")
    return [m for m in ran.messages if m["msg_type"] in kinds]


def _stop_at_first_update(served: Served) -> Callable[[Message], None]:
    """Press the stop button once, when text has been added."""
    pressed: list[bool] = []

    def stop(message: Message) -> None:
        if message["msg_type"] == "update_display_data" and not pressed:
            pressed.append(True)
            served.kernel.interrupt()

    return stop


def test_updates_are_at_most_ten_a_second(served: Served) -> None:
    text = "word " * 600
    served.server.script(Text(text, deltas=200, delta_delay=0.01))
    began = time.monotonic()
    ran = served.kernel.run("%%route --no-cache\nstream it")
    seconds = time.monotonic() - began
    updates = _updates(ran)
    assert 3 < len(updates) <= 10 * seconds + 2
    sizes = [len(json.dumps(m["content"]["data"])) for m in updates]
    assert sum(sizes) < 40 * sizes[-1]
    assert text.strip() in updates[-1]["content"]["data"]["text/plain"]
    assert len(ran.outputs) == 1
    assert not any(m["msg_type"] == "clear_output" for m in ran.messages)


def test_an_escalation_restarts_the_text_and_says_why(served: Served) -> None:
    served.server.script(
        Text("first try here", deltas=4, delta_delay=0.05),
        Text("second try", deltas=4, delta_delay=0.05),
    )
    ran = served.kernel.run(
        "%%route --tier small --no-cache --check 'second' in text\nescalate"
    )
    assert ran.ok, ran.plain
    (output,) = ran.outputs
    shown = output["data"]["text/plain"]
    assert shown.startswith("second try\n\n")
    assert "first" not in shown
    assert "check failed: 'second' in text: escalated to claude-sonnet-5-5" in shown
    assert "2 attempts" in shown


def test_a_retry_is_announced(served: Served) -> None:
    served.server.script(HttpError(529, retry_after=0.2), Text("at last"))
    ran = served.kernel.run("%%route --no-cache\nretry")
    assert ran.ok, ran.plain
    first = _updates(ran)[0]["content"]["data"]["text/plain"]
    assert "529" in first or "overloaded" in first.lower()
    assert len(ran.outputs) == 1


def test_an_interrupt_keeps_and_marks_what_had_arrived(served: Served) -> None:
    served.server.script(Text("tick " * 100, deltas=100, delta_delay=0.1))
    stop = _stop_at_first_update(served)
    ran = served.kernel.run("%%route --no-cache\nstop me", meanwhile=stop)
    assert ran.reply["status"] == "error"
    assert ran.reply["ename"] == "KeyboardInterrupt"
    assert ran.error["ename"] == "KeyboardInterrupt"
    assert len(ran.error["traceback"]) == 1
    shown = ran.outputs[0]["data"]
    assert shown["text/plain"].startswith("tick")
    assert shown["text/plain"].endswith("interrupted")
    served.server.wait_idle()
    assert served.server.messages[-1].client_gone
    served.kernel.run("import costroute_nb as cr")
    row = "cr.default_session().ledger.iloc[-1]"
    assert served.kernel.value(f"({row}.status, bool({row}.estimated))") == (
        "('interrupted', True)"
    )
    assert served.kernel.value(f"{row}.cost_usd > 0") == "np.True_"


def test_an_interrupted_answer_is_not_cached(served: Served) -> None:
    served.server.script(Text("tick " * 100, deltas=100, delta_delay=0.1))
    stop = _stop_at_first_update(served)
    assert not served.kernel.run("%%route\nonce more", meanwhile=stop).ok
    ran = served.kernel.run("%%route\nonce more")
    assert "cache miss" in ran.plain


def test_the_kernel_is_usable_after_an_interrupt(served: Served) -> None:
    served.server.script(Text("x", delay=30))

    def stop(message: Message) -> None:
        if message["msg_type"] == "execute_input":
            served.server.wait_for_requests(1, timeout=30)
            time.sleep(0.2)
            served.kernel.interrupt()

    began = time.monotonic()
    ran = served.kernel.run("%%route --no-cache\nblocked", meanwhile=stop)
    assert ran.reply["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - began < 10
    assert served.kernel.run("%%route --no-cache\nagain").ok


def test_a_broken_stream_keeps_its_text_marked(served: Served) -> None:
    served.kernel.run("%config CostRoute.attempts = 1")
    for reply in (
        Cut(text="half an answer " * 9, deltas=9, after_deltas=6, delta_delay=0.05),
        SseError(
            text="half an answer " * 9, deltas=9, after_deltas=6, delta_delay=0.05
        ),
    ):
        served.server.reset()
        served.server.always(reply)
        ran = served.kernel.run("%%route --no-cache --no-escalate\nbreak")
        assert not ran.ok
        assert len(ran.error["traceback"]) == 1
        shown = ran.outputs[0]["data"]["text/plain"]
        assert shown.startswith("half an answer")
        assert shown.endswith("incomplete")
    served.kernel.run("%config CostRoute.attempts = 3")
