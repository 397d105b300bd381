from dataclasses import replace

from tests.support.models import LARGE
from tests.support.tariff import billed, costing


def test_a_baseline_without_a_price_is_unknown_and_not_free() -> None:
    unpriced = replace(LARGE, id="claude-nova-9")
    assert costing().baseline(billed(), unpriced) is None
    assert costing().baseline(billed(), LARGE) is not None
