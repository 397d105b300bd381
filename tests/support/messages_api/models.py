"""Which models the local Messages API knows, what they accept and what they cost.

The prices are written by hand from the published list, apart from anything the
package under test reads, so that a bill can be compared with a ledger.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

PICO_PER_USD = 10**12
_TOKENS_PER_PRICE = 10**6
_DATE_SUFFIX = re.compile(r"-\d{8}$")


@dataclass(frozen=True)
class Usage:
    """Tokens of one request in five disjoint counts; `thinking` is within `output`."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    thinking: int = 0

    @property
    def prompt(self) -> int:
        """The whole prompt, cached or not, in tokens."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    def cut_at(self, output: int) -> "Usage":
        """Return the same usage with generation stopped after `output` tokens."""
        return replace(self, output=output, thinking=min(self.thinking, output))

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
            self.output + other.output,
            self.thinking + other.thinking,
        )


@dataclass(frozen=True)
class Rates:
    """USD per million tokens, as decimal text."""

    input: str
    output: str
    cache_read: str
    cache_write_5m: str
    cache_write_1h: str

    def pico(self, usage: Usage) -> int:
        """Charge `usage`: exact pico-USD (1e-12 USD)."""
        usd_times_mtok = (
            Decimal(self.input) * usage.input
            + Decimal(self.output) * usage.output
            + Decimal(self.cache_read) * usage.cache_read
            + Decimal(self.cache_write_5m) * usage.cache_write_5m
            + Decimal(self.cache_write_1h) * usage.cache_write_1h
        )
        return int(usd_times_mtok * (PICO_PER_USD // _TOKENS_PER_PRICE))


@dataclass(frozen=True)
class Model:
    """One model: its limits in tokens, the settings it accepts, its rates."""

    name: str
    line: str
    released: str
    window: int
    max_output: int
    rates: Rates
    long_rates: Rates | None = None
    long_above: int = 0
    thinking: frozenset[str] = frozenset()
    efforts: frozenset[str] = frozenset()
    thinks_by_default: bool = False
    accepts_prefill: bool = False
    accepts_forced_tool: bool = True

    def pico(self, usage: Usage) -> int:
        """Charge `usage`: a long prompt moves the whole request to the long rates."""
        long = self.long_rates if usage.prompt > self.long_above else None
        return (long or self.rates).pico(usage)

    def thinks(self, thinking: object) -> bool:
        """Whether it thinks when a request's `thinking` field is this."""
        if not isinstance(thinking, dict):
            return self.thinks_by_default
        return thinking.get("type") in {"adaptive", "enabled"}


_ALL_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})

MODELS: dict[str, Model] = {
    "claude-haiku-5-5": Model(
        name="Claude Haiku 5.5",
        line="haiku",
        released="2026-10-07",
        window=1_000_000,
        max_output=128_000,
        rates=Rates("0.10", "0.50", "0.01", "0.125", "0.20"),
        long_rates=Rates("0.50", "2.50", "0.05", "0.625", "1.00"),
        long_above=100_000,
        thinking=frozenset({"adaptive", "disabled"}),
        efforts=_ALL_EFFORTS,
        thinks_by_default=True,
    ),
    "claude-sonnet-5-5": Model(
        name="Claude Sonnet 5.5",
        line="sonnet",
        released="2026-09-28",
        window=1_000_000,
        max_output=128_000,
        rates=Rates("2", "10", "0.10", "2.5", "4"),
        thinking=frozenset({"adaptive", "between_tools"}),
        efforts=_ALL_EFFORTS,
        thinks_by_default=True,
        accepts_forced_tool=False,
    ),
    "claude-opus-5-5": Model(
        name="Claude Opus 5.5",
        line="opus",
        released="2026-09-22",
        window=1_000_000,
        max_output=128_000,
        rates=Rates("4", "20", "0.20", "5", "8"),
        thinking=frozenset({"adaptive"}),
        efforts=_ALL_EFFORTS,
        thinks_by_default=True,
        accepts_forced_tool=False,
    ),
    "claude-haiku-4-5": Model(
        name="Claude Haiku 4.5",
        line="haiku",
        released="2025-10-01",
        window=200_000,
        max_output=64_000,
        rates=Rates("1", "5", "0.10", "1.25", "2"),
        thinking=frozenset({"enabled", "disabled"}),
        accepts_prefill=True,
    ),
    "claude-sonnet-4-6": Model(
        name="Claude Sonnet 4.6",
        line="sonnet",
        released="2026-02-17",
        window=1_000_000,
        max_output=64_000,
        rates=Rates("3", "15", "0.30", "3.75", "6"),
        thinking=frozenset({"adaptive", "enabled", "disabled"}),
        efforts=frozenset({"low", "medium", "high", "max"}),
    ),
    "claude-opus-4-7": Model(
        name="Claude Opus 4.7",
        line="opus",
        released="2026-04-16",
        window=1_000_000,
        max_output=128_000,
        rates=Rates("5", "25", "0.50", "6.25", "10"),
        thinking=frozenset({"adaptive", "disabled"}),
        efforts=_ALL_EFFORTS,
    ),
}


def find_model(models: dict[str, Model], model_id: object) -> Model | None:
    """Find a model by its id or by the same id with a date behind it."""
    if not isinstance(model_id, str):
        return None
    return models.get(model_id) or models.get(_DATE_SUFFIX.sub("", model_id))
