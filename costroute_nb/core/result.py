"""What a call returns: the answer with what it took to get it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from costroute_nb.core.messages import Usage


@dataclass(frozen=True, slots=True)
class Result:
    """An accepted answer. `str(result)` is its text.

    Attributes
    ----------
    data
        The parsed answer when a schema was given, else None.
    usage
        The delivered attempt's billed tokens; all zero for a cached answer.
    cost_usd
        USD of all attempts together; None while unknown.
    saved_usd
        `baseline_model`'s cost for the same tokens, less `cost_usd`.
    attempts
        How many HTTP attempts were made; 0 for a cached answer.
    age_s
        Seconds since a cached answer was fetched, else None.
    notes
        What happened on the way, one line each: retries, escalations.
    """

    text: str
    model: str
    tier: str
    provider: str
    reason: str
    usage: Usage
    cost_usd: float | None
    saved_usd: float | None
    baseline_model: str
    call_id: str
    data: Any = None
    cache_hit: bool = False
    attempts: int = 1
    stop_reason: str | None = None
    latency_s: float = 0.0
    rule: str | None = None
    age_s: float | None = None
    estimated: bool = False
    simulated: bool = False
    notes: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return every field as JSON-ready values."""
        found = {name: getattr(self, name) for name in self.__slots__}
        found["usage"] = self.usage.to_dict()
        found["notes"] = list(self.notes)
        found["data"] = _plain(self.data)
        return found


def _plain(data: Any) -> Any:
    dump = getattr(data, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    if hasattr(data, "__dataclass_fields__") and not isinstance(data, type):
        return asdict(data)
    return data
