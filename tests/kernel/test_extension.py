"""Loading is silent and light, reloading keeps what matters, unloading leaves nothing."""

import json
import statistics
from pathlib import Path

import pytest

from tests.support.kernel import Kernel

HEAVY = ("anthropic", "openai", "pandas", "numpy", "altair", "ipywidgets", "sqlalchemy")

NO_SOCKETS = """
import socket, sys, time
def refuse(*args):
    raise AssertionError("a socket was opened")
keep = socket.socket.connect
socket.socket.connect = refuse
before = set(sys.modules)
began = time.perf_counter()
get_ipython().run_line_magic("load_ext", "costroute_nb")
took = time.perf_counter() - began
socket.socket.connect = keep
"""


def test_loading_is_silent_and_imports_nothing_heavy(bare_kernel: Kernel) -> None:
    ran = bare_kernel.run(NO_SOCKETS)
    assert ran.ok
    assert ran.outputs == []
    heavy = bare_kernel.value(f"[m for m in {HEAVY} if m in sys.modules]")
    assert heavy == "[]"


def test_loading_imports_only_what_stands_for_the_rest(bare_kernel: Kernel) -> None:
    assert bare_kernel.run(NO_SOCKETS).ok
    found = bare_kernel.value(
        "' '.join(sorted({m.removeprefix('costroute_nb') for m in set(sys.modules)"
        " - before if not m.startswith('IPython.')}))"
    )
    assert found == "' .notebook .notebook.extension .notebook.magics'"


@pytest.mark.usefixtures("unmeasured")
def test_loading_takes_less_than_100_ms(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = tmp_path / "load.py"
    script.write_text(
        "import time\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "ip = InteractiveShell.instance()\n"
        "began = time.perf_counter()\n"
        "ip.run_line_magic('load_ext', 'costroute_nb')\n"
        "print(time.perf_counter() - began)\n"
    )
    runs = [
        float(subprocess.check_output([sys.executable, str(script)], text=True))
        for _ in range(6)
    ]
    assert statistics.median(runs[1:]) < 0.1  # the first may have compiled bytecode


def test_completing_and_configuring_import_nothing_heavy(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb\nimport sys")
    assert "haiku" in bare_kernel.complete("%%route --tier ")
    assert bare_kernel.run("%config CostRoute.call_limit = 0.5").ok
    assert bare_kernel.value(f"[m for m in {HEAVY} if m in sys.modules]") == "[]"


def test_reloading_keeps_settings_session_and_results(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    bare_kernel.run("%config CostRoute.call_limit = 0.5")
    bare_kernel.run("import costroute_nb as cr\nip = get_ipython()")
    one = "[c for c in ip.configurables if c.__class__.__name__ == 'CostRoute']"
    assert bare_kernel.run(f"{one}[0].session_limit = 2.0").ok
    bare_kernel.run("%route budget --day 3")
    bare_kernel.run("session = cr.default_session()")
    assert bare_kernel.run("%%route\nSummarize: kept.").ok
    for _ in range(2):
        ran = bare_kernel.run("%reload_ext costroute_nb")
        assert ran.ok
        assert ran.outputs == []
    assert bare_kernel.value(f"len({one})") == "1"
    names = (
        "[getattr(m, 'matcher_identifier', '') for m in ip.Completer.custom_matchers]"
    )
    assert bare_kernel.value(f"{names}.count('costroute_nb')") == "1"
    values = f"[({one}[0].call_limit, {one}[0].session_limit)]"
    assert bare_kernel.value(values) == "[(0.5, 2.0)]"
    assert bare_kernel.value("cr.default_session() is session") == "True"
    limits = "session.budget.limits"
    shown = bare_kernel.value(f"({limits}.call, {limits}.session, {limits}.day)")
    assert shown == "(0.5, 2.0, 3.0)"
    assert "cache hit" in bare_kernel.run("%%route\nSummarize: kept.").plain


def test_python_and_the_magics_have_one_session_from_the_start(
    bare_kernel: Kernel,
) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    bare_kernel.run("import costroute_nb as cr")
    bare_kernel.run("answer = cr.default_session().route('Summarize: first.')")
    assert bare_kernel.value("answer.simulated") == "True"
    bare_kernel.run("%config CostRoute.workflow = 'later'")
    assert bare_kernel.value("cr.default_session().settings.workflow") == "'later'"
    assert "cache hit" in bare_kernel.run("%%route\nSummarize: first.").plain
    assert bare_kernel.value("len(cr.default_session().ledger)") == "2"


def test_unloading_leaves_the_session_alone_from_then_on(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%unload_ext costroute_nb")
    bare_kernel.run("import costroute_nb as cr")
    assert bare_kernel.value("cr._adopt") == "None"
    assert bare_kernel.value("cr.default_session().settings.provider") == "'anthropic'"


def test_a_limit_set_to_what_it_was_replaces_one_set_by_hand(
    bare_kernel: Kernel,
) -> None:
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    bare_kernel.run("import costroute_nb as cr\n%route budget --session 0.01 --day 3")
    limits = "cr.default_session().budget.limits"
    assert bare_kernel.value(f"({limits}.session, {limits}.day)") == "(0.01, 3.0)"
    bare_kernel.run("%config CostRoute.session_limit = 10")
    assert bare_kernel.value(f"({limits}.session, {limits}.day)") == "(10.0, 3.0)"


def test_loading_twice_is_loading_once(bare_kernel: Kernel) -> None:
    bare_kernel.run("import costroute_nb as cr\nip = get_ipython()")
    assert bare_kernel.run("cr.load_ipython_extension(ip)").ok
    assert bare_kernel.run("cr.load_ipython_extension(ip)").ok
    names = "[c.__class__.__name__ for c in ip.configurables]"
    assert bare_kernel.value(f"{names}.count('CostRoute')") == "1"


SNAPSHOT = """
ip = get_ipython()
def snapshot():
    f = ip.display_formatter
    return {
        "configurables": [c.__class__.__name__ for c in ip.configurables],
        "matchers": len(ip.Completer.custom_matchers),
        "registry": sorted(ip.magics_manager.registry),
        "functions": sorted(vars(ip.magics_manager.user_magics)),
        "line": sorted(ip.magics_manager.magics["line"]),
        "cell": sorted(ip.magics_manager.magics["cell"]),
        "hooks": {k: len(v) for k, v in ip.events.callbacks.items()},
        "bundles": [c.__name__ for c in f.mimebundle_formatter.type_printers],
        "singles": len(f.ipython_display_formatter.singleton_printers),
        "handlers": len(logging.getLogger("costroute_nb").handlers),
        "custom": (ip.CustomTB.__qualname__, ip.custom_exceptions),
        "names": sorted(n for n in ip.user_ns if not n.startswith("_")),
    }
import json, logging
ip.magics_manager.load_all_lazy_magics()  # %config does
before = snapshot()
"""


def test_unloading_what_was_never_used_leaves_nothing(bare_kernel: Kernel) -> None:
    assert bare_kernel.run(SNAPSHOT).ok
    bare_kernel.run("%load_ext costroute_nb")
    assert bare_kernel.run("%unload_ext costroute_nb").ok
    changed = "{k for k, v in before.items() if k != 'names' and v != snapshot()[k]}"
    assert bare_kernel.value(changed) == "set()"
    assert bare_kernel.run("%config DisplayFormatter").ok


def test_unloading_leaves_the_shell_as_it_was(bare_kernel: Kernel) -> None:
    assert bare_kernel.run(SNAPSHOT).ok
    bare_kernel.run("%load_ext costroute_nb\n%config CostRoute.provider = 'simulated'")
    assert bare_kernel.run("%%route\nSummarize: a test.").ok
    assert bare_kernel.run("%unload_ext costroute_nb").ok
    after = bare_kernel.value("json.dumps([before, snapshot()], default=str)")
    found, left = json.loads(after[1:-1].replace("\\'", "'"))
    found["names"].append("before")
    assert left["names"] == sorted(found["names"])
    del found["names"], left["names"]
    assert left == found
    ran = bare_kernel.run("%%route\nhello")
    assert not ran.ok
    assert "UsageError: Cell magic `%%route` not found" in ran.stderr


def test_config_lists_every_setting_with_its_help(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb")
    shown = bare_kernel.run("%config CostRoute").plain
    assert "CostRoute.call_limit=<Float>" in shown
    assert "most USD for one call" in shown
    assert "CostRoute.format=<Enum>" in shown
    count = "len(__import__('costroute_nb.settings').settings.NAMES)"
    assert shown.count("CostRoute.") == int(bare_kernel.value(count))


def test_config_completes_the_names_of_settings(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb")
    assert "CostRoute" in bare_kernel.complete("%config Cost")
    assert bare_kernel.complete("%config CostRoute.call_l") == ["CostRoute.call_limit"]


def test_the_list_of_all_magics_has_the_help(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb")
    docs = "get_ipython().magics_manager.lsmagic_docs()"
    for kind in ("line", "cell"):
        assert "--max-cost" in bare_kernel.value(f"{docs}['{kind}']['route']")


def test_config_warns_of_a_misspelt_name_with_a_close_one(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb")
    ran = bare_kernel.run("%config CostRoute.call_limitt = 1")
    assert "call_limit" in ran.plain
    assert "did you mean" in ran.plain.lower()


@pytest.mark.parametrize(
    "assignment",
    ["call_limit = -1", "format = 'fancy'", "ttl = 'soon'", "stream = 'x'"],
)
def test_an_invalid_value_leaves_the_old_one(
    simulated: Kernel, assignment: str
) -> None:
    name = assignment.split()[0]
    trait = f"[c for c in get_ipython().configurables if c.__class__.__name__ == 'CostRoute'][0].{name}"
    before = simulated.value(trait)
    ran = simulated.run(f"%config CostRoute.{assignment}")
    assert f"CostRoute.{name}" in ran.plain
    assert simulated.value(trait) == before


def test_values_are_converted_as_settings_are(simulated: Kernel) -> None:
    assert simulated.run("%config CostRoute.ttl = '30m'").outputs == []
    assert simulated.run("%config CostRoute.ttl").plain.strip() == "1800.0"


def test_the_strongest_source_wins(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.kernel import running_kernel

    sources = {
        home / ".config/costroute/config.toml": (
            "call_limit = 0.9\nsession_limit = 9\nmonth_limit = 99\nmax_tokens = 2001\n"
            "provider = 'simulated'\nworkflow = 'toml'\n"
        ),
        tmp_path / "pyproject.toml": (
            "[tool.costroute]\ncall_limit = 0.8\nsession_limit = 8\nworkflow = 'project'\n"
        ),
        home / ".ipython/profile_default/ipython_config.py": (
            "c.CostRoute.session_limit = 7\nc.CostRoute.month_limit = 77\n"
            "c.CostRoute.ttl = 60\n"
        ),
    }
    for file, text in sources.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setenv("COSTROUTE_MONTH_LIMIT", "66")
    monkeypatch.setenv("COSTROUTE_TTL", "61")
    monkeypatch.chdir(tmp_path)
    with running_kernel() as kernel:
        kernel.run("%load_ext costroute_nb\nimport costroute_nb as cr")
        assert kernel.run("%config CostRoute.ttl = 62").ok
        assert kernel.run("%route").ok
        names = ("max_tokens", "call_limit", "session_limit", "month_limit", "ttl")
        values = f"[getattr(cr.default_session().settings, n) for n in {names}]"
        assert kernel.value(values) == "[2001, 0.8, 7.0, 66.0, 62.0]"
        assert kernel.run("%config CostRoute.month_limit").plain.strip() == "66.0"
        ran = kernel.run("%%route --workflow cell\nSummarize: x.")
        assert ran.ok
        assert kernel.value("[*cr.default_session().ledger.workflow]") == "['cell']"


def test_a_setting_can_go_back_to_its_default(bare_kernel: Kernel) -> None:
    bare_kernel.run("%load_ext costroute_nb\nimport os")
    bare_kernel.run("os.environ['COSTROUTE_CALL_LIMIT'] = '0.25'")
    assert bare_kernel.run("%config CostRoute.call_limit = 1.0").ok
    assert "call: $1.00 at most" in bare_kernel.run("%route").plain
