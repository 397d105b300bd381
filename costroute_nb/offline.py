"""What can be asked without a session: the tier of a prompt, the tokens of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costroute_nb.core.policy import baseline_model
from costroute_nb.core.tokens import estimate_messages, estimate_tokens
from costroute_nb.sources import config_dir
from costroute_nb.tables import load_tables
from costroute_nb.wiring import classifier_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.core.classification import Classification
    from costroute_nb.core.messages import Message


def classify(prompt: str) -> Classification:
    """Return which tier a prompt needs, and why; nothing is sent."""
    rules = load_tables(config_dir()).rules
    classifier = classifier_of(rules.rules, rules.size)
    return classifier.classify(prompt, input_tokens=estimate_tokens(prompt))


def count_tokens(
    text_or_messages: str | Sequence[Message], model: str | None = None
) -> int:
    """Estimate the prompt tokens of a text or of messages, offline.

    Parameters
    ----------
    text_or_messages
        Text, or `{role, content}` messages; messages include their overhead.
    model
        Whose tokenizer to assume; None takes the newest family's.
    """
    catalog = load_tables(config_dir()).catalog
    tokenizer = (catalog.find(model) if model else baseline_model(catalog)).tokenizer
    if isinstance(text_or_messages, str):
        return estimate_tokens(text_or_messages, tokenizer)
    return estimate_messages(text_or_messages, tokenizer=tokenizer)
