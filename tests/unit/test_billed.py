"""Attempts as plain values cost to the pico what records of them cost."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.billed import Billed, BilledCosting
from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Usage
from costroute_nb.core.record import Record
from tests.support.attempt_rows import rows_of
from tests.support.models import LARGE, MEDIUM, SMALL
from tests.support.records import NOON, ended, hold
from tests.support.tariff import CATALOG, STEP, price_of

OLD = replace(LARGE, id="claude-opus-4-6", tokenizer="claude-2024", routed=False)
COSTING = Costing(Catalog((*CATALOG.models, OLD)), price_of)
COUNTS = st.sampled_from([0, 1, 7, STEP - 1, STEP, STEP + 1])
RECORDS = st.builds(
    lambda model, days, usage, cost, number: ended(
        hold(model=model, at=NOON + timedelta(days=days), usage=usage, attempt=number),
        cost,
    ),
    st.sampled_from([SMALL.id, f"{MEDIUM.id}-20261001", LARGE.id, OLD.id, "nobody's"]),
    st.integers(-60, 60),
    st.builds(
        Usage,
        *[COUNTS] * 6,
        st.sampled_from([0, 0, 2]),
        st.sampled_from(["standard", "standard", "batch", "priority"]),
        st.sampled_from(["standard", "standard", "fast"]),
        st.sampled_from(["global", "", "not_available", "us", "eu"]),
    ),
    st.none() | st.integers(0, 10**13),
    st.integers(1, 3),
)
MODELS = st.sampled_from([None, SMALL, LARGE, OLD])


def billed(records: list[Record]) -> list[Billed]:
    return [Billed._make(row) for row in rows_of(records, Billed._fields)]


def test_fields_are_those_of_a_record_and_all_of_its_usage() -> None:
    usage = [field.name for field in fields(Usage)]
    assert list(Billed._fields[-len(usage) :]) == usage
    assert set(Billed._fields) - set(usage) <= {field.name for field in fields(Record)}


@given(st.lists(st.tuples(RECORDS, MODELS), max_size=8))
def test_costs_are_those_of_records(pairs: list[tuple[Record, Model | None]]) -> None:
    costing = BilledCosting(COSTING)
    rows = billed([record for record, _ in pairs])
    for row, (record, model) in zip(rows, pairs, strict=True):
        own = COSTING.price(record.model, record.provider, record.at)
        assert costing.price(row) == own
        if model is None:
            assert costing.cost(row) == COSTING.cost(record)
        else:
            assert costing.cost(row, model) == COSTING.cost_on(record, model)


@given(RECORDS)
def test_values_come_back_as_they_were(record: Record) -> None:
    (row,) = billed([record])
    back = row.record("why")
    assert (back.usage, back.cost, back.at) == (record.usage, record.cost, record.at)
    assert (back.attempt, back.model, back.reason) == (
        record.attempt,
        record.model,
        "why",
    )
    assert row.prompt_tokens == record.usage.prompt_tokens
    used = record.usage.prompt_tokens or record.usage.output_tokens
    assert row.asked == (record.cost is not None and used > 0)


@given(st.lists(RECORDS, max_size=8))
def test_rows_may_be_of_later_attempts_and_of_spending_alone(
    records: list[Record],
) -> None:
    later = list(rows_of(records, ["attempt", "cost"], later=True))
    spent = list(rows_of(records, ["attempt", "cost"], spent=True))
    both = [(record.attempt, record.cost) for record in records]
    assert later == [one for one in both if one[0] > 1]
    assert spent == [one for one in both if one[1]]
