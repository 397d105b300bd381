"""Models and requests to hand to a provider."""

from typing import Any

from costroute_nb.core.catalog import Model
from costroute_nb.core.messages import Request

SMALL = Model(
    id="claude-haiku-5-5",
    provider="anthropic",
    tier="small",
    line="haiku",
    tokenizer="claude-2026",
    context_window=1_000_000,
    max_output=128_000,
    thinks=True,
    thinking_off="disabled",
    efforts=("low", "medium", "high"),
)
MEDIUM = Model(
    id="claude-sonnet-5-5",
    provider="anthropic",
    tier="medium",
    line="sonnet",
    tokenizer="claude-2026",
    context_window=1_000_000,
    max_output=128_000,
    thinks=True,
    thinking_off="between_tools",
    efforts=("low", "medium", "high"),
)
LARGE = Model(
    id="claude-opus-5-5",
    provider="anthropic",
    tier="large",
    line="opus",
    tokenizer="claude-2026",
    context_window=1_000_000,
    max_output=128_000,
    thinks=True,
    thinking_off="never",
    efforts=("low", "medium", "high"),
)
BY_TIER = {"small": SMALL, "medium": MEDIUM, "large": LARGE}


def ask_for(prompt: str = "Say hello.", max_tokens: int = 1000, **more: Any) -> Request:
    """A request of one user message; `more` are fields of Request."""
    messages = ({"role": "user", "content": prompt},)
    return Request(messages=messages, max_tokens=max_tokens, **more)
