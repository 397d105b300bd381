"""`%route report` and `%route advise` in a kernel."""

import csv
from pathlib import Path

import pytest

from costroute_nb.core.report import GROUPINGS
from tests.support.kernel import Kernel


@pytest.fixture(scope="module")
def kernel(simulated: Kernel, tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    home = tmp_path_factory.mktemp("home")
    assert simulated.run(f"%config CostRoute.home = '{home}'").ok
    files = home / "empty.html", home / "empty.csv"
    empty = simulated.run("%route report --html '{}' --csv '{}'".format(*files))
    assert "no attempts yet" in empty.plain
    assert [f"written: {file}" in empty.plain for file in files] == [True, True]
    assert all(file.exists() for file in files)
    assert simulated.run("cr.default_session().report()").plain.count("\n") < 6
    nothing = simulated.run("%route advise")
    assert "there is no known cost to save on" in nothing.plain
    assert "$" not in nothing.plain
    for number in range(2):
        source = f"%%route --workflow triage --step label\nSummarize text {number}: x"
        assert simulated.run(source).ok
    assert simulated.run("%%route --tier large\nWrite a limerick").ok
    return simulated


def test_report_shows_pot_totals_models_and_groups(kernel: Kernel) -> None:
    ran = kernel.run("%route report")
    assert ran.ok
    assert "simulated, no money was spent; all sessions on this ledger" in ran.plain
    assert "3 calls, " in ran.plain
    assert " per call; 0% from the cache" in ran.plain
    assert "made (today claude-opus-5-5); 0% of 3 attempts estimated" in ran.plain
    assert "models by attempts and cost: claude-" in ran.plain
    lines = [line.split() for line in ran.plain.splitlines()]
    assert ["triage", "2"] in [line[:2] for line in lines]
    assert ["(none)", "1"] in [line[:2] for line in lines]
    assert "| triage | 2 |" in ran.outputs[0]["data"]["text/markdown"]


def test_report_says_what_each_lever_saved_and_against_what(kernel: Kernel) -> None:
    ran = kernel.run("%route report --since 2h")
    lines = ran.plain.splitlines()
    (routing,) = (line for line in lines if line.startswith("routing: saved "))
    assert (
        "against the delivered answers' tokens on the large tier's model when"
        in routing
    )
    whole = "answer cache and routing add up to what was saved against the large tier's"
    assert any(line.startswith(whole) for line in lines)


@pytest.mark.parametrize("by", GROUPINGS)
def test_report_groups_as_asked(kernel: Kernel, by: str) -> None:
    ran = kernel.run(f"%route report --by {by}")
    assert f"report by {by}" in ran.plain
    each = "attempt" if by in ("model", "tier") else "call"
    assert f"average per {each}  " in ran.plain


def test_report_writes_the_files_it_is_asked_for(
    kernel: Kernel, tmp_path: Path
) -> None:
    page, table = tmp_path / "a page.html", tmp_path / "table.csv"
    ran = kernel.run(f"%route report --since 1h --html '{page}' --csv {table}")
    assert f"written: {page}" in ran.plain
    assert f"written: {tmp_path / 'table-levers.csv'}" in ran.plain
    assert "<h2>By workflow</h2>" in page.read_text("utf-8")
    with table.open(encoding="utf-8", newline="") as lines:
        rows = {row["workflow"]: row["calls"] for row in csv.DictReader(lines)}
    assert rows == {"triage": "2", "": "1"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("report --by cell", "--by takes one of workflow, step, "),
        ("report --by workflo", "did you mean workflow?"),
        ("report workflow", "%route report takes --by, --since, --html, --csv"),
        ("report --html missing/report.html", "a file in a directory that exists"),
        ("advise --by step", "there is no option --by"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    kernel: Kernel, line: str, message: str
) -> None:
    ran = kernel.run(f"%route {line}")
    assert not ran.ok
    assert message in ran.reply["evalue"]
    assert "Traceback" not in str(ran.outputs)


def test_advise_lists_what_cost_most_and_what_it_cannot_know(kernel: Kernel) -> None:
    ran = kernel.run("%route advise --since 1d")
    assert ran.ok
    head = ran.plain.splitlines()[0]
    where = "simulated, no money was spent; all sessions on this ledger; since 2"
    assert head.startswith(f"what cost most ({where}")
    assert "savings of one place overlap: they do not add up" in ran.plain
    assert "the ledger keeps no prompts" in ran.plain
    assert "100%" not in head


def test_subcommands_options_and_groupings_are_completed(kernel: Kernel) -> None:
    assert kernel.complete("%route rep") == ["report"]
    assert kernel.complete("%route report --h") == ["--html"]
    assert set(kernel.complete("%route report --by ")) == set(GROUPINGS)
    assert kernel.complete("%route advise --") == ["--since"]
