"""Short ways to ask a server through the real Anthropic SDK."""

from typing import Any

from anthropic import Anthropic
from anthropic.types import Message

HAIKU, SONNET, OPUS = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
PROMPT: list[Any] = [{"role": "user", "content": "Rename this variable"}]


def request(**changes: Any) -> dict[str, Any]:
    """A small request to the small model, with changes."""
    return {"model": HAIKU, "max_tokens": 1000, "messages": PROMPT, **changes}


def ask(client: Anthropic, **changes: Any) -> Message:
    """Send the request without streaming."""
    message: Message = client.messages.create(**request(**changes))
    return message


def stream(client: Anthropic, **changes: Any) -> tuple[list[str], Message]:
    """Send the request streaming; return the texts of its deltas and the message."""
    with client.messages.stream(**request(**changes)) as events:
        texts = list(events.text_stream)
        return texts, events.get_final_message()


def text_of(message: Message) -> str:
    """All text of a message."""
    return "".join(block.text for block in message.content if block.type == "text")
