"""Build the parts of a session from its settings: the one place that knows each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from costroute_nb.attempt import Booking
from costroute_nb.budget import Budget
from costroute_nb.cache.disk import DiskCache
from costroute_nb.cache.flight import SingleFlight
from costroute_nb.core.classification import RuleClassifier
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.retry import RetryPolicy
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.lookup import Lookup
from costroute_nb.planner import Planner
from costroute_nb.pricing import PriceBook
from costroute_nb.providers.anthropic import AnthropicProvider
from costroute_nb.providers.simulated import SimulatedProvider
from costroute_nb.router import Router
from costroute_nb.sources import config_dir
from costroute_nb.tables import load_tables

if TYPE_CHECKING:
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.ports import Clock, LedgerStore, Prices, ResponseCache
    from costroute_nb.settings import Settings
    from costroute_nb.tables import Tables


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of."""

    catalog: Catalog
    prices: Prices
    ledger: LedgerStore
    cache: ResponseCache
    budget: Budget
    router: Router

    def close(self) -> None:
        """Give back files and connections."""
        self.ledger.close()
        self.cache.close()
        for provider in self.router.providers.values():
            provider.close()


def wire(settings: Settings, session_id: str, clock: Clock) -> Parts:
    """Return the parts that a session with these settings works with.

    Raises
    ------
    ConfigurationError
        If a table, the ledger or the cache cannot be used.
    """
    tables = load_tables(config_dir())
    prices = PriceBook(tables.overrides, settings.home_path / "prices.json")
    ledger = SqliteLedger(settings.ledger_path, durable=settings.durable)
    cache = DiskCache(settings.cache_path, clock, size_limit=settings.cache_size)
    budget = Budget(
        ledger,
        clock,
        settings.limits,
        settings.zone,
        session_id,
        simulated=settings.provider == "simulated",
        wait=settings.budget_wait,
    )
    planner = Planner(
        classifier=classifier_of(tables),
        tasks=tables.rules.tasks,
        catalog=tables.catalog,
        prices=prices,
        ledger=ledger,
        clock=clock,
        default_max_tokens=settings.max_tokens,
    )
    baseline = baseline_model(tables.catalog)
    # A lease outlives the longest silence and the waits that a call can survive.
    lease = settings.timeout + settings.max_wait + 60.0
    booking = Booking(
        ledger=ledger,
        budget=budget,
        prices=prices,
        catalog=tables.catalog,
        clock=clock,
        baseline=baseline,
        lease=timedelta(seconds=lease),
    )
    router = Router(
        session_id=session_id,
        planner=planner,
        lookup=Lookup(cache, settings.ttl),
        flight=SingleFlight(cache, clock),
        booking=booking,
        retry=RetryPolicy(attempts=settings.attempts, max_wait=settings.max_wait),
        providers={
            "anthropic": AnthropicProvider(timeout=settings.timeout),
            "simulated": SimulatedProvider(),
        },
        clock=clock,
        baseline_model=baseline.id,
        lease=lease,
    )
    return Parts(tables.catalog, prices, ledger, cache, budget, router)


def classifier_of(tables: Tables) -> RuleClassifier:
    """Return the classifier that the tables describe."""
    return RuleClassifier(tables.rules.rules, tables.rules.size)
