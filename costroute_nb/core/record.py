"""One attempt as the ledger keeps it, and the columns a user sees."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from costroute_nb.core.messages import Usage
from costroute_nb.core.tokens import Estimate

Status = Literal[
    "pending",
    "ok",
    "cached",
    "escalated",
    "truncated",
    "refused",
    "failed",
    "interrupted",
    "unknown",
]

COLUMNS = (
    "at", "call_id", "attempt", "session_id", "notebook", "cell", "workflow", "step",
    "provider", "model", "tier", "task", "reason", "status", "input_tokens",
    "output_tokens", "cache_read_tokens", "cache_write_tokens", "thinking_tokens",
    "cost_usd", "charged_usd", "baseline_usd", "saved_usd", "cache_hit", "estimated",
    "simulated", "latency_s", "price_as_of",
)  # fmt: skip
"""The columns of every ledger frame, in order. Money is float USD, missing = unknown."""


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt of one call: who, what, how it ended and what it cost.

    Money is in whole pico-USD. `cost` is None while unknown; `charged` is what
    the limits count: the hold while `pending`, the worst case while `unknown`,
    the cost (or its upper bound, when estimated) afterwards; None only where no
    price exists and no limit holds. `notebook` is a file name, never a path.
    `structured` tells that the answer had to follow a schema; `trimmed_tokens` were
    left out of the prompt, which would have cost `trimmed` on top; `estimate` is what
    the prompt's tokens were taken for, uncorrected. `accepted` is the verdict on a
    complete answer that a schema or a check could reject, and None of any other, also
    where the check itself broke; `p_fails` is how likely an estimator had said that to
    be, from 0 to 1, unshifted, where there is a verdict and one was asked, and
    `estimator` is that one's name, as its `Estimate.source` has it.
    """

    call_id: str
    attempt: int
    at: datetime
    session_id: str
    provider: str
    model: str
    tier: str
    task: str
    status: Status
    simulated: bool
    reason: str = ""
    notebook: str | None = None
    cell: str | None = None
    workflow: str | None = None
    step: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost: int | None = None
    charged: int | None = None
    baseline: int | None = 0
    cache_hit: bool = False
    estimated: bool = False
    latency_s: float = 0.0
    price_as_of: str = ""
    effort: str | None = None
    structured: bool = False
    thread: str | None = None
    trimmed_tokens: int = 0
    trimmed: int | None = 0
    p_fails: float | None = None
    accepted: bool | None = None
    estimator: str | None = None
    estimate: Estimate | None = None

    @property
    def saved(self) -> int | None:
        """What the attempt saved against the baseline; negative when it cost more."""
        if self.cost is None or self.baseline is None:
            return None
        return self.baseline - self.cost
