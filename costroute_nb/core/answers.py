"""A delivered answer as the cache keeps it: plain JSON there and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An accepted answer with what it once cost, in pico-USD.

    `baseline` is what the baseline model would have cost for the same tokens; it
    is what every later hit saves. `left_out` are the positions of the messages that
    trimming left out of the conversation that it answers, in ascending order, or None
    where that is unknown. `stored_at` is in seconds since the epoch.
    """

    text: str
    model: str
    stop_reason: str
    call_id: str
    baseline: int | None
    baseline_model: str
    stored_at: float = 0.0
    left_out: tuple[int, ...] | None = None

    def to_entry(self) -> dict[str, Any]:
        """Return the JSON object to store; the cache stamps its time itself."""
        return {
            "text": self.text,
            "model": self.model,
            "stop_reason": self.stop_reason,
            "call_id": self.call_id,
            "baseline": self.baseline,
            "baseline_model": self.baseline_model,
            "left_out": None if self.left_out is None else list(self.left_out),
        }

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> "CachedAnswer | None":
        """Return the answer of an entry, or None if it is not one (a miss)."""
        texts = [entry.get(k) for k in ("text", "model", "stop_reason", "call_id")]
        baseline, stored_at = entry.get("baseline"), entry.get("stored_at", 0.0)
        if not all(isinstance(text, str) for text in texts):
            return None
        if not isinstance(baseline, int | None) or isinstance(baseline, bool):
            return None
        if not isinstance(stored_at, int | float):
            return None
        text, model, stop_reason, call_id = (str(text) for text in texts)
        baseline_model = str(entry.get("baseline_model", ""))
        return cls(
            text,
            model,
            stop_reason,
            call_id,
            baseline,
            baseline_model,
            stored_at,
            _positions(entry.get("left_out")),
        )


def _positions(value: Any) -> tuple[int, ...] | None:
    """Return positions in ascending order; what are none is unknown."""
    if not isinstance(value, list) or any(type(at) is not int for at in value):
        return None
    rising = all(one < other for one, other in pairwise([-1, *value]))
    return tuple(value) if rising else None
