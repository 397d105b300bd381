"""Turn a call into a plan: classify it, then price every candidate; nothing is sent."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.budget import ceiling_at, percent
from costroute_nb.core.policy import degrade, make_plan
from costroute_nb.core.refusal import not_degraded
from costroute_nb.core.tokens import split_messages
from costroute_nb.errors import NoCapableModelError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.budget import Fullest
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.classification import Task
    from costroute_nb.core.messages import Message
    from costroute_nb.core.plan import Candidate, Plan
    from costroute_nb.drafting import Drafter
    from costroute_nb.ports import Classifier, Clock, Provider

logger = logging.getLogger(__name__)

_MOST_COUNTS = 3
"""How often one prompt is counted and trimmed anew."""


class Planner:
    """Makes plans.

    `rules` classify delegated work, of which only a floor matters: its text is a
    template, of which an estimate would say nothing. `default_max_tokens` caps the
    answers of calls that name no cap.
    """

    def __init__(
        self,
        *,
        classifier: Classifier,
        rules: Classifier,
        tasks: Mapping[str, Task],
        catalog: Catalog,
        drafter: Drafter,
        clock: Clock,
        default_max_tokens: int,
    ) -> None:
        self.classifier = classifier
        self.rules = rules
        self.tasks = tasks
        self.catalog = catalog
        self.drafter = drafter
        self.clock = clock
        self.default_max_tokens = default_max_tokens

    def plan(self, call: Call, provider: Provider) -> Plan:
        """Return the candidates of a call in the order in which they are tried.

        Raises
        ------
        UnknownModelError, NoCapableModelError
            See `core.policy.make_plan`.
        """
        said = split_messages(call.messages, call.system)
        tokens = said.total
        if call.context_tokens is not None:
            tokens = min(tokens, call.context_tokens)
        classifier = self.classifier if call.task is None else self.rules
        classification = classifier.classify(
            call.typed, values=call.values, input_tokens=tokens
        )
        task = self.tasks[call.task or classification.task]
        return make_plan(
            call,
            classification,
            catalog=self.catalog,
            task=task,
            default_max_tokens=self.default_max_tokens,
            on=self.clock.now().date(),
            draft=self.drafter.of(call, task, provider, said).draft,
        )

    def redrafted(
        self,
        call: Call,
        plan: Plan,
        candidate: Candidate,
        provider: Provider,
        messages: tuple[Message, ...],
    ) -> Candidate:
        """Return a candidate that is asked with other messages, and what that costs."""
        task = self.tasks[call.task or plan.classification.task]
        request = replace(candidate.request, messages=messages)
        quote = self.drafter.of(call, task, provider).quote(
            candidate.spec,
            request,
            candidate.quote.price,
            candidate.quote.served_tokens,
        )
        return replace(candidate, request=request, quote=quote)

    def counted(
        self, call: Call, plan: Plan, candidate: Candidate, provider: Provider
    ) -> Candidate:
        """Return a candidate that is within `context_tokens` by the provider's count.

        The provider is asked only where too little is known to trust an estimate;
        what it counts corrects the estimates.

        Raises
        ------
        ConfigurationError
            If the prompt cannot be trimmed to that.
        """
        limit = call.context_tokens
        if limit is None:
            return candidate
        task = self.tasks[call.task or plan.classification.task]
        drafting = self.drafter.of(call, task, provider)
        counter, spec = self.drafter.counter, candidate.spec
        for _ in range(_MOST_COUNTS):
            if not drafting.uncertain(spec, candidate.request, limit):
                break
            try:
                tokens = provider.count_tokens(spec, candidate.request)
            except ProviderError as error:
                logger.info("tokens could not be counted: %s", error)
                break
            estimate = candidate.quote.estimate
            counter.learn_count(
                estimate, spec.tokenizer, tokens, simulated=provider.simulated
            )
            if tokens <= limit:
                break
            drafted = drafting.draft(spec, candidate.request)
            candidate = replace(
                candidate,
                request=drafted.request,
                quote=drafted.quote,
                trim=drafted.trim,
            )
        return candidate

    def degraded(self, call: Call, plan: Plan, provider: Provider, by: Fullest) -> Plan:
        """Return the plan below the ceiling that a nearly spent limit leaves.

        Raises
        ------
        BudgetExceededError
            If the call must not, or cannot, be degraded.
        """
        ceiling = ceiling_at(by.share)
        if ceiling is None or by.spent >= by.limit:
            return plan  # room for every tier, or for none: reserving tells
        lower = degrade(call, plan, ceiling)
        if lower is None:
            raise not_degraded(by, ceiling, plan)
        try:
            degraded = self.plan(lower, provider)
        except NoCapableModelError as error:
            raise not_degraded(by, ceiling, plan) from error
        if degraded.tier == plan.tier:
            return replace(degraded, reason=plan.reason)
        used = f"{percent(by.share)} of the {by.name} limit is used"
        return replace(degraded, reason=f"{plan.reason}; degraded to {ceiling}: {used}")
