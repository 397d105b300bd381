"""Token estimates of a session: corrected by what the ledger has seen billed."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from costroute_nb.core.calibration import Calibration
from costroute_nb.core.tokens import split_messages, split_text

if TYPE_CHECKING:
    from costroute_nb.core.calibration import ErrorDistribution
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.messages import Request
    from costroute_nb.core.record import Record
    from costroute_nb.core.tokens import Estimate
    from costroute_nb.ports import LedgerStore


class TokenCounter:
    """Estimates prompt tokens, and learns from every attempt whose tokens are known.

    What the ledger knows is read once, when first needed. Simulated and real answers
    are counted by different tokenizers: neither corrects the other's estimates. Safe
    from any thread.
    """

    def __init__(self, ledger: LedgerStore, catalog: Catalog) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._lock = threading.Lock()
        self._learnt: dict[bool, Calibration] = {}

    def estimate(self, request: Request, tokenizer: str) -> Estimate:
        """Return the uncorrected estimate of all that a request sends."""
        found = split_messages(request.messages, request.system, tokenizer)
        if request.schema is not None:
            found += split_text(json.dumps(dict(request.schema)), tokenizer)
        return found

    def corrected(self, estimate: Estimate, tokenizer: str, *, simulated: bool) -> int:
        """Return an estimate in tokens, corrected by what was billed before."""
        return self._calibration(simulated).corrected(tokenizer, estimate)

    def learn(self, record: Record) -> None:
        """Learn from an attempt, if both its estimate and its tokens are known."""
        calibration = self._calibration(record.simulated)
        with self._lock:
            self._take(calibration, record)

    def errors(self, tokenizer: str, *, simulated: bool) -> ErrorDistribution | None:
        """Return how far off the estimates for a family of models were, if any was."""
        calibration = self._calibration(simulated)
        with self._lock:
            return calibration.errors(tokenizer)

    def _calibration(self, simulated: bool) -> Calibration:
        found = self._learnt.get(simulated)
        if found is not None:
            return found
        with self._lock:
            if simulated not in self._learnt:
                calibration = Calibration()
                for record in self._ledger.counted(simulated=simulated):
                    self._take(calibration, record)
                self._learnt[simulated] = calibration
            return self._learnt[simulated]

    def _take(self, calibration: Calibration, record: Record) -> None:
        model = self._model(record.model)
        if model is None or record.estimate is None or record.estimated:
            return
        calibration.learn(model.tokenizer, record.estimate, record.usage.prompt_tokens)

    def _model(self, model_id: str) -> Model | None:
        return self._catalog.known(model_id)
