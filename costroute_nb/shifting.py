"""The offsets of estimates, fitted to what the ledger has seen accepted and rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costroute_nb.core.offsets import fit_offsets
from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from costroute_nb.core.offsets import Judged, Offsets
    from costroute_nb.ports import Clock, LedgerStore

FRESH = 30.0
"""Seconds for which the offsets are not looked at again: one answer changes little."""


class LedgerOffsets:
    """Gives the offsets that the ledger's judged answers make; safe from any thread.

    `prior` is what they are until enough answers were judged.
    """

    def __init__(self, ledger: LedgerStore, clock: Clock, prior: Offsets) -> None:
        self._ledger = ledger
        self._prior = prior
        self._clock = clock
        self._lock = lock_across_forks()
        self._until = float("-inf")
        self._judged: list[Judged] = []
        self._offsets = prior

    def __call__(self) -> Offsets:
        """Return the offsets as they are now, at most `FRESH` seconds old."""
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._until:
                judged = self._ledger.judged()
                if judged != self._judged:
                    self._offsets = fit_offsets(judged, self._prior)
                    self._judged = judged
                self._until = now + FRESH
            return self._offsets
