"""Round prices for the three models, and records that were charged by them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from costroute_nb.core.catalog import Catalog
from costroute_nb.core.costing import Costing
from costroute_nb.core.messages import Usage
from costroute_nb.core.prices import Price, Rates
from costroute_nb.core.record import Record
from tests.support.models import LARGE, MEDIUM, SMALL
from tests.support.records import ended, hold

CATALOG = Catalog((SMALL, MEDIUM, LARGE))
DEARER_FROM = date(2027, 1, 1)
STEP = 100_000
_BASE = {SMALL.id: 10, MEDIUM.id: 100, LARGE.id: 1_000}


def price_of(model: str, provider: str, at: datetime) -> Price | None:
    """Return a model's price: twice as much from `DEARER_FROM` on."""
    if model not in _BASE:
        return None
    times = 2 if at.astimezone(UTC).date() >= DEARER_FROM else 1
    return Price(model, _rates(_BASE[model] * times), ((STEP, _rates(10**4 * times)),))


def costing() -> Costing:
    """Return what costs things by these prices."""
    return Costing(CATALOG, price_of)


def billed(call_id: str = "call", usage: Usage | None = None, **changes: Any) -> Record:
    """Return a finished record that cost what its tokens cost."""
    usage = usage or Usage(1_000, output_tokens=100)
    record = ended(hold(call_id), usage=usage, **changes)
    cost = costing().cost(record)
    return ended(record, cost, record.status)


def _rates(per_token: int) -> Rates:
    # In, out, read, written for 5 minutes and for an hour.
    return Rates(
        per_token, 5 * per_token, per_token // 10, per_token * 5 // 4, 2 * per_token
    )
