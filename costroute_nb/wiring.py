"""Build the parts of a session from its settings: the one place that knows each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from costroute_nb.alerts import Alerts
from costroute_nb.answering import Answering
from costroute_nb.attempt import Booking
from costroute_nb.budget import Budget
from costroute_nb.cache.disk import DiskCache
from costroute_nb.cache.flight import SingleFlight
from costroute_nb.core.classification import RuleClassifier
from costroute_nb.core.combined import CombinedClassifier, binding
from costroute_nb.core.offsets import NO_PRIOR, PRIOR
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.retry import RetryPolicy
from costroute_nb.counting import TokenCounter
from costroute_nb.drafting import Drafter
from costroute_nb.estimators import LateEstimator, installed
from costroute_nb.ledger.sqlite import SqliteLedger
from costroute_nb.lookup import Lookup
from costroute_nb.notify import AppriseNotifier, split_urls
from costroute_nb.planner import Planner
from costroute_nb.pricing import PriceBook
from costroute_nb.providers.anthropic import AnthropicProvider
from costroute_nb.providers.simulated import SimulatedProvider
from costroute_nb.router import Router
from costroute_nb.settings import CLASSIFIERS
from costroute_nb.shifting import LedgerOffsets
from costroute_nb.sources import config_dir
from costroute_nb.tables import load_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.classification import Rule, RuleSet, SizeRule
    from costroute_nb.ports import (
        Classifier,
        Clock,
        Estimator,
        LedgerStore,
        Prices,
        Provider,
        ResponseCache,
    )
    from costroute_nb.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of, and the settings that all of it was made from."""

    catalog: Catalog
    prices: Prices
    ledger: LedgerStore
    cache: ResponseCache
    budget: Budget
    alerts: Alerts
    notifier: AppriseNotifier
    router: Router
    counter: TokenCounter
    rules: RuleSet
    settings: Settings
    before: Parts | None = None

    @property
    def simulated(self) -> bool:
        """Whether calls are simulated unless they say otherwise, and so which pot."""
        return self.settings.provider == "simulated"

    def close(self) -> None:
        """Give back files and connections, also of the parts these have replaced."""
        self.ledger.close()
        self.cache.close()
        for provider in self.router.providers.values():
            provider.close()
        if self.before is not None:
            self.before.close()


def wire(
    settings: Settings, session_id: str, clock: Clock, before: Parts | None = None
) -> Parts:
    """Return the parts that a session with these settings works with.

    `before` are those of the same session until now. What need not change is theirs;
    the rest of them stays open for calls in flight, until the new parts are closed.

    Raises
    ------
    ConfigurationError
        If a table, the ledger or the cache cannot be used.
    """
    tables = load_tables(config_dir())
    prices = PriceBook(tables.overrides, settings.home_path / "prices.json")
    ledger = _ledger(settings, before)
    cache = _cache(settings, clock, before)
    simulated = settings.provider == "simulated"
    budget = Budget(
        ledger,
        clock,
        settings.limits,
        settings.zone,
        session_id,
        simulated=simulated,
        wait=settings.budget_wait,
    )
    notifier = _notifier(settings, before)
    alerts = Alerts(
        ledger,
        clock,
        lambda: budget.limits,
        zone=settings.zone,
        session_id=session_id,
        simulated=simulated,
        single_call=settings.single_call_alert,
        notifiers=(notifier,),
    )
    counter = TokenCounter(ledger, tables.catalog)
    planner = Planner(
        classifier=_classifier(settings, tables.rules, ledger, clock),
        rules=classifier_of(tables.rules.rules, tables.rules.size),
        tasks=tables.rules.tasks,
        catalog=tables.catalog,
        drafter=Drafter(prices, ledger, counter, clock),
        clock=clock,
        default_max_tokens=settings.max_tokens,
    )
    baseline = baseline_model(tables.catalog)
    # A lease outlives the longest silence and the waits that a call can survive; what
    # a long answer takes is added for each attempt.
    lease = settings.timeout + settings.max_wait + 60.0
    booking = Booking(
        ledger=ledger,
        budget=budget,
        prices=prices,
        catalog=tables.catalog,
        clock=clock,
        baseline=baseline,
        lease=timedelta(seconds=lease),
        watcher=alerts,
        counter=counter,
    )
    lookup = Lookup(cache, settings.ttl)
    retry = RetryPolicy(attempts=settings.attempts, max_wait=settings.max_wait)
    router = Router(
        session_id=session_id,
        planner=planner,
        lookup=lookup,
        flight=SingleFlight(cache, clock),
        booking=booking,
        answering=Answering(planner, lookup, booking, retry, clock),
        providers=_providers(settings, clock, before),
        clock=clock,
        baseline_model=baseline.id,
        lease=lease,
    )
    return Parts(
        catalog=tables.catalog,
        prices=prices,
        ledger=ledger,
        cache=cache,
        budget=budget,
        alerts=alerts,
        notifier=notifier,
        router=router,
        counter=counter,
        rules=tables.rules,
        settings=settings,
        before=_still_open(before, ledger, cache, router),
    )


def _classifier(
    settings: Settings, rules: RuleSet, ledger: LedgerStore, clock: Clock
) -> Classifier:
    """Return what chooses tiers; an estimator is built when a prompt first needs it."""
    asked, named = rules.rules, settings.classifier
    if named == "rules":
        return classifier_of(asked, rules.size)
    ours = named in CLASSIFIERS
    estimator = SHIPPED if ours else installed(named)
    return CombinedClassifier(
        classifier_of(binding(asked) if named == "learned" else asked, rules.size),
        estimator.estimate,
        offsets=LedgerOffsets(ledger, clock, PRIOR if ours else NO_PRIOR),
        max_failure=settings.max_failure,
    )


def _ledger(settings: Settings, before: Parts | None) -> LedgerStore:
    if before is not None and _alike(settings, before, "ledger_path", "durable"):
        return before.ledger
    return SqliteLedger(settings.ledger_path, durable=settings.durable)


def _cache(settings: Settings, clock: Clock, before: Parts | None) -> ResponseCache:
    if before is not None and _alike(settings, before, "cache_path", "cache_size"):
        return before.cache
    return DiskCache(settings.cache_path, clock, size_limit=settings.cache_size)


def _providers(
    settings: Settings, clock: Clock, before: Parts | None
) -> Mapping[str, Provider]:
    if before is not None and _alike(settings, before, "timeout"):
        return before.router.providers
    return {
        "anthropic": AnthropicProvider(timeout=settings.timeout),
        "simulated": SimulatedProvider(now=clock.monotonic),
    }


def _notifier(settings: Settings, before: Parts | None) -> AppriseNotifier:
    """Return who sends alerts; one that is replaced still sends what it has taken."""
    if before is not None and _alike(settings, before, "alert_urls"):
        return before.notifier
    return AppriseNotifier(split_urls(settings.alert_urls))


def _alike(settings: Settings, before: Parts, *names: str) -> bool:
    return all(getattr(settings, n) == getattr(before.settings, n) for n in names)


def _still_open(
    before: Parts | None, ledger: LedgerStore, cache: ResponseCache, router: Router
) -> Parts | None:
    """Return the former parts, unless whatever is open of them goes on here."""
    if before is None:
        return None
    goes_on = (
        before.ledger is ledger
        and before.cache is cache
        and before.router.providers is router.providers
    )
    return before.before if goes_on else before


@lru_cache(maxsize=4)
def classifier_of(rules: tuple[Rule, ...], size: SizeRule | None) -> RuleClassifier:
    """Return the classifier of these rules; building one takes milliseconds."""
    return RuleClassifier(rules, size)


def _shipped() -> Estimator:
    # Reading it takes numpy, which nobody waits for whose prompts meet a rule.
    from costroute_nb.artifact import read_model

    return read_model()


SHIPPED = LateEstimator(_shipped)
"""The estimator that comes with the package: read when first asked, once a process."""
