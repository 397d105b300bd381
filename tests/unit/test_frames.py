"""The frame of a ledger: its columns, their types, and what is missing."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from costroute_nb.core.messages import Usage
from costroute_nb.core.record import COLUMNS
from costroute_nb.frames import records_frame
from tests.support.records import NOON, ended, hold


def test_frame_has_the_ledgers_columns_in_their_order() -> None:
    frame = records_frame([ended(hold())])
    assert tuple(frame.columns) == COLUMNS


def test_empty_frame_has_the_same_columns_and_types() -> None:
    empty, full = records_frame([]), records_frame([ended(hold())])
    assert len(empty) == 0
    assert empty.dtypes.equals(full.dtypes)


def test_columns_have_the_types_that_sums_and_groups_need() -> None:
    types = {name: str(kind) for name, kind in records_frame([]).dtypes.items()}
    text = "call_id session_id notebook cell workflow step provider model tier task"
    expected = dict.fromkeys([*text.split(), "reason", "status", "price_as_of"], "str")
    counts = "attempt input_tokens output_tokens cache_read_tokens"
    expected |= dict.fromkeys(
        [*counts.split(), "cache_write_tokens", "thinking_tokens"], "int64"
    )
    money = "cost_usd charged_usd baseline_usd saved_usd latency_s"
    expected |= dict.fromkeys(money.split(), "float64")
    expected |= dict.fromkeys(["cache_hit", "estimated", "simulated"], "bool")
    expected["at"] = "datetime64[us, UTC]"
    assert types == expected


def test_record_becomes_the_row_that_users_read() -> None:
    record = ended(
        hold(
            at=NOON + timedelta(microseconds=1),
            notebook="analysis.ipynb",
            usage=Usage(100, 20, 3, 4, 50, 10),
        ),
        75_000_000,
        baseline=3_000_000_000,
        latency_s=0.5,
        simulated=True,
    )
    row = records_frame([record]).iloc[0].to_dict()
    assert row["at"] == pd.Timestamp("2026-11-22 12:00:00.000001", tz="UTC")
    assert row["notebook"] == "analysis.ipynb"
    tokens = [row[name] for name in COLUMNS if name.endswith("_tokens")]
    assert tokens == [100, 50, 20, 7, 10]
    assert row["cost_usd"] == 0.000075
    assert row["charged_usd"] == 0.000075
    assert row["baseline_usd"] == 0.003
    assert row["saved_usd"] == 0.002925
    assert (row["simulated"], row["cache_hit"], row["estimated"]) == (
        True,
        False,
        False,
    )


def test_unknown_money_is_missing_and_never_zero() -> None:
    frame = records_frame([ended(hold(), None, baseline=None), ended(hold(), 0)])
    for name in ("cost_usd", "charged_usd", "saved_usd"):
        assert frame[name].isna().tolist() == [True, False]
    assert frame["baseline_usd"].isna().tolist() == [True, False]


def test_text_that_was_not_given_is_missing_and_not_the_word_none() -> None:
    frame = records_frame([ended(hold(workflow="triage")), ended(hold())])
    assert frame["workflow"].isna().tolist() == [False, True]
    assert frame["cell"].isna().all()
