"""How a plan shows itself: class, reason, what each candidate may cost, what is left."""

from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.money import format_usd, usd_to_pico
from costroute_nb.core.offsets import ENOUGH
from costroute_nb.core.prices import worst_case
from costroute_nb.core.refusal import cure, lacking, waiting
from costroute_nb.notebook.views import STOPPED, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costroute_nb.core.budget import Refusal
    from costroute_nb.core.classification import Classification
    from costroute_nb.core.plan import Candidate, Plan
    from costroute_nb.notebook.prompt import Asked

_KEPT = {"5m": "kept 5 min", "1h": "kept 1 h"}


def planned(asked: "Asked") -> "Plan":
    """Return how a call would be served, with what the budget has against it now."""
    plan = asked.session.plan_call(asked.call)
    return replace(plan, refusal=_refusal(plan, asked))


def _refusal(plan: "Plan", asked: "Asked") -> str:
    """Return what keeps the first attempt from being sent now, or nothing."""
    budget, first = asked.session.budget, plan.candidates[0]
    if budget.stopped:
        return STOPPED
    quote = first.quote
    cached = any(candidate.cached for candidate in plan.looked_up)
    if cached or quote.worst is None or quote.price is None:
        return ""  # served for free, or of a price that no limit can be compared with
    max_cost = asked.call.max_cost

    def refusing(needed: int) -> "Refusal | None":
        return budget.would_refuse(
            needed,
            tier=first.tier,
            simulated=asked.call.provider == "simulated",
            max_cost=max_cost,
        )

    refusal = refusing(quote.worst)
    if refusal is None:
        return ""
    if refusal.may_clear:
        return f"now: {waiting(refusal)}"
    least = worst_case(
        quote.prompt_tokens,
        first.request.max_tokens,
        quote.price,
        writes_cache=quote.writes_cache,
    )
    if not refusal.by_tier and refusing(least) is None:
        return f"the provider's count of the prompt decides now: {lacking(refusal)}"
    by_max_cost = refusal.check.name == "call" and refusal.check.limit == max_cost
    raised = cure(refusal, by_max_cost=by_max_cost)
    return f"the budget would refuse this now: {lacking(refusal)}; {raised}"


def plan_page(plan: "Plan") -> Page:
    """Show a plan; columns in which no candidate has anything are left out."""
    found = plan.classification
    floor = ", a floor" if found.floor else ""
    candidates = plan.candidates
    columns = {
        name: [show(candidate) for candidate in candidates] for name, show in _SHOWS
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    rows = tuple(
        tuple(cell or "none" for cell in row)
        for row in zip(*shown.values(), strict=True)
    )
    return Page(
        head=(
            *([plan.refusal] if plan.refusal else []),
            f"class: {found.tier} ({found.task}), {_decided(found)}{floor}, "
            f"confidence {found.confidence:.0%}, about {found.input_tokens:,} tokens in",
            f"because: {found.reason}{_nearest(found)}",
            *_estimate(found),
            f"starts with: {candidates[0].model} ({plan.reason})",
        ),
        columns=tuple(shown),
        rows=rows,
        foot=(
            *_left_out(candidates),
            *(
                f"not {one.model}: it fails too often for what it costs; an answer of it "
                "in the cache would serve"
                for one in plan.spared
            ),
            *(f"not {excluded}" for excluded in plan.excluded),
            _worst(plan),
        ),
    )


def _decided(found: "Classification") -> str:
    if found.rule:
        return f"rule {found.rule}"
    return "no rule matched, an estimate" if found.known_domain else "no rule matched"


def _nearest(found: "Classification") -> str:
    """Return what a prompt that no estimate is used for is most like, if anything."""
    if found.estimate is None or found.offsets is not None:
        return ""
    domain = found.estimate.domain
    return f"; nearest domain {domain}" if domain else ""


def _estimate(found: "Classification") -> "Iterator[str]":
    """Yield what an estimator said, if that is used, and by what it was shifted."""
    estimate, offsets = found.estimate, found.offsets
    if estimate is None or offsets is None:
        return
    said = (
        f"P(small fails) {estimate.p_small_fails:.0%}, "
        f"P(medium fails) {estimate.p_medium_fails:.0%}"
    )
    tipped = f"; tipped by {', '.join(estimate.tipped)}" if estimate.tipped else ""
    yield f"estimated before any shift: {said}{tipped}"
    yield (
        f"{_shift('small', offsets.small, offsets.judged_small)}; "
        f"{_shift('medium', offsets.medium, offsets.judged_medium)}"
    )


def _shift(tier: str, offset: float, judged: int) -> str:
    """Return by how many logits a tier's estimate is shifted, and from what."""
    if judged >= ENOUGH:
        return f"{tier} shifted by {offset:+.1f} logits from {judged:,} judged answers"
    until = f"until {ENOUGH} judged answers exist ({judged} so far)"
    if not offset:
        return f"{tier} not shifted {until}"
    return f"{tier} shifted by {offset:+.1f} logits from the stated prior {until}"


def _worst(plan: "Plan") -> str:
    candidates = plan.candidates
    once, worst = candidates[0].quote.worst, plan.worst_usd
    together = format_usd(None if worst is None else usd_to_pico(worst))
    again = any(candidate.quote.worst_again for candidate in candidates)
    said = f"one attempt costs at most {format_usd(once)}"
    if again or len(candidates) > 1:
        what = "all of these" if len(candidates) > 1 else "all attempts"
        said += f", {what} together at most {together}"
    if again:
        said += (
            ", with further tries of each counted in: longer where an answer is cut, "
            "and to repair it where that may be asked"
        )
    return f"{said}; nothing was sent"


def _left_out(candidates: "tuple[Candidate, ...]") -> list[str]:
    """Return what trimming leaves out of which prompts, each once."""
    models: dict[str, list[str]] = {}
    for candidate in candidates:
        if candidate.trim is not None:
            trim = candidate.trim
            said = (
                f"{trim}: about {trim.tokens:,} tokens, {format_usd(trim.saved)} less "
                "than all of them"
            )
            models.setdefault(said, []).append(candidate.model)
    return [f"{', '.join(names)}: {said}" for said, names in models.items()]


def _prompt_cache(candidate: "Candidate") -> str:
    served, kept = candidate.quote.served_tokens, candidate.request.prompt_cache
    said = [f"about {served:,} read"] if served else []
    said += [_KEPT[kept]] if kept else []
    return ", ".join(said)


_SHOWS: "tuple[tuple[str, Callable[[Candidate], str]], ...]" = (
    ("candidate", lambda candidate: candidate.model),
    ("tier", lambda candidate: candidate.tier),
    ("effort", lambda candidate: candidate.request.effort or ""),
    ("prompt cache", _prompt_cache),
    ("expected", lambda candidate: format_usd(candidate.quote.expected)),
    ("worst case", lambda candidate: format_usd(candidate.quote.worst)),
    ("cache", lambda candidate: "hit" if candidate.cached else "miss"),
)
