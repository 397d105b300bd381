"""Turn a call into a plan: classify it, then price every candidate; nothing is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from costroute_nb.core import prices
from costroute_nb.core.messages import Usage
from costroute_nb.core.policy import Plan, Quote, doubled, make_plan
from costroute_nb.core.tokens import estimate_messages, token_bound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.classification import Task
    from costroute_nb.core.messages import Request
    from costroute_nb.ports import Classifier, Clock, LedgerStore, Prices, Provider


class Planner:
    """Makes plans. `default_max_tokens` caps the answers of calls that name no cap."""

    def __init__(
        self,
        *,
        classifier: Classifier,
        tasks: Mapping[str, Task],
        catalog: Catalog,
        prices: Prices,
        ledger: LedgerStore,
        clock: Clock,
        default_max_tokens: int,
    ) -> None:
        self.classifier = classifier
        self.tasks = tasks
        self.catalog = catalog
        self.prices = prices
        self.ledger = ledger
        self.clock = clock
        self.default_max_tokens = default_max_tokens

    def plan(self, call: Call, provider: Provider) -> Plan:
        """Return the candidates of a call in the order in which they are tried.

        Raises
        ------
        UnknownModelError, NoCapableModelError
            See `core.policy.make_plan`.
        """
        classification = self.classifier.classify(
            call.typed,
            values=call.values,
            input_tokens=estimate_messages(call.messages, call.system),
        )
        task = self.tasks[classification.task]

        def quote(model: Model, request: Request) -> Quote:
            return self._quote(call, provider, model, request, task)

        return make_plan(
            call,
            classification,
            catalog=self.catalog,
            task=task,
            default_max_tokens=self.default_max_tokens,
            on=self.clock.now().date(),
            quote=quote,
        )

    def _quote(
        self,
        call: Call,
        provider: Provider,
        model: Model,
        request: Request,
        task: Task,
    ) -> Quote:
        body = json.dumps(dict(provider.body(model, request)), ensure_ascii=False)
        bound = token_bound(body)
        tokens = estimate_messages(call.messages, call.system, model.tokenizer)
        price = self.prices.price(model.id, model.provider, self.clock.now())
        if price is None:
            return Quote(None, bound, tokens, None, None, None)
        # Inside a text the quotation marks would stand behind backslashes.
        writes = '"cache_control":' in body
        output = self.ledger.typical_output(
            task.name, model.id, simulated=provider.simulated
        )
        if output is None:
            output = task.expected_output_tokens
        output = min(output, request.max_tokens)
        longer = doubled(call, model, request)

        def worst(cap: int) -> int:
            return prices.worst_case(bound, cap, price, writes_cache=writes)

        return Quote(
            price=price,
            prompt_bound=bound,
            prompt_tokens=tokens,
            expected=prices.cost(Usage(tokens, output_tokens=output), price),
            worst=worst(request.max_tokens),
            worst_again=worst(longer.max_tokens) if longer else 0,
            writes_cache=writes,
        )
