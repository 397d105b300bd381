"""Which models may serve a call, in which order, and how each would be asked."""

from collections.abc import Callable, Sequence
from dataclasses import replace
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
from costroute_nb.core.expectation import least_expected
from costroute_nb.core.messages import Request
from costroute_nb.core.plan import Candidate, Draft, Plan
from costroute_nb.core.shaping import shape
from costroute_nb.errors import NoCapableModelError


def make_plan(
    call: Call,
    classification: Classification,
    *,
    catalog: Catalog,
    task: Task,
    default_max_tokens: int,
    on: date,
    draft: Callable[[Model, Request], Draft],
) -> Plan:
    """Return the candidates: hard constraints, then tier, then expected cost.

    Where an estimate decided the class and a schema or a check can reject the answer,
    tiers are chosen by the least expected cost, failed attempts included. In a thread
    they are not: there the model that keeps its prompt cache comes first where the
    lower tiers would cost more without it.

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
        drafted = draft(model, shape(call, model, task, default_max_tokens))
        unfit = _unfit(call, model, drafted, on)
        if unfit:
            excluded.append(f"{model.id}: {unfit}")
            continue
        candidates.append(
            Candidate(
                model=model.id,
                provider=call.provider,
                tier=model.tier,
                spec=model,
                request=drafted.request,
                quote=drafted.quote,
                trim=drafted.trim,
            )
        )
    # Stable: models without a price keep the catalog's order, after the priced ones.
    candidates.sort(key=_by_tier_and_cost)
    spared: list[Candidate] = []
    if _by_expectation(call, classification):
        priced = candidates
        candidates, reason = _by_least_expected(call, classification, priced, reason)
        spared = _left_out(priced, candidates)
    if not candidates:
        why = "; ".join(excluded) or f"no {call.provider} model is in these tiers"
        message = f"no capable model: {why}"
        raise NoCapableModelError(message, reasons=tuple(excluded))
    named = call.model or call.tier
    warm = 0 if named else _cheaper_warm(candidates)
    if warm:
        del candidates[:warm]
        reason = (
            f"{reason}; the thread's prompt cache makes {candidates[0].tier} cheaper"
        )
    if not call.escalate:
        del candidates[1:]
    return Plan(
        classification,
        tuple(candidates),
        reason,
        tuple(excluded),
        call.thread,
        spared=tuple(spared),
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


def degrade(call: Call, plan: Plan, ceiling: Tier) -> Call | None:
    """Return the call under a ceiling, or None if what it may not go below is above."""
    if tier_rank(_least(call, plan.classification, plan.tier)) > tier_rank(ceiling):
        return None
    if call.ceiling is not None and tier_rank(call.ceiling) < tier_rank(ceiling):
        return call
    return replace(call, ceiling=ceiling)


def _models_in_order(
    call: Call, classification: Classification, catalog: Catalog
) -> tuple[Sequence[Model], str]:
    if call.model is not None:
        return (catalog.find(call.model),), "model: asked for"
    first, reason = _first_tier(call, classification)
    if _by_expectation(call, classification):
        first = call.floor or TIERS[0]
    last = call.ceiling or TIERS[-1]
    # The simulated provider answers in the place of the default one.
    provider = "anthropic" if call.provider == "simulated" else call.provider
    tiers = TIERS[tier_rank(first) : tier_rank(last) + 1]
    return [m for tier in tiers for m in catalog.in_tier(tier, provider)], reason


def _first_tier(call: Call, classification: Classification) -> tuple[Tier, str]:
    """Return the tier to start with and why; the user's own word comes first."""
    named = _named(classification)
    tier, reason = classification.tier, named
    if call.task is not None and not classification.floor:
        tier, reason = TIERS[0], f"delegated: {call.task}"
    if call.tier is not None:
        tier, reason = call.tier, "tier: asked for"
        if classification.floor and tier_rank(tier) < tier_rank(classification.tier):
            reason = f"tier: asked for, below the floor of {named}"
    if call.floor is not None and higher_tier(tier, call.floor) != tier:
        tier, reason = call.floor, f"floor: {call.floor} ({named})"
    if call.ceiling is None or tier_rank(tier) <= tier_rank(call.ceiling):
        return tier, reason
    if tier_rank(_least(call, classification, tier)) > tier_rank(call.ceiling):
        message = (
            f"the ceiling {call.ceiling} is below {tier} ({reason}): raise the "
            "ceiling, or name the tier with --tier"
        )
        raise NoCapableModelError(message, reasons=(reason,))
    return call.ceiling, f"ceiling: {call.ceiling} ({named})"


def _named(found: Classification) -> str:
    """Return what decided a class, as receipts and the ledger have it."""
    if found.rule:
        return f"rule: {found.rule}"
    if found.known_domain is None:
        return "default"
    small, medium = found.p_small_fails, found.p_medium_fails
    if small is None or medium is None:
        return f"default: {found.reason}"
    if found.tier == "small":
        return f"learned: P(small fails) {small:.0%}"
    return f"learned: P(medium fails) {medium:.0%}"


def _by_expectation(call: Call, found: Classification) -> bool:
    """Whether failed attempts are planned for: they must show, and a next one be made.

    What the user names, and delegated work, begins where it says. In a thread what is
    paid now is not the whole cost: a prompt cache that is left is paid for again.
    """
    rejectable = call.schema is not None or call.check is not None
    named = call.model or call.tier or call.task
    learned = found.p_small_fails is not None
    alone = call.thread is None
    return learned and rejectable and call.escalate and alone and not named


def _by_least_expected(
    call: Call,
    found: Classification,
    candidates: list[Candidate],
    reason: str,
) -> tuple[list[Candidate], str]:
    """Return the candidates of least expected cost, and why the first comes first.

    Where a price is not known they are those from the class's tier upward.
    """
    first, _ = _first_tier(call, found)
    upward = [c for c in candidates if tier_rank(c.tier) >= tier_rank(first)]
    chosen = least_expected(candidates, found) if upward else None
    if chosen is None or chosen == upward:
        return upward, reason
    _, reason = _first_tier(call, replace(found, tier=chosen[0].tier))
    return chosen, f"{reason}; the least expected cost, failed attempts included"


def _left_out(
    every: Sequence[Candidate], chosen: Sequence[Candidate]
) -> list[Candidate]:
    """Return whose tier is no lower than the first chosen one's, yet was not chosen."""
    first = tier_rank(chosen[0].tier) if chosen else len(TIERS)
    return [c for c in every if c not in chosen and tier_rank(c.tier) >= first]


def _least(call: Call, classification: Classification, first: Tier) -> Tier:
    """Return the tier that a call which begins with `first` may not go below."""
    ruled = classification.tier if classification.floor else TIERS[0]
    asked_for = call.tier or call.model
    return first if asked_for else higher_tier(call.floor or TIERS[0], ruled)


def _unfit(call: Call, model: Model, drafted: Draft, on: date) -> str | None:
    """Return which hard constraint a model fails, or None."""
    request = drafted.request
    if model.is_retired(on):
        return "retired by its provider"
    if request.schema is not None and not model.structured_output:
        return "does not enforce a schema"
    if call.effort is not None and call.effort not in model.efforts:
        return f"takes no effort {call.effort}"
    needed = drafted.quote.prompt_tokens + request.max_tokens
    if needed > model.context_window:
        return (
            f"about {needed:,} tokens do not fit its context window of "
            f"{model.context_window:,}"
        )
    return None


def _cheaper_warm(candidates: Sequence[Candidate]) -> int:
    """Return the place of the candidate whose prompt cache makes it the cheapest.

    Leaving it would pay for the whole conversation anew: that is a cost of switching,
    paid once, while what each call costs comes again with every next one. So both are
    compared over the calls that are expected to come in time. Only a higher tier may
    step in, which can do whatever a lower one can.
    """
    first = _ahead(candidates[0])
    for place, candidate in enumerate(candidates):
        expected = _ahead(candidate)
        if candidate.quote.served_tokens and expected is not None and first is not None:
            return place if expected < first else 0
    return 0


def _ahead(candidate: Candidate) -> int | None:
    """Return what a candidate is expected to cost, next calls included."""
    quote = candidate.quote
    return quote.expected if quote.ahead is None else quote.ahead


def _by_tier_and_cost(candidate: Candidate) -> tuple[int, bool, int]:
    expected = candidate.quote.expected
    return tier_rank(candidate.tier), expected is None, expected or 0
