from dataclasses import replace

from costroute_nb.core.messages import Usage
from tests.support.models import LARGE
from tests.support.tariff import billed, costing


def test_a_baseline_without_a_price_is_unknown_and_not_free() -> None:
    unpriced = replace(LARGE, id="claude-nova-9")
    assert costing().baseline(billed(), unpriced) is None
    assert costing().baseline(billed(), LARGE) is not None


def test_what_a_prompt_cache_saved_at_unknown_prices_is_unknown() -> None:
    read = replace(billed(), usage=Usage(input_tokens=10, cache_read_tokens=90))
    assert costing().prompt_cache_saved(replace(read, model="claude-nova-9")) is None
    assert costing().prompt_cache_saved(read) is not None
