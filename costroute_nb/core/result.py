"""What a call returns: the answer with what it took to get it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costroute_nb.core.messages import Message, Thinking, Usage

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Result:
    """An accepted answer. `str(result)` is its text.

    Attributes
    ----------
    data
        The typed answer when a schema was given, else None.
    columns
        The names of the columns of `frame`, in the schema's order.
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
    effort
        How hard the model was asked to think, or None for its own default.
    thinking
        `off` where the model was asked to think as little as it can.
    dropped
        The messages that trimming left out of the prompt, in chronological order.
    trimmed_tokens, trimmed_usd
        About how many tokens that were, and what they cost at the same model as plain
        input.
    prompt_cache_usd
        What the provider's prompt cache saved against plain input on the same model;
        negative when more was written than read.
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
    columns: tuple[str, ...] = field(default=(), repr=False)
    cache_hit: bool = False
    attempts: int = 1
    stop_reason: str | None = None
    latency_s: float = 0.0
    rule: str | None = None
    age_s: float | None = None
    estimated: bool = False
    simulated: bool = False
    effort: str | None = None
    thinking: Thinking = "auto"
    dropped: tuple[Message, ...] = field(default=(), repr=False)
    trimmed_tokens: int = 0
    trimmed_usd: float | None = 0.0
    prompt_cache_usd: float | None = 0.0
    notes: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.text

    @property
    def frame(self) -> "pd.DataFrame | None":
        """The data as a frame: one row for each object of a list, else one; or None."""
        from costroute_nb.frames import data_frame

        return None if self.data is None else data_frame(self.data, self.columns)

    def to_dict(self) -> dict[str, Any]:
        """Return every field as JSON-ready values."""
        found = {name: getattr(self, name) for name in self.__slots__}
        found["usage"] = self.usage.to_dict()
        for name in ("columns", "dropped", "notes"):
            found[name] = list(found[name])
        found["data"] = _plain(self.data)
        return found


def _plain(data: Any) -> Any:
    if data is None or isinstance(data, str | int):
        return data
    # Only typed data needs it, and whoever has typed data has imported pydantic.
    from pydantic_core import to_jsonable_python

    # Fields have the names that they have in Python and in the frame.
    return to_jsonable_python(data, by_alias=False, inf_nan_mode="null", fallback=str)
