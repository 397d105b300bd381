"""The README is run, and says everything there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from costroute_nb.artifact import read_model
from costroute_nb.core.record import COLUMNS
from costroute_nb.notebook.options import AT_LIMIT, OPTIONS
from costroute_nb.notebook.usage import FOLLOWING, SUBCOMMANDS
from costroute_nb.settings import Settings
from costroute_nb.tables import load_tables

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("source", blocks("python"))
def test_every_python_block_of_the_readme_runs(
    source: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "README.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("source", blocks("toml"))
def test_every_table_of_the_readme_loads(source: str, tmp_path: Path) -> None:
    name = re.search(r"(\w+\.toml)", source)
    assert name is not None
    (tmp_path / name.group(1)).write_text(source)
    assert load_tables(tmp_path) != load_tables()


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
def test_every_option_is_in_the_readme(name: str) -> None:
    assert f"`{name}" in README


@pytest.mark.parametrize(
    ("subcommand", "name"),
    [(name, option.name) for name, options in FOLLOWING.items() for option in options],
)
def test_every_option_of_a_subcommand_is_in_its_row(subcommand: str, name: str) -> None:
    rows = [
        row for row in README.splitlines() if row.startswith(f"| `%route {subcommand}")
    ]
    assert any(re.search(rf"[` ]{name}[` ]", row) for row in rows)


@pytest.mark.parametrize(("on_limit", "what"), AT_LIMIT.items())
def test_what_a_limit_does_is_said_as_everywhere(on_limit: str, what: str) -> None:
    assert f"| `{on_limit}` | {what} |" in README


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_is_in_the_readme(name: str) -> None:
    assert f"%route {name}" in README or name == "status"


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


def settings_table() -> str:
    """What the README's table of settings must say."""
    rows = [
        f"| `{field.name}` | {field.default!r} | {field.metadata['help']} |"
        for field in fields(Settings)
    ]
    return "\n".join(rows)


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert settings_table() in README


def test_the_figures_of_the_classifier_are_those_it_ships_with() -> None:
    apgr = read_model().about.facts["figures"]["five folds of train and dev"]["apgr"]
    value, low, high = apgr["mean"]
    assert (
        f"| the learned classifier | **{value:.3f} [{low:.3f}, {high:.3f}]** |"
        in README
    )
    said = " ".join(README[README.index("By table, in the folds:") :].split())
    for name, table in (("MMLU", "routellm_mmlu"), ("MMLU-Pro", "mmlu_pro"),
                        ("CRUXEval-O", "zeroeval_crux"), ("MATH", "zeroeval_math_l5"),
                        ("LLMRouter", "llmrouter_uiuc")):  # fmt: skip
        assert f"{name} {apgr[table][0]:.3f}" in said
    both = [apgr[name][0] for name in ("routellm_gsm8k", "zeroeval_gsm")]
    assert f"GSM8K {both[0]:.3f} and {both[1]:.3f}" in said


def test_the_report_is_of_the_classifier_that_ships() -> None:
    facts = read_model().about.facts
    report = (ROOT / "benchmarks/classifier.md").read_text("utf-8")
    apgr = facts["figures"]["five folds of train and dev"]["apgr"]
    value, low, high = apgr["mean"]
    assert facts["date"] in report
    assert f"| mean             | {value:.3f} [{low:.3f}, {high:.3f}] |" in report
