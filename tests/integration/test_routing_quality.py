"""The benchmark of routing, run as its users do, on small tables that were made up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.routing_folds import HeldOut, cross_validated, families_left_out
from benchmarks.routing_report import NOT_HELD_OUT
from benchmarks.routing_scorers import keyword_regexes, rules_first
from benchmarks.specialists import Specialists
from costroute_nb.core.learned import Estimate
from costroute_nb.training.figures import MEAN, Bench, calibration, difference
from costroute_nb.training.outcomes import SOURCES, read_outcomes
from tests.support.outcome_tables import (
    is_hard,
    outcome_table,
    write_table,
    write_tables,
)

ROOT = Path(__file__).parents[2]
WAYS = ["random", "length", "keyword regexes", "our rules"]


def run(*arguments: str | Path, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments), "--quick"],
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("outcomes"), rows=60)


@pytest.fixture(scope="module")
def printed(data: Path) -> str:
    file = data / "figures.json"
    module = ("-m", "benchmarks.routing_quality")
    done = run(*module, "--data", data, "--json", file, at=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def figures(data: Path, printed: str) -> dict[str, Any]:
    assert printed
    found: dict[str, Any] = json.loads((data / "figures.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def bench(data: Path) -> Bench:
    return Bench(read_outcomes(data), 50, 0)


def test_every_table_is_named_with_its_models_and_licence(printed: str) -> None:
    for source in SOURCES.values():
        line = next(
            x for x in printed.splitlines() if x.startswith(f"| {source.name} ")
        )
        assert f"{source.weak} > {source.strong}" in line
        assert source.licence in line


def test_every_way_of_scoring_has_its_line_by_table_and_mean(printed: str) -> None:
    lines = printed.split("How long it takes")[0].splitlines()
    for way in WAYS:
        found = [line for line in lines if line.startswith(f"| {way} ")]
        assert len(found) == 1 + len(SOURCES) + 1, way


def test_unseen_requests_are_counted_by_what_hangs_on_them(
    printed: str, figures: dict[str, Any]
) -> None:
    assert set(figures["raised"]) == {"our rules", "learned", "both"}
    rules = figures["raised"]["our rules"]
    assert (rules["high"], rules["low"]) == (320, 694)
    assert rules["high_large"] / 320 > 4 * rules["low_large"] / 694
    row = f"{rules['high_large']} of 320 | {rules['low_large']} of 694"
    assert row in " ".join(printed.split())


def test_what_was_not_measured_has_no_number(figures: dict[str, Any]) -> None:
    part = figures["parts"][0]
    assert set(part["missing"]).isdisjoint(part["figures"])
    assert {"LiteLLM", "LiteLLM v2"} <= {*part["missing"], *part["figures"]}


def test_seen_prompts_are_loudly_not_held_out(
    printed: str, figures: dict[str, Any]
) -> None:
    part = figures["parts"][0]
    assert NOT_HELD_OUT.split(":")[0] in printed
    assert {"learned (seen)", "both (seen)"} <= set(part["figures"])


def test_prompts_of_a_split_of_their_own_are_held_out(tmp_path: Path) -> None:
    write_table(tmp_path, outcome_table("mmlu_pro", 40, 0, 0).assign(split="test"))
    done = run("-m", "benchmarks.routing_quality", "--data", tmp_path, at=ROOT)
    assert done.returncode == 0, done.stderr
    assert "NOT HELD OUT" not in done.stdout


def test_each_figure_lies_in_its_interval(figures: dict[str, Any]) -> None:
    for way in WAYS:
        for name in (*SOURCES, MEAN):
            found = figures["parts"][0]["figures"][way][name]["apgr"]
            assert found["low"] <= found["value"] <= found["high"]


def test_a_file_does_what_a_module_does(data: Path, tmp_path: Path) -> None:
    file = ROOT / "benchmarks" / "routing_quality.py"
    done = run(file, "--data", data, "--split", "dev", at=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| keyword regexes " in done.stdout


def test_folds_are_scored_beside_the_baseline(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "cv.json"
    module = ("-m", "benchmarks.routing_quality", "--data", data, "--cv")
    done = run(*module, "--json", file, at=ROOT)
    assert done.returncode == 0, done.stderr
    part = json.loads(file.read_text("utf-8"))["parts"][1]
    assert part["title"].startswith("Held out: 5 folds")
    assert "domain, then linear specialists" in part["figures"]
    assert {"learned", "both"} <= set(part["figures"])


def test_a_planted_near_duplicate_fails_the_run(tmp_path: Path) -> None:
    write_tables(tmp_path)
    table = outcome_table("zeroeval_crux", 40, 2000, 0)
    other = next(split for split in ("train", "dev") if split != table["split"][0])
    planted = table.iloc[:1].assign(
        prompt_id="planted",
        cluster=9999,
        split=other,
        prompt=table["prompt"].str.upper() + "  ",
    )
    write_table(tmp_path, pd.concat([table, planted]))
    done = run("-m", "benchmarks.routing_quality", "--data", tmp_path, at=ROOT)
    assert done.returncode == 1
    assert "LeakageError: 1 equal prompts stand on both sides" in done.stderr
    assert "planted" in done.stderr
    assert done.stdout == ""


def test_a_directory_without_tables_fails_the_run(tmp_path: Path) -> None:
    done = run("-m", "benchmarks.routing_quality", "--data", tmp_path, at=ROOT)
    assert done.returncode == 1
    assert "OutcomesError" in done.stderr


class ByWord:
    """Says that prompts with a word fail; remembers which clusters it was fit to."""

    def __init__(self, clusters: set[int]) -> None:
        self.clusters = clusters

    def estimate(self, text: str) -> Estimate:
        hard = is_hard(text)
        return Estimate(0.8 if hard else 0.2, 0.1, 0.1, "made up", True, float(hard))


def by_word(fitted: list[ByWord]) -> Any:
    def fit(frames: Any) -> ByWord:
        clusters = {c for frame in frames.values() for c in frame["cluster"].tolist()}
        fitted.append(ByWord(clusters))
        return fitted[-1]

    return fit


@pytest.fixture(scope="module")
def held_out(bench: Bench) -> tuple[HeldOut, list[ByWord]]:
    """Return what folds say, and the models that said it."""
    fitted: list[ByWord] = []
    return cross_validated(bench.frames, by_word(fitted)), fitted


def test_folds_score_every_row_once_by_a_model_without_its_cluster(
    bench: Bench,
) -> None:
    fitted: list[ByWord] = []
    found = cross_validated(bench.frames, by_word(fitted))
    assert not np.isnan(np.concatenate(list(found.learned.values()))).any()
    every = set().union(*(model.clusters for model in fitted))
    assert len(fitted) == 5
    assert sum(len(every - model.clusters) for model in fitted) == len(every)


def test_held_out_figures_show_what_can_be_learned(
    bench: Bench, held_out: tuple[HeldOut, list[ByWord]]
) -> None:
    found, _ = held_out
    learned, baseline = map(bench.ordering, (found.learned, found.specialists))
    assert learned.figures[MEAN]["apgr"].value > 0.6
    gain = difference(learned, baseline)
    assert gain.low <= gain.value <= gain.high
    calibrated = calibration(bench.frames, found.p_fails)
    assert calibrated.error < 0.1
    assert sum(each.count for each in calibrated.bins) == 420


def test_a_family_is_scored_by_a_model_of_the_others(bench: Bench) -> None:
    fitted: list[ByWord] = []
    families_left_out(bench.frames, by_word(fitted))
    gsm = set(bench.frames["zeroeval_gsm"]["cluster"])
    gsm |= set(bench.frames["routellm_gsm8k"]["cluster"])
    assert len(fitted) == 5
    assert sum(gsm.isdisjoint(model.clusters) for model in fitted) == 1


def test_the_baseline_learns_what_makes_prompts_fail(tmp_path: Path) -> None:
    train = read_outcomes(write_tables(tmp_path / "train", rows=100))
    new = read_outcomes(write_tables(tmp_path / "new", rows=100, seed=1))
    baseline = Specialists(train)
    for frame in new.values():
        score = np.array(baseline.score(frame["prompt"].tolist()))
        hard = frame["prompt"].map(is_hard).to_numpy(bool)
        assert score[hard].mean() > score[~hard].mean()


def test_rules_stand_around_the_learned_scores() -> None:
    prompts = ["Translate this to French: good day", "What colour is the quay?",
               "Do a security review of our login"]  # fmt: skip
    assert rules_first(prompts, [0.9, 0.5, 0.1]) == [-0.9, 0.5, 1.9]


def test_keyword_regexes_match_inside_words() -> None:
    prompts = [
        "An insecurity.",
        "Reformatted it",
        "What is the psychoanalyst's fee?",
        "Hi",
    ]
    assert keyword_regexes(prompts) == [2.0, 0.0, 2.0, 1.0]
