"""What recorded tokens cost, or would have cost on another model or day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.messages import Usage
from costroute_nb.core.prices import Price, cost
from costroute_nb.core.record import Record
from costroute_nb.core.tokens import RATIOS

PriceOf = Callable[[str, str, datetime], Price | None]
"""The price of a model at a provider at a moment, or None where none is known."""


class Costing:
    """Prices usage by the ids of responses, which may be dated or simulated.

    Parameters
    ----------
    catalog
        The models that are known.
    price
        What they charge.
    """

    def __init__(self, catalog: Catalog, price: PriceOf) -> None:
        self._catalog = catalog
        self._price = price

    def model(self, model_id: str) -> Model | None:
        """Return the known model of an id, also of a dated one."""
        return self._catalog.known(model_id)

    def price(self, model_id: str, provider: str, at: datetime) -> Price | None:
        """Return the price of the id in a response, or None where none is known."""
        known = self.model(model_id)
        if known is not None:
            model_id, provider = known.id, known.provider
        return self._price(model_id, provider, at)

    def usage_on(self, record: Record, model: Model) -> Usage:
        """Return the usage of a record's text under a model's tokenizer.

        Tokens are corrected by the ratio of the two tokenizers on prose, an estimate;
        within one family, and for a model that no table knows, they stay as they are.
        """
        wrote = self.model(record.model)
        if wrote is None or wrote.tokenizer == model.tokenizer:
            return record.usage
        factor = RATIOS[wrote.tokenizer][0] / RATIOS[model.tokenizer][0]
        usage = record.usage
        return replace(
            usage,
            input_tokens=round(usage.input_tokens * factor),
            cache_read_tokens=round(usage.cache_read_tokens * factor),
            cache_write_5m_tokens=round(usage.cache_write_5m_tokens * factor),
            cache_write_1h_tokens=round(usage.cache_write_1h_tokens * factor),
            output_tokens=round(usage.output_tokens * factor),
            thinking_tokens=round(usage.thinking_tokens * factor),
        )

    def cost(self, record: Record) -> int | None:
        """Return what a record's usage costs on its own model, in pico-USD."""
        price = self.price(record.model, record.provider, record.at)
        return None if price is None else cost(record.usage, price)

    def cost_on(self, record: Record, model: Model) -> int | None:
        """Return what a record's text would have cost on a model, in pico-USD.

        Batches, regions and web searches stay as they were. None where no price is
        known for that.
        """
        price = self.price(model.id, record.provider, record.at)
        return None if price is None else cost(self.usage_on(record, model), price)

    def baseline(self, record: Record, model: Model) -> int | None:
        """Return what a record's text would have cost at a model's standard rates.

        In pico-USD; None where no price is known.
        """
        price = self.price(model.id, record.provider, record.at)
        if price is None:
            return None
        standard = Usage()
        usage = replace(
            self.usage_on(record, model),
            web_searches=0,
            service_tier=standard.service_tier,
            speed=standard.speed,
            geo=standard.geo,
        )
        return cost(usage, price)

    def prompt_cache_saved(self, record: Record) -> int | None:
        """Return what the provider's prompt cache saved on a record, in pico-USD.

        It is measured against plain input on the same model, and negative where more
        was paid for writing than reading saved. None where no price is known.
        """
        usage = record.usage
        if usage.prompt_tokens == usage.input_tokens:
            return 0
        price = self.price(record.model, record.provider, record.at)
        if price is None:
            return None
        plain = replace(
            usage,
            input_tokens=usage.prompt_tokens,
            cache_read_tokens=0,
            cache_write_5m_tokens=0,
            cache_write_1h_tokens=0,
        )
        without, paid = cost(plain, price), cost(usage, price)
        return None if without is None or paid is None else without - paid
