"""Training, run as its users do, on small tables that were made up."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from costroute_nb.artifact import read_from
from costroute_nb.core.features import VERSION
from costroute_nb.core.learned import LearnedModel
from costroute_nb.core.offsets import PRIOR
from costroute_nb.training.__main__ import main
from costroute_nb.training.figures import MEAN
from costroute_nb.training.outcomes import SOURCES, read_outcomes
from tests.support.outcome_tables import (
    is_hard,
    outcome_table,
    write_table,
    write_tables,
)

DAY = "2026-02-03"
ON_DEV, IN_FOLDS = "trained on train, measured on dev", "five folds of train and dev"


@dataclass(frozen=True)
class Run:
    """What one run of training wrote."""

    artifact: bytes
    report: str
    model: LearnedModel

    @property
    def facts(self) -> Any:
        return self.model.about.facts


def options(data: Path, at: Path) -> list[str]:
    out, report = at / "model.npz", at / "report.md"
    return ["--data", str(data), "--out", str(out), "--report", str(report)]


def written(at: Path) -> Run:
    out = at / "model.npz"
    return Run(out.read_bytes(), (at / "report.md").read_text("utf-8"), read_from(out))


def train(data: Path, at: Path) -> Run:
    main([*options(data, at), "--date", DAY])
    return written(at)


def shuffled(data: Path, to: Path) -> Path:
    """Return a copy of all tables with their rows in another order."""
    for file in data.glob("*.parquet"):
        table = pd.read_parquet(file).sample(frac=1, random_state=5)
        write_table(to, table.reset_index(drop=True))
    return to


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return tables of which one was also asked of a later model."""
    place = write_tables(tmp_path_factory.mktemp("outcomes"), rows=60)
    table = outcome_table("zeroeval_crux", 60, 2000, 0)
    write_table(place, table.assign(**{"score:o1-mini": [1.0] * 54 + [0.0] * 6}))
    return place


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(data, tmp_path_factory.mktemp("trained"))


def test_the_same_rows_in_any_order_and_process_give_the_same_bytes(
    data: Path, trained: Run, tmp_path: Path
) -> None:
    again = shuffled(data, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "costroute_nb.training", "--date", DAY,
         *options(again, tmp_path)],
        env={**os.environ, "PYTHONHASHSEED": "1234"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert written(tmp_path).artifact == trained.artifact
    assert written(tmp_path).report == trained.report
    assert done.stdout == ""
    assert "training on train and dev ..." in done.stderr


def test_what_can_be_learned_is_found_in_held_out_rows(trained: Run) -> None:
    # To know the rule comes to about 0.67: every tenth row goes against it.
    figures = trained.facts["figures"][IN_FOLDS]
    value, low, high = figures["apgr"][MEAN]
    assert 0.57 < low <= value <= high
    assert value > 0.6
    assert np.mean(list(figures["apgr of each fold by itself"].values())) > 0.6


def test_figures_of_dev_are_of_dev_alone(trained: Run) -> None:
    figures = trained.facts["figures"][ON_DEV]
    assert set(figures["apgr"]) == {*SOURCES, MEAN}
    # So few prompts make nothing known.
    assert figures["unknown"] == dict.fromkeys([*SOURCES, "all"], 1.0)
    for tier in ("small fails", "medium fails"):
        assert 0 <= figures[tier]["expected calibration error"] < 0.4
        assert 0 < figures[tier]["Brier score"] < 0.3


def test_what_is_learned_orders_new_prompts(trained: Run) -> None:
    new = outcome_table("mmlu_pro", 80, 0, seed=9)["prompt"]
    difficulty = np.array([trained.model.estimate(each).difficulty for each in new])
    hard = new.map(is_hard).to_numpy(bool)
    assert (difficulty[hard][:, None] > difficulty[~hard]).mean() > 0.95


@pytest.fixture(scope="module")
def of_random(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measure tables whose outcomes belong to other prompts; return where it was."""
    place = tmp_path_factory.mktemp("random")
    for number, name in enumerate(("routellm_mmlu", "mmlu_pro", "llmrouter_uiuc")):
        table = outcome_table(name, 240, number * 1000, 0)
        scores = table.columns[table.columns.str.startswith("score:")]
        table[scores] = table[scores].sample(frac=1, random_state=number).to_numpy()
        write_table(place, table)
    file = place / "report.md"
    main(["--data", str(place), "--report", str(file), "--held-out"])
    return place


def test_nothing_is_found_where_outcomes_are_random(of_random: Path) -> None:
    text = (of_random / "report.md").read_text("utf-8")
    found = re.findall(r"^\| mean +\| (\S+) \[(\S+), (\S+)\]", text, re.MULTILINE)
    for value, low, high in ([float(x) for x in each] for each in found):
        assert low < 0.5 < high
        assert abs(value - 0.5) < 0.12
    assert len(found) == 2


def test_measuring_alone_writes_no_artifact(of_random: Path) -> None:
    text = (of_random / "report.md").read_text("utf-8")
    assert list(of_random.glob("*.npz")) == []
    assert "Nothing was trained to ship" in text
    assert "What ships" not in text
    assert "## What it knows" not in text


def test_without_a_date_it_is_the_day_in_utc(of_random: Path) -> None:
    text = (of_random / "report.md").read_text("utf-8")
    today = datetime.now(UTC).date()
    days = [(today - timedelta(days=n)).isoformat() for n in (0, 1)]
    assert any(f"--held-out --report FILE --date {day}" in text for day in days)


def test_the_artifact_says_what_it_is_from(trained: Run) -> None:
    facts = trained.facts
    assert [source["name"] for source in facts["sources"]] == list(SOURCES)
    for said in facts["sources"]:
        source = SOURCES[said["name"]]
        assert said["licence"] == source.licence
        assert said["origin"] == source.origin
        assert (said["weak"], said["strong"]) == (source.weak, source.strong)
        assert said["rows"] == 60
    assert facts["trained_on"] == "train and dev"
    assert facts["date"] == DAY
    assert DAY in facts["command"]


def test_the_report_says_what_ships_and_what_is_held_out(trained: Run) -> None:
    text = " ".join(trained.report.split())
    assert "What ships is trained on **train and dev together** (420 rows)" in text
    assert f"on {DAY}, by features of version {VERSION}" in text
    assert "No figure below is of those very weights" in text
    assert "trained on train alone" in text


def test_the_report_has_each_table_in_each_of_its_parts(trained: Run) -> None:
    lines = trained.report.splitlines()
    for source in SOURCES.values():
        rows = [line for line in lines if line.startswith(f"| {source.name} ")]
        offsets = source.name == "zeroeval_crux"
        # sources, dev, calibration of both tiers, unknown, folds
        assert len(rows) == 6 + offsets, source.name
        assert source.licence in rows[0]


def test_each_reliability_table_has_all_dev_rows(trained: Run, data: Path) -> None:
    dev = sum((f["split"] == "dev").sum() for f in read_outcomes(data).values())
    tables = trained.report.split("| prompts | said ")[1:]
    assert len(tables) == 2
    for each in tables:
        counts = re.findall(r"^\| (\d+) +\| [01]\.\d{3} \|", each, re.MULTILINE)
        assert sum(map(int, counts)) == dev
        assert len(counts) <= 10


def test_no_domain_that_few_prompts_taught_is_known(trained: Run) -> None:
    (about,) = re.findall(r"## What it knows.*?(?=\n## )", trained.report, re.DOTALL)
    rows = re.findall(r"^\| (.+?) +\| (\d+) +\| (\w+) +\|$", about, re.MULTILINE)
    assert dict.fromkeys(trained.model.about.domains).keys() == {r[0] for r in rows}
    assert sum(int(count) for _, count, _ in rows) >= 59 * len(SOURCES)
    assert {known for *_, known in rows} == {"no"}


def test_the_report_tells_where_the_prior_offsets_come_from(trained: Run) -> None:
    text = " ".join(trained.report.split())
    assert f"{PRIOR.small:+.1f} is added to the logit of P(small fails)" in text
    assert f"{PRIOR.medium:+.1f} to that of P(medium fails)" in text


def test_nothing_written_names_a_place_on_the_machine(data: Path, trained: Run) -> None:
    for place in (str(data), str(Path.home()), sys.prefix):
        assert place not in trained.report
        assert place.encode() not in trained.artifact


def test_a_prompt_on_both_sides_is_refused_and_nothing_written(
    data: Path, tmp_path: Path
) -> None:
    tables = shuffled(data, tmp_path)
    table = pd.read_parquet(tables / "mmlu_pro.parquet").sort_values("prompt_id")
    other = {"dev": "train", "train": "dev"}[table["split"].iloc[0]]
    planted = table.iloc[:1].assign(
        prompt_id="planted", cluster=9999, split=other,
        prompt=table["prompt"].str.upper() + "  ",
    )  # fmt: skip
    write_table(tables, pd.concat([table, planted]))
    with pytest.raises(SystemExit, match=r"LeakageError.*planted"):
        main(options(tables, tmp_path))
    assert not (tmp_path / "model.npz").exists()
    assert not (tmp_path / "report.md").exists()


def test_tables_without_one_of_the_splits_are_refused(tmp_path: Path) -> None:
    write_table(tmp_path, outcome_table("mmlu_pro", 40, 0, 0).assign(split="train"))
    with pytest.raises(SystemExit, match="no row is of the split dev"):
        main(options(tmp_path, tmp_path))


def test_a_directory_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"OutcomesError: .* has none of the tables"):
        main(options(tmp_path, tmp_path))


@pytest.mark.parametrize("missing", ["pyarrow", "sklearn"])
def test_without_the_extra_one_line_says_what_to_install(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as stopped:
        main(options(data, tmp_path))
    assert str(stopped.value.code).endswith('pip install "costroute-nb[train]"')
    assert "\n" not in str(stopped.value.code)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--held-out", "--out", "x.npz"], "either --out or --held-out"),
        ([], "either --out or --held-out"),
        (["--out", "nowhere/x.npz"], "nowhere is no directory"),
        (["--out", "x.npz", "--date", "soon"], "soon is no date"),
    ],
)
def test_arguments_that_cannot_be_are_refused_at_once(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--data", ".", "--report", "report.md", *arguments])
    assert why in capsys.readouterr().err
