"""A complete answer, for tests that care about a part of it."""

from costroute_nb.core.messages import Usage
from costroute_nb.core.result import Result

ANSWER = Result(
    text="forty-two",
    model="m",
    tier="small",
    provider="p",
    reason="default",
    usage=Usage(3, output_tokens=2),
    cost_usd=0.0,
    saved_usd=None,
    baseline_model="b",
    call_id="c",
    stop_reason="end_turn",
)
