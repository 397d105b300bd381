"""What each row of the outcome tables teaches, and which specialist it teaches."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from costroute_nb.training.kinds import DOMAINS, SPECIALISTS, TARGETS, rows_of
from costroute_nb.training.outcomes import SOURCES, read_outcomes
from tests.support.outcome_tables import outcome_table, write_table, write_tables

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return read_outcomes(write_tables(tmp_path_factory.mktemp("tables"), rows=20))


@pytest.fixture(scope="module")
def rows(frames: Frames) -> pd.DataFrame:
    return rows_of(frames)


@pytest.mark.parametrize("name", SOURCES)
def test_each_table_teaches_one_specialist(name: str) -> None:
    assert sum(name in specialist.tables for specialist in SPECIALISTS) == 1


def test_every_row_is_kept_in_order(frames: Frames, rows: pd.DataFrame) -> None:
    prompts = [prompt for frame in frames.values() for prompt in frame["prompt"]]
    assert rows["prompt"].tolist() == prompts


def test_small_fails_where_the_weak_model_did(
    frames: Frames, rows: pd.DataFrame
) -> None:
    weak = np.concatenate([frame["weak"] for frame in frames.values()])
    assert (rows["small_fails"] == 1 - weak).all()


def test_medium_fails_where_the_model_that_stands_for_it_did(
    frames: Frames, rows: pd.DataFrame
) -> None:
    scores = [f[f"score:{SOURCES[name].medium}"] for name, f in frames.items()]
    assert (rows["medium_fails"] == 1 - np.concatenate(scores)).all()


def test_no_target_is_missing(rows: pd.DataFrame) -> None:
    assert np.isfinite(rows[list(TARGETS)].to_numpy(float)).all()


def test_a_pair_of_models_teaches_how_much_better_the_strong_did(
    frames: Frames, rows: pd.DataFrame
) -> None:
    frame = frames["mmlu_pro"]
    gain = rows.loc[rows["table"] == "mmlu_pro", "gain"]
    assert gain.tolist() == (frame["strong"] - frame["weak"]).tolist()


def test_where_many_models_were_asked_all_of_them_count(tmp_path: Path) -> None:
    table = outcome_table("zeroeval_crux", 20, 0, 0)
    pair = rows_of(read_outcomes(write_table(tmp_path, table).parent))["gain"]
    asked = table.assign(**{"score:another": table["score:claude-3-opus"]})
    same = rows_of(read_outcomes(write_table(tmp_path, asked).parent))["gain"]
    asked = table.assign(**{"score:another": 1.0})
    more = rows_of(read_outcomes(write_table(tmp_path, asked).parent))["gain"]
    assert not np.allclose(pair, more)
    assert np.all(more >= same)


def test_the_same_prompts_are_of_one_kind_whoever_was_asked(
    rows: pd.DataFrame,
) -> None:
    kinds = rows.groupby("table")["kind"].unique()
    assert kinds["zeroeval_gsm"].tolist() == kinds["routellm_gsm8k"].tolist()


def test_categories_of_the_mixed_table_are_kinds_of_their_own(
    rows: pd.DataFrame,
) -> None:
    kinds = rows.loc[rows["table"] == "llmrouter_uiuc", "kind"]
    assert set(kinds) == {"kind 0", "kind 1", "kind 2"}


def test_every_other_kind_has_a_domain(rows: pd.DataFrame) -> None:
    of_tables = rows.loc[rows["table"] != "llmrouter_uiuc", "kind"]
    assert set(of_tables) <= set(DOMAINS)


def test_a_table_without_the_medium_models_scores_is_refused(tmp_path: Path) -> None:
    table = outcome_table("zeroeval_gsm", 10, 0, 0)
    write_table(tmp_path, table.drop(columns="score:claude-3-sonnet"))
    with pytest.raises(ValueError, match="has no column score:claude-3-sonnet"):
        read_outcomes(tmp_path)
