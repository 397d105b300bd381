"""Token estimates of a session: corrected by what the ledger has seen billed."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from costroute_nb.core.calibration import Calibration
from costroute_nb.core.tokens import Estimate, split_messages, split_text
from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.calibration import ErrorDistribution
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.messages import Request
    from costroute_nb.core.record import Record
    from costroute_nb.ports import LedgerStore

_SURE = 20
"""How many predictions make the errors of a family known."""
_FAMILIAR = 5
"""How many texts make a script known."""
_SHARE = 0.1
"""From this share of a prompt on, a script that is not known makes its tokens unsure."""
_LEAST_DOUBT = 0.02
_SCRIPTS = ("prose", "code", "wide")


class TokenCounter:
    """Estimates prompt tokens, and learns from every attempt whose tokens are known.

    What the ledger knows is read when first needed. Simulated and real answers
    are counted by different tokenizers: neither corrects the other's estimates. Safe
    from any thread.
    """

    def __init__(self, ledger: LedgerStore, catalog: Catalog) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._lock = lock_across_forks()
        self._learnt: dict[bool, _Learnt] = {}

    def estimate(self, request: Request, tokenizer: str) -> Estimate:
        """Return the uncorrected estimate of all that a request sends."""
        said = split_messages(request.messages, request.system, tokenizer)
        return said + self.of_schema(request.schema, tokenizer)

    def of_schema(self, schema: Mapping[str, Any] | None, tokenizer: str) -> Estimate:
        """Return the uncorrected estimate of what a schema adds to a prompt."""
        if schema is None:
            return Estimate()
        return split_text(json.dumps(dict(schema)), tokenizer)

    def corrected(self, estimate: Estimate, tokenizer: str, *, simulated: bool) -> int:
        """Return an estimate in tokens, corrected by what was billed before."""
        return self._of(simulated).calibration.corrected(tokenizer, estimate)

    def learn(self, record: Record) -> None:
        """Learn from an attempt, if both its estimate and its tokens are known."""
        learnt = self._of(record.simulated)
        with self._lock:
            self._take(learnt, record)

    def learn_count(
        self, estimate: Estimate, tokenizer: str, tokens: int, *, simulated: bool
    ) -> None:
        """Learn from a provider's own count of what was estimated."""
        learnt = self._of(simulated)
        with self._lock:
            learnt.take(tokenizer, estimate, tokens)

    def errors(self, tokenizer: str, *, simulated: bool) -> ErrorDistribution | None:
        """Return how far off the estimates for a family of models were, if any was."""
        learnt = self._of(simulated)
        with self._lock:
            return learnt.calibration.errors(tokenizer)

    def doubt(
        self, estimate: Estimate, tokenizer: str, *, simulated: bool
    ) -> float | None:
        """Return the share by which a corrected estimate may be too low.

        None as long as too little was billed of the family, or of a script that the
        estimate has much of.
        """
        learnt = self._of(simulated)
        with self._lock:
            errors = learnt.calibration.errors(tokenizer)
            if errors is None or errors.count < _SURE:
                return None
            for script in _scripts(estimate):
                if learnt.texts[tokenizer, script] < _FAMILIAR:
                    return None
            # One in ten was off by more than p90: twice that leaves next to none.
            return max(2 * errors.p90, _LEAST_DOUBT)

    def _of(self, simulated: bool) -> _Learnt:
        found = self._learnt.get(simulated)
        if found is not None:
            return found
        # Not under the lock: a fork takes the ledger's first, and would wait for ever.
        learnt = _Learnt()
        for record in self._ledger.counted(simulated=simulated):
            self._take(learnt, record)
        with self._lock:
            return self._learnt.setdefault(simulated, learnt)

    def _take(self, learnt: _Learnt, record: Record) -> None:
        model = self._catalog.known(record.model)
        if model is None or record.estimate is None or record.estimated:
            return
        learnt.take(model.tokenizer, record.estimate, record.usage.prompt_tokens)


class _Learnt:
    """What is known of one pot: factors and errors, and of how many texts."""

    def __init__(self) -> None:
        self.calibration = Calibration()
        self.texts: Counter[tuple[str, str]] = Counter()

    def take(self, tokenizer: str, estimate: Estimate, tokens: int) -> None:
        if tokens > 0:
            self.calibration.learn(tokenizer, estimate, tokens)
            self.texts.update((tokenizer, script) for script in _scripts(estimate))


def _scripts(estimate: Estimate) -> list[str]:
    """Return the scripts that an estimate has much of."""
    least = _SHARE * estimate.total
    return [script for script in _SCRIPTS if getattr(estimate, script) > least]
