"""An alert in a notebook: one line in the running cell's output, and no failure."""

import time

from tests.kernel.conftest import Served
from tests.support.kernel import Kernel, Ran
from tests.support.messages_api.replies import Text
from tests.support.webhook import Webhook


def _lines(ran: Ran) -> list[str]:
    texts = [o["data"]["text/plain"] for o in ran.outputs if "data" in o]
    return [text for text in texts if text.startswith("alert: ")]


def _arm(kernel: Kernel) -> None:
    assert kernel.run("%config CostRoute.single_call_alert = 0").ok


def test_an_alert_stays_as_a_line_of_its_own_beside_the_answer(served: Served) -> None:
    _arm(served.kernel)
    served.server.script(Text("word " * 50, deltas=10, delta_delay=0.05))
    ran = served.kernel.run("%%route --no-cache\nalert me")
    assert ran.ok, ran.plain
    (line,) = _lines(ran)
    assert "One call cost $" in line
    assert "\n" not in line
    answers = [o for o in ran.outputs if "word word" in o["data"]["text/plain"]]
    assert len(answers) == 1
    assert len(ran.outputs) == 2


def test_a_quiet_cell_shows_its_alert_too(served: Served) -> None:
    _arm(served.kernel)
    ran = served.kernel.run("%%route --no-cache --quiet\nalert me quietly")
    assert ran.ok, ran.plain
    assert len(_lines(ran)) == 1


def test_a_call_from_python_shows_its_alert_too(served: Served) -> None:
    _arm(served.kernel)
    served.kernel.run("%route status")
    ran = served.kernel.run(
        "import costroute_nb as cr\n"
        "answer = cr.default_session().route('alert me', cache=False)"
    )
    assert ran.ok, ran.plain
    assert len(_lines(ran)) == 1


def test_a_call_from_a_thread_shows_its_alert_too(served: Served) -> None:
    _arm(served.kernel)
    served.kernel.run("%route status")
    ran = served.kernel.run(
        "import threading, costroute_nb as cr\n"
        "ask = lambda: cr.default_session().route('alert me there', cache=False)\n"
        "thread = threading.Thread(target=ask); thread.start(); thread.join()"
    )
    assert ran.ok, ran.plain
    assert len(_lines(ran)) == 1


def test_a_crossed_limit_alerts_in_one_cell_only(bare_kernel: Kernel) -> None:
    bare_kernel.run(
        "%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'\n"
        "%config CostRoute.alert_at = 1e-6\n%config CostRoute.call_limit = None"
    )
    cell = "%%route --no-cache\nRename the column a to b."
    (line,) = [line for _ in range(5) for line in _lines(bare_kernel.run(cell))]
    assert "of the session limit is used" in line
    assert "Simulated money" in line


def test_after_unloading_no_line_is_shown(bare_kernel: Kernel) -> None:
    bare_kernel.run(
        "%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'\n"
        "%config CostRoute.single_call_alert = 0"
    )
    call = "cr.default_session().route('Rename a to b.', cache=False).text"
    bare_kernel.run("import costroute_nb as cr\n%route status")
    assert len(_lines(bare_kernel.run(call))) == 1
    bare_kernel.run("%unload_ext costroute_nb")
    assert _lines(bare_kernel.run(call)) == []
    bare_kernel.run("%load_ext costroute_nb\n%route status")
    assert len(_lines(bare_kernel.run(call))) == 1


def test_the_urls_of_alerts_are_never_shown(bare_kernel: Kernel) -> None:
    code = (
        "%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'\n"
        "%config CostRoute.alert_urls = 'json://127.0.0.1:1/CANARY'\n"
    )
    assert bare_kernel.run(code).ok
    shown = [
        bare_kernel.run(cell).messages
        for cell in (
            "%config CostRoute",
            "%config CostRoute.alert_urls",
            "import costroute_nb as cr\ncr.default_session().settings",
            "%route status",
            "%route help",
        )
    ]
    assert "(secret)" in str(shown[0])
    outputs = [m for one in shown for m in one if m["msg_type"] != "execute_input"]
    assert "CANARY" not in str(outputs)


def test_an_alert_is_one_line_one_entry_one_callback_and_one_message(
    served: Served,
) -> None:
    with Webhook() as webhook:
        served.kernel.run(
            f"%config CostRoute.alert_urls = '{webhook.url}'\n"
            "%config CostRoute.single_call_alert = None\n%route status"
        )
        served.kernel.run(
            "import costroute_nb as cr\nsession, told = cr.default_session(), []\n"
            "end = session.on_alert(lambda alert: told.append(alert.text))\n"
            "before = len(session.alerts)\n"
            "session.budget.update(call=None, alert_at=1e-6)"
        )
        cell = "%%route --no-cache\nalert me"
        (line,) = [line for _ in range(3) for line in _lines(served.kernel.run(cell))]
        said = (
            "end(); print(len(told), *told, sep='\\n'); print(session.alerts[before:])"
        )
        kept = served.kernel.run(said).plain
        shown = served.kernel.run("session.dashboard()")
        (text,) = webhook.wait_for(1)
        time.sleep(0.3)  # one too many would come now
        assert len(webhook.received) == 1
        served.kernel.run("%config CostRoute.alert_urls = None")
    assert "of the session limit is used" in text
    assert line == f"alert: {text}"
    assert kept.startswith(f"1\n{text}\n")
    assert kept.count("Alert(") == 1
    assert f"alert: {text}" in shown.plain
