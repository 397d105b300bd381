"""Which models may serve a call, in which order, and how each would be asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from costroute_nb.core.call import Call
from costroute_nb.core.catalog import (
    TIERS,
    Catalog,
    Model,
    Tier,
    higher_tier,
    tier_rank,
)
from costroute_nb.core.classification import Classification, Task
from costroute_nb.core.messages import Request
from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.prices import Price
from costroute_nb.errors import NoCapableModelError

# Thinking bills as output and counts into the cap. Where a model thinks, this much
# is added to the answer's cap, so that thinking never eats the whole answer.
THINKING_HEADROOM = 2048

# From these shares of the fullest limit on, `on_limit="degrade"` allows no more than
# this tier; highest share first.
_DEGRADED: tuple[tuple[float, Tier], ...] = ((0.95, "small"), (0.80, "medium"))


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request to one model may cost, in pico-USD; None where unpriced.

    `prompt_bound` is the upper bound of its prompt tokens behind `worst`, and
    `prompt_tokens` their estimate. `worst_again` is what a second try with twice the
    cap can cost on top; 0 where there is none. `writes_cache` tells whether the
    request writes the provider's prompt cache, at that rate.
    """

    price: Price | None
    prompt_bound: int
    prompt_tokens: int
    expected: int | None
    worst: int | None
    worst_again: int | None = 0
    writes_cache: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that may serve the call, asked in its own way.

    `expected_usd` is the estimate for one attempt, `worst_usd` the most one
    attempt can cost; None where no price is known. `cached` tells whether its
    answer is in the cache.
    """

    model: str
    provider: str
    tier: Tier
    spec: Model
    request: Request
    quote: Quote
    cached: bool = False

    @property
    def expected_usd(self) -> float | None:
        """USD one attempt is expected to cost."""
        return pico_to_usd(self.quote.expected)

    @property
    def worst_usd(self) -> float | None:
        """USD one attempt can cost at most."""
        return pico_to_usd(self.quote.worst)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a call would be served; making one spends nothing.

    `candidates` are in the order in which they would be tried, `excluded` says
    why other models are not among them, and `reason` why this tier comes first.
    """

    classification: Classification
    candidates: tuple[Candidate, ...]
    reason: str
    excluded: tuple[str, ...] = ()

    def __str__(self) -> str:
        first, *others = self.candidates
        expected, worst = first.quote.expected, first.quote.worst
        then = f"; then {', '.join(one.model for one in others)}" if others else ""
        return (
            f"{first.tier} ({self.reason}): {first.model}, about "
            f"{format_usd(expected)}, at most {format_usd(worst)}{then}"
        )

    @property
    def tier(self) -> Tier:
        """The tier that is tried first."""
        return self.candidates[0].tier

    @property
    def worst_usd(self) -> float | None:
        """USD the call can cost if every candidate is tried, and tried longer.

        Repeats after a failure of the provider may add to it, within the limits.
        """
        quotes = [candidate.quote for candidate in self.candidates]
        amounts = [x for quote in quotes for x in (quote.worst, quote.worst_again)]
        known = [amount for amount in amounts if amount is not None]
        return pico_to_usd(sum(known)) if len(known) == len(amounts) else None


def make_plan(
    call: Call,
    classification: Classification,
    *,
    catalog: Catalog,
    task: Task,
    default_max_tokens: int,
    on: date,
    quote: Callable[[Model, Request], Quote],
) -> Plan:
    """Return the candidates: hard constraints, then tier, then expected cost.

    Raises
    ------
    UnknownModelError
        If the call names a model that no table knows.
    NoCapableModelError
        If the constraints leave no model, saying why each one is out.
    """
    models, reason = _models_in_order(call, classification, catalog)
    candidates: list[Candidate] = []
    excluded: list[str] = []
    for model in models:
        request = shape(call, model, task, default_max_tokens)
        unfit = _unfit(model, request, classification.input_tokens, on)
        if unfit:
            excluded.append(f"{model.id}: {unfit}")
            continue
        candidates.append(
            Candidate(
                model=model.id,
                provider=call.provider,
                tier=model.tier,
                spec=model,
                request=request,
                quote=quote(model, request),
            )
        )
    if not candidates:
        why = "; ".join(excluded) or f"no {call.provider} model is in these tiers"
        message = f"no capable model: {why}"
        raise NoCapableModelError(message, reasons=tuple(excluded))
    # Stable: models without a price keep the catalog's order, after the priced ones.
    candidates.sort(key=_by_tier_and_cost)
    if not call.escalate:
        del candidates[1:]
    return Plan(classification, tuple(candidates), reason, tuple(excluded))


def shape(call: Call, model: Model, task: Task, default_max_tokens: int) -> Request:
    """Return the request as this model should be asked: cap, thinking, effort.

    Mechanical tasks do not think on the small tier. A given cap is kept as it is
    where thinking can be turned off, and gets head-room where it cannot.
    """
    cap = call.max_tokens or default_max_tokens
    mechanical = task.thinking == "off" and model.tier == "small"
    tight = call.max_tokens is not None and call.max_tokens < 2 * THINKING_HEADROOM
    quiet = (mechanical or tight) and model.thinks
    thinks = model.thinks and not (quiet and model.thinking_off != "never")
    if thinks and (call.max_tokens is None or tight):
        cap += THINKING_HEADROOM
    effort = task.effort if task.effort in model.efforts and not quiet else None
    return replace(
        call.request(min(cap, model.max_output)),
        thinking="off" if quiet else "auto",
        effort=effort,
    )


def baseline_model(catalog: Catalog, provider: str = "anthropic") -> Model:
    """Return the model that every saving is measured against: the large tier's.

    Raises
    ------
    NoCapableModelError
        If the catalog routes to no model of the provider at all.
    """
    for tier in reversed(TIERS):
        models = catalog.in_tier(tier, provider)
        if models:
            return models[0]
    message = f"tiers.toml leaves no {provider} model to route to"
    raise NoCapableModelError(message)


def cap_to_ask(model: Model, sent: int) -> int | None:
    """Return the largest `max_tokens` to ask for that sends at most this cap.

    It undoes what `shape` adds; None means that nothing is left for an answer.
    """
    if model.thinks and model.thinking_off == "never" and sent < 2 * THINKING_HEADROOM:
        sent -= THINKING_HEADROOM
    return sent if sent > 0 else None


def ceiling_at(share: float) -> Tier | None:
    """Return the highest tier that a spent share of a limit leaves, degrading."""
    for least, tier in _DEGRADED:
        if share >= least:
            return tier
    return None


def degrade(call: Call, plan: Plan, ceiling: Tier) -> Call | None:
    """Return the call under a ceiling, or None if it may not be degraded.

    A floor, or a tier or model that was asked for, is never degraded.
    """
    bound = plan.classification.floor or call.tier or call.floor or call.model
    if bound and tier_rank(plan.tier) > tier_rank(ceiling):
        return None
    if call.ceiling is not None and tier_rank(call.ceiling) < tier_rank(ceiling):
        return call
    return replace(call, ceiling=ceiling)


def doubled(call: Call, model: Model, request: Request) -> Request | None:
    """Return the longer try of a request whose answer was cut, or None.

    A cap of the user's own is final, and so is the longest answer of the model.
    """
    cap = min(2 * request.max_tokens, model.max_output)
    if call.max_tokens is not None or not call.escalate or cap <= request.max_tokens:
        return None
    return replace(request, max_tokens=cap)


def _models_in_order(
    call: Call, classification: Classification, catalog: Catalog
) -> tuple[Sequence[Model], str]:
    if call.model is not None:
        return (catalog.find(call.model),), "model: asked for"
    first, reason = _first_tier(call, classification)
    last = call.ceiling or TIERS[-1]
    # The simulated provider answers in the place of the default one.
    provider = "anthropic" if call.provider == "simulated" else call.provider
    tiers = TIERS[tier_rank(first) : tier_rank(last) + 1]
    return [m for tier in tiers for m in catalog.in_tier(tier, provider)], reason


def _first_tier(call: Call, classification: Classification) -> tuple[Tier, str]:
    """Return the tier to start with and why; the user's own word comes first."""
    named = f"rule: {classification.rule}" if classification.rule else "default"
    tier, reason = classification.tier, named
    if call.tier is not None:
        tier, reason = call.tier, "tier: asked for"
        if classification.floor and tier_rank(tier) < tier_rank(classification.tier):
            reason = f"tier: asked for, below the floor of {named}"
    if call.floor is not None and higher_tier(tier, call.floor) != tier:
        tier, reason = call.floor, f"floor: {call.floor} ({named})"
    if call.ceiling is None or tier_rank(tier) <= tier_rank(call.ceiling):
        return tier, reason
    if classification.floor or call.tier is not None or call.floor is not None:
        message = (
            f"the ceiling {call.ceiling} is below {tier} ({reason}): raise the "
            "ceiling, or name the tier with --tier"
        )
        raise NoCapableModelError(message, reasons=(reason,))
    return call.ceiling, f"ceiling: {call.ceiling} ({named})"


def _unfit(model: Model, request: Request, input_tokens: int, on: date) -> str | None:
    """Return which hard constraint a model fails, or None."""
    if model.is_retired(on):
        return "retired by its provider"
    if request.schema is not None and not model.structured_output:
        return "does not enforce a schema"
    needed = input_tokens + request.max_tokens
    if needed > model.context_window:
        return (
            f"about {needed:,} tokens do not fit its context window of "
            f"{model.context_window:,}"
        )
    return None


def _by_tier_and_cost(candidate: Candidate) -> tuple[int, bool, int]:
    expected = candidate.quote.expected
    return tier_rank(candidate.tier), expected is None, expected or 0
