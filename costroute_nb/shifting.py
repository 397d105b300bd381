"""The offsets of estimates, fitted to what the ledger has seen accepted and rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costroute_nb.core.offsets import fit_offsets

if TYPE_CHECKING:
    from costroute_nb.core.offsets import Judged, Offsets
    from costroute_nb.ports import Clock, LedgerStore

FRESH = 30.0
"""Seconds for which the offsets are not looked at again: one answer changes little."""


class _Fitted(NamedTuple):
    """The offsets that judged answers made, and until when nobody looks again."""

    until: float
    judged: list[Judged]
    offsets: Offsets


class LedgerOffsets:
    """Gives the offsets that the ledger's judged answers make; safe from any thread.

    Each estimator has its own, by the answers that it had spoken of. `prior` is what
    they are until enough of those were judged.
    """

    def __init__(self, ledger: LedgerStore, clock: Clock, prior: Offsets) -> None:
        self._ledger = ledger
        self._prior = prior
        self._clock = clock
        self._fitted: dict[str, _Fitted] = {}

    def __call__(self, source: str) -> Offsets:
        """Return the offsets of an estimator, by its name, at most `FRESH` seconds old."""
        # No lock: a fork waits for the ledger's own, and whoever held another one
        # while asking for that would never let it go. Two threads that look at once
        # find the same.
        now, known = self._clock.monotonic(), self._fitted.get(source)
        if known is not None and now < known.until:
            return known.offsets
        judged = self._ledger.judged(source)
        if known is not None and judged == known.judged:
            offsets = known.offsets
        else:
            offsets = fit_offsets(judged, self._prior)
        self._fitted[source] = _Fitted(now + FRESH, judged, offsets)
        return offsets
