"""Outcome tables are read as they say, and no prompt stands on two sides of a split."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.training.duplicates import jaccard, near_duplicates, shingles
from costroute_nb.training.outcomes import (
    FAMILIES,
    SOURCES,
    LeakageError,
    OutcomesError,
    check_leakage,
    folds,
    of_split,
    pooled,
    read_outcomes,
    without_family,
)
from tests.support.outcome_tables import outcome_table, write_table, write_tables

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return read_outcomes(
        write_tables(tmp_path_factory.mktemp("tables") / "routing").parent
    )


def rows(*prompts: str, clusters: list[int] | None = None) -> pd.DataFrame:
    numbers = range(len(prompts))
    return pd.DataFrame(
        {
            "prompt_id": [f"p{number}" for number in numbers],
            "prompt": prompts,
            "cluster": clusters or list(numbers),
        }
    )


def test_every_known_table_is_read(frames: Frames) -> None:
    assert list(frames) == list(SOURCES)
    assert {len(frame) for frame in frames.values()} == {40}


def test_weak_and_strong_are_the_scores_of_the_sources_models(frames: Frames) -> None:
    frame = frames["zeroeval_crux"]
    assert frame["weak"].tolist() == frame["score:claude-3-haiku"].tolist()
    assert frame["strong"].tolist() == frame["score:claude-3-opus"].tolist()


def test_a_row_without_both_scores_is_left_out(tmp_path: Path) -> None:
    table = outcome_table("zeroeval_gsm", 10, 0, 0)
    table.loc[3, "score:claude-3-opus"] = np.nan
    write_table(tmp_path, table)
    found = read_outcomes(tmp_path)["zeroeval_gsm"]["prompt_id"].tolist()
    assert found == table["prompt_id"].drop(3).tolist()


def test_the_order_of_a_files_rows_says_nothing(tmp_path: Path) -> None:
    table = outcome_table("zeroeval_gsm", 10, 0, 0)
    write_table(tmp_path, table.iloc[::-1])
    found = read_outcomes(tmp_path)["zeroeval_gsm"]
    assert found["prompt"].tolist() == table["prompt"].tolist()


def test_a_table_without_its_strong_model_is_refused(tmp_path: Path) -> None:
    table = outcome_table("zeroeval_gsm", 10, 0, 0).drop(columns="score:claude-3-opus")
    write_table(tmp_path, table)
    with pytest.raises(
        OutcomesError, match=r"zeroeval_gsm has no column score:claude-3"
    ):
        read_outcomes(tmp_path)


def test_a_file_that_is_no_table_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "zeroeval_gsm.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(OutcomesError, match=r"zeroeval_gsm\.parquet cannot be read: "):
        read_outcomes(tmp_path)


def test_a_directory_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutcomesError, match="none of the tables routellm_mmlu"):
        read_outcomes(tmp_path)


def test_splits_share_out_the_rows(frames: Frames) -> None:
    train, dev = of_split(frames, "train"), of_split(frames, "dev")
    assert len(pooled(train)) + len(pooled(dev)) == len(pooled(frames))
    assert set(pooled(dev)["split"]) == {"dev"}


def test_a_cluster_has_one_fold_in_all_tables(frames: Frames) -> None:
    shared = {name: frame.copy() for name, frame in frames.items()}
    shared["mmlu_pro"]["cluster"] = shared["routellm_mmlu"]["cluster"]
    found = folds(shared)
    assert (found["mmlu_pro"] == found["routellm_mmlu"]).all()
    every = pooled(shared).assign(fold=np.concatenate(list(found.values())))
    assert every.groupby("cluster")["fold"].nunique().max() == 1


def test_every_fold_has_about_as_many_rows_of_each_table(frames: Frames) -> None:
    for fold in folds(frames).values():
        counts = np.bincount(fold, minlength=5)
        assert counts.max() - counts.min() <= 2


def test_folds_depend_on_the_clusters_and_on_nothing_else(frames: Frames) -> None:
    backwards = {name: frame.iloc[::-1] for name, frame in reversed(frames.items())}
    there, back = folds(frames), folds(backwards)
    assert all((there[name] == back[name][::-1]).all() for name in frames)


def test_the_two_gsm8k_tables_are_one_family() -> None:
    assert FAMILIES == ("MMLU", "GSM8K", "CRUX", "MATH", "LLMRouter")
    names = {name for name, source in SOURCES.items() if source.family == "GSM8K"}
    assert names == {"routellm_gsm8k", "zeroeval_gsm"}


def test_a_family_is_left_out_with_its_clusters(frames: Frames) -> None:
    shared = {name: frame.copy() for name, frame in frames.items()}
    cluster = int(shared["zeroeval_crux"]["cluster"].iloc[0])
    shared["llmrouter_uiuc"].loc[7, "cluster"] = cluster
    left = without_family(shared, "CRUX")
    assert "zeroeval_crux" not in left
    assert len(left["llmrouter_uiuc"]) == 39
    assert len(left["mmlu_pro"]) == 40


def test_a_family_that_no_table_has_is_refused(frames: Frames) -> None:
    with pytest.raises(OutcomesError, match="CRUX"):
        without_family({"mmlu_pro": frames["mmlu_pro"]}, "CRUX")


def test_splits_and_folds_of_whole_clusters_leak_nothing(frames: Frames) -> None:
    every = pooled(frames)
    check_leakage(every, every["split"])
    check_leakage(every, np.concatenate(list(folds(frames).values())))


def test_a_torn_cluster_is_a_leak() -> None:
    table = rows("one thing", "quite another", clusters=[4, 4])
    with pytest.raises(LeakageError, match=r"1 clusters stand on both sides .* p0, p1"):
        check_leakage(table, ["train", "dev"])


def test_a_prompt_in_other_case_and_blanks_is_a_leak() -> None:
    table = rows("What is  two and two?", "what is two\nand TWO?")
    with pytest.raises(LeakageError, match="1 equal prompts"):
        check_leakage(table, [0, 1])


WORDS = " ".join(f"word{number}" for number in range(60))


def test_a_near_duplicate_with_a_cluster_of_its_own_is_a_leak() -> None:
    table = rows(WORDS, f"{WORDS} indeed")
    with pytest.raises(LeakageError, match=r"1 pairs of near-duplicates .* p0, p1"):
        check_leakage(table, ["train", "dev"])
    check_leakage(table, ["train", "train"])


def test_pairs_that_are_known_are_not_sought_again() -> None:
    table = rows("one thing", "quite another")
    check_leakage(table, [0, 1], [])
    with pytest.raises(LeakageError):
        check_leakage(table, [0, 1], [(0, 1)])


def test_prompts_that_share_a_template_only_are_no_duplicates() -> None:
    one, other = (
        f"Answer the question below. {word * 9}" for word in ("apple ", "pear ")
    )
    assert near_duplicates([one, other]) == []


def test_signs_tell_formulas_apart() -> None:
    assert near_duplicates(["x + 1", "x - 1"]) == []


@given(
    st.lists(st.text("ab ", min_size=1, max_size=40), max_size=8),
    st.sampled_from([0.5, 0.7, 0.9, 1.0]),
)
def test_every_pair_that_is_alike_is_found(texts: list[str], least: float) -> None:
    sets = [shingles(text) for text in texts]
    every = [
        (a, b)
        for b in range(len(texts))
        for a in range(b)
        if jaccard(sets[a], sets[b]) >= least
    ]
    assert near_duplicates(texts, least) == sorted(every)
