"""Every failure is an error status and one readable line, never a traceback."""

import json
from pathlib import Path

import pytest

from tests.kernel.conftest import Served
from tests.support.anthropic_server import AnthropicServer
from tests.support.kernel import Kernel, Ran, running_kernel
from tests.support.messages_api.replies import (
    CutBeforeHeaders,
    HttpError,
    Refusal,
    Text,
)

USAGE = {
    "%%route --teir small\nx": "there is no option --teir (did you mean --tier?)",
    "%%route --tier smal\nx": "'smal' is no tier",
    "%%route --format markdwn\nx": "(did you mean markdown?)",
    "%%route --max-tokens many\nx": "--max-tokens takes a whole number, not 'many'",
    "%%route --max-cost dear\nx": "--max-cost takes an amount of USD",
    "%%route --ttl soon\nx": "--ttl takes a time such as 90s",
    "%%route --tier\nx": "--tier needs a value",
    "%%route --no-cache --fresh\nx": "contradict each other",
    "%%route --tier small --model claude-opus-5-5\nx": "contradict each other",
    "%%route --tier small --tier large\nx": "given twice",
    "%%route --context contxt\nx": "(did you mean context_text?)",
    "%%route --system Terse\nx": "put text in quotes",
    "%%route hello\nx": "'hello' is no option: the prompt goes below this line",
    "%%route --check len(text <\nx": "not a Python expression",
    "%%route --schema number\nx": "schema is a JSON schema",
    "%%route --max-tokens 0\nx": "max_tokens",
    "%%route --map df\nx": "there is no option --map",
    "%%route --raw=1\nx": "--raw takes no value",
    "%%route --workflow 'x\nx": "a quote is not closed",
    "%%route\n \n": "the prompt is empty",
    "%route bugdet": "there is no subcommand 'bugdet' (did you mean budget?)",
    "%route budget --session much": "--session takes an amount of USD",
    "%route budget --session -1": "cannot be negative",
    "%route budget --on-limit explode": "--on-limit takes one of stop, degrade",
    "%%route --effort max\nx": "--effort takes one of low, medium, high, not 'max'",
    "%%route --task sumarize\nx": "did you mean summarize?",
    "%%route --task extract_json\nx": "the task 'extract_json' needs 'schema'",
    "%%route --context-tokens 0\nx": "context_tokens",
    "%route thread shwo": "thread 'shwo' (did you mean show?): list, show or clear",
    "%route thread show": "%route thread show needs a name",
    "%route thread clear": "%route thread clear NAME or --all",
    "%route thread show nothing": "there is no thread 'nothing'",
    "%route thread list x": "takes nothing more",
    "%route cache empty": "stats, clear or prune",
    "%route log --today --all": "choose one",
    "%route log --since 5m --month": "choose one",
    "%route log --since soon": "--since takes a day or moment such as 2026-11-01",
    "%route budget --stop --resume": "contradict each other",
    "%route budget --stop=now": "--stop takes no value",
    "%route plan": "needs a prompt",
    "%route plan --tier opus": "needs a prompt",
    "%route plan --teir opus 'x'": "(did you mean --tier?)",
    "%route plan hello --tier opus": "put the prompt in quotes",
    "%route status now": "%route status takes nothing more: what is 'now'?",
    "%route budget 5": "%route budget takes --call, --session, --day",
    "%route log 5": "%route log takes --today, --month, --all",
    "%route report 5": "%route report takes --by, --since",
    "%%route foo << --tier small\nx": "put `foo <<` last",
    "%%route foo = << --tier small\nx": "put `foo = <<` last",
    "%%route --model opus\nx": "for opus use --tier opus",
}


@pytest.mark.parametrize("code", USAGE)
def test_a_wrong_option_is_one_line(simulated: Kernel, code: str) -> None:
    simulated.run("context_text = 'x'\nnumber = 3")
    ran = simulated.run(code)
    assert ran.reply["status"] == "error"
    assert ran.reply["ename"] == "UsageError"
    (line,) = ran.stderr.strip().splitlines()
    assert line.startswith("UsageError: ")
    assert USAGE[code] in line
    assert len(ran.outputs) == 1


@pytest.mark.parametrize("option", ["--schema", "--system", "--context"])
@pytest.mark.parametrize("name", ["opne", "exi", "qui", "get_ipythn"])
def test_only_the_users_own_names_are_suggested(
    simulated: Kernel, option: str, name: str
) -> None:
    assert "did you mean" not in simulated.run(f"%%route {option} {name}\nx").stderr


def test_a_variable_that_cannot_be_text_is_one_line(served: Served) -> None:
    served.kernel.run(
        "class Broken:\n    def __str__(self): raise ValueError('no\\nway')\n"
        "broken = Broken()"
    )
    for code, named in {
        "%%route\n{{broken}}": "{{broken}}",
        "%%route --system broken\nx": "--system broken",
        "%%route --context broken\nx": "--context",
    }.items():
        line = _is_one_line(served.kernel.run(code), "TemplateError")
        assert line == (
            f"TemplateError: {named} cannot be made text: ValueError: no way"
        )
    assert served.server.requests == []


def test_an_empty_cell_gets_ipythons_own_hint(simulated: Kernel) -> None:
    ran = simulated.run("%%route")
    assert not ran.ok
    assert "Did you mean the line magic %route" in ran.stderr


def _is_one_line(ran: Ran, name: str) -> str:
    assert ran.reply["status"] == "error"
    assert ran.error["ename"] == name
    (line,) = ran.error["traceback"]
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    return str(line)


def test_an_unknown_model_is_one_line(served: Served) -> None:
    ran = served.kernel.run("%%route --model claude-haiku-5.5\nx")
    assert "claude-haiku-5-5" in _is_one_line(ran, "UnknownModelError")


def test_an_unknown_provider_is_one_line(served: Served) -> None:
    ran = served.kernel.run("%%route --provider nobody\nx")
    assert "simulated" in _is_one_line(ran, "ConfigurationError")


def test_over_budget_is_one_line(served: Served) -> None:
    ran = served.kernel.run("%%route --max-cost 0.000001\nx")
    assert "--max-cost" in _is_one_line(ran, "BudgetExceededError")
    assert served.server.requests == []


def test_a_refusal_is_one_line(served: Served) -> None:
    served.server.always(Refusal(text="I would rather"))
    ran = served.kernel.run("%%route --no-cache\nrefuse")
    _is_one_line(ran, "RefusedError")
    assert "refused" in ran.outputs[0]["data"]["text/plain"]


def test_a_rejected_answer_is_one_line_and_the_text_is_kept(served: Served) -> None:
    served.server.always(Text("not what was asked"))
    ran = served.kernel.run("%%route --no-cache --check False\nreject")
    _is_one_line(ran, "InvalidAnswerError")
    shown = ran.outputs[0]["data"]["text/plain"]
    assert shown.startswith("not what was asked")
    assert shown.endswith("\nrejected")
    assert shown.count("check failed: False") == 1
    served.kernel.run("import sys")
    assert served.kernel.value("sys.last_value.text") == "'not what was asked'"


def test_a_failed_cell_under_capture_shows_its_text_once(served: Served) -> None:
    served.server.always(Text("kept"))
    ran = served.kernel.run(
        "%%capture c\n%%route --no-cache --no-escalate --check False\nx"
    )
    assert not ran.ok or "InvalidAnswerError" in str(ran.outputs)


def test_a_bad_key_is_one_line(served: Served) -> None:
    served.server.always(HttpError(401, message="invalid bearer token"))
    ran = served.kernel.run("%%route --no-cache\nkey")
    _is_one_line(ran, "AuthenticationError")


def test_a_server_that_is_down_is_one_line(served: Served) -> None:
    served.kernel.run("%config CostRoute.max_wait = 0.2")
    served.server.always(CutBeforeHeaders())
    ran = served.kernel.run("%%route --no-cache --no-escalate\ndown")
    assert ran.reply["status"] == "error"
    assert len(ran.error["traceback"]) == 1
    served.kernel.run("%config CostRoute.max_wait = 60")


def test_a_missing_key_is_explained_in_six_lines(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb")
    ran = bare_kernel.run("%%route\nhello")
    assert ran.error["ename"] == "MissingKeyError"
    lines = ran.error["traceback"]
    assert 3 <= len(lines) <= 6
    text = "\n".join(lines)
    assert "ANTHROPIC_API_KEY" in text
    assert "simulated" in text
    assert ran.outputs[0]["output_type"] == "error"
    assert len(ran.outputs) == 1


def test_broken_configuration_is_one_line(home: Path) -> None:
    file = home / ".config/costroute/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("call_limt = 1\n")
    with running_kernel() as kernel:
        assert kernel.run("%load_ext costroute_nb").outputs == []
        ran = kernel.run("%%route\nhello")
    assert "call_limit" in _is_one_line(ran, "ConfigurationError")


def test_broken_ipython_configuration_is_one_line(home: Path) -> None:
    file = home / ".ipython/profile_default/ipython_config.py"
    file.parent.mkdir(parents=True)
    file.write_text("c.CostRoute.call_limit = -1\n")
    with running_kernel() as kernel:
        ran = kernel.run("%load_ext costroute_nb")
    assert "call_limit" in _is_one_line(ran, "ConfigurationError")


def test_a_warning_does_not_fail_and_is_said_once(simulated: Kernel) -> None:
    warn = "import logging; logging.getLogger('costroute_nb.x').warning('mind\\n this')"
    assert simulated.run(warn).stderr == "costroute_nb: mind this\n"
    assert simulated.run(warn).stderr == ""


def test_no_secret_leaves_the_process(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AnthropicServer(keys=["sk-ant-canary-1234"]) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HIDDEN_CANARY", "env-canary-5678")
        server.script(Text("fine"), HttpError(401, message="bad sk-ant-canary-1234"))
        shown = []
        with running_kernel() as kernel:
            kernel.run("%load_ext costroute_nb")
            for code in (
                "%%route\nhello",
                "%%route\nfails",
                "%route",
                "%route cache",
                "%route log",
                "%route help",
                "_.to_dict() if hasattr(_, 'to_dict') else 0",
                "import costroute_nb as cr; cr.default_session()",
            ):
                ran = kernel.run(code)
                shown.append(json.dumps([ran.messages, ran.reply], default=str))
    published = "".join(shown)
    kept = b"".join(f.read_bytes() for f in home.rglob("*") if f.is_file())
    for secret in ("canary-1234", "env-canary-5678", str(home)):
        assert secret not in published
    for secret in ("canary-1234", "env-canary-5678"):
        assert secret.encode() not in kept
