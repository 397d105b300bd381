"""Prompts are held out with all that nearly repeats them, and scored fold by fold."""

from math import log, nan

import numpy as np
import pandas as pd
import pytest

from costroute_nb.training.evaluation import mean_of, shifts
from costroute_nb.training.held_out import apgr_fold_by_fold, by_families, by_folds
from costroute_nb.training.outcomes import FOLDS, read_outcomes
from tests.support.outcome_tables import outcome_table, write_table, write_tables

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """Return tables of which one was also asked of a later model."""
    place = write_tables(tmp_path_factory.mktemp("tables"), rows=60)
    table = outcome_table("zeroeval_crux", 60, 2000, 0)
    write_table(place, table.assign(**{"score:o1-mini": [1.0] * 54 + [0.0] * 6}))
    return read_outcomes(place)


def test_folds_hold_out_every_row_once_with_its_cluster(frames: Frames) -> None:
    parts = list(by_folds(frames))
    assert len(parts) == FOLDS
    for name, frame in frames.items():
        assert np.all(sum(part.out[name].astype(int) for part in parts) == 1)
        for part in parts:
            held = set(frame["cluster"][part.out[name]])
            assert held.isdisjoint(part.train[name]["cluster"])


def test_a_family_is_held_out_with_all_its_tables(frames: Frames) -> None:
    gsm = {"routellm_gsm8k", "zeroeval_gsm"}
    (part,) = (p for p in by_families(frames) if p.name == "GSM8K")
    assert gsm.isdisjoint(part.train)
    assert {name for name, rows in part.out.items() if rows.any()} == gsm


def test_a_perfect_order_is_as_good_in_each_fold_by_itself(frames: Frames) -> None:
    best = {n: (f["strong"] - f["weak"]).to_numpy(float) for n, f in frames.items()}
    worst = {name: -scores for name, scores in best.items()}
    high, low = apgr_fold_by_fold(frames, best), apgr_fold_by_fold(frames, worst)
    assert all(0.5 < high[name] <= 1.1 for name in frames)
    assert all(low[name] < 0.5 for name in frames)


def test_a_shift_is_the_difference_of_the_logits_of_failing(frames: Frames) -> None:
    (found,) = shifts(frames)

    def logit(failed: float) -> float:
        return log((failed + 0.5) / (60 - failed + 0.5))

    weak, strong = (60 - frames["zeroeval_crux"][x].sum() for x in ("weak", "strong"))
    assert found.table == "zeroeval_crux"
    assert found.small == pytest.approx(logit(6) - logit(weak))
    assert found.medium == pytest.approx(logit(6) - logit(strong))


def test_a_fold_whose_strong_model_is_no_better_is_left_out(frames: Frames) -> None:
    frame = frames["mmlu_pro"]
    alike = {"mmlu_pro": frame.assign(strong=frame["weak"])}
    found = apgr_fold_by_fold(alike, {"mmlu_pro": np.arange(60.0)})
    assert np.isnan(found["mmlu_pro"])


def test_the_mean_is_of_the_tables_that_have_a_value() -> None:
    assert mean_of({"one": 0.5, "other": nan, "third": 0.75}) == 0.625
