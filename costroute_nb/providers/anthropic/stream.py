"""Send one request through the SDK and read its stream, turning faults into errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costroute_nb.providers.anthropic import errors, faults

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from anthropic import Anthropic

    from costroute_nb.errors import ProviderError
    from costroute_nb.providers.anthropic.errors import Attempt
    from costroute_nb.providers.anthropic.transcript import Transcript


def stream(
    client: Anthropic, body: Mapping[str, Any], transcript: Transcript, attempt: Attempt
) -> Generator[str]:
    """Send a request and yield the answer's text as it arrives.

    Everything that arrives goes into `transcript`. Closing the generator closes the
    connection, which ends the work on the other side.

    Raises
    ------
    ProviderError
        Unless the answer was complete when the connection failed.
    """
    from anthropic import Stream

    answered = False
    failure: ProviderError | None = None
    try:
        # The wire's own events: no typed object is built for each delta, and kinds
        # that this SDK does not know come through as they are.
        create = client.messages.with_streaming_response.create
        with create(**body) as response:
            answered = True
            transcript.request_id = response.headers.get("request-id")
            for sse in Stream.raw_events(response.http_response):
                event = json.loads(sse.data or "{}")
                if sse.event == "error":
                    partial = transcript.partial(ended_by_server=True)
                    failure = errors.from_event(event, attempt, partial)
                    break
                delta = transcript.take(event)
                if delta:
                    yield delta
    except raised_by_sdk() as error:
        failure = failure_of(error, attempt, answered=answered, transcript=transcript)
    # Raised outside the handler: the SDK's error holds the request with its headers.
    if failure is None and not transcript.begun:
        failure = faults.unexpected_answer(attempt, None)
    elif failure is None and not transcript.complete:
        failure = faults.stream_cut(attempt, transcript.partial())
    if failure is not None and not transcript.complete:
        raise failure


def raised_by_sdk() -> tuple[type[Exception], ...]:
    """Return the classes of what the SDK and its transport raise.

    ValueError is what text that is no JSON or no UTF-8 raises.
    """
    import anthropic
    import httpx2

    return (anthropic.AnthropicError, httpx2.HTTPError, ValueError)


def failure_of(
    error: Exception,
    attempt: Attempt,
    *,
    answered: bool = False,
    transcript: Transcript | None = None,
) -> ProviderError:
    """Return our error for one of the SDK's; `answered` tells that headers came."""
    import anthropic

    partial = transcript.partial() if transcript is not None else None
    match error:
        case anthropic.APIStatusError():
            return errors.from_status(error, attempt)
        case anthropic.APIConnectionError():
            return faults.from_transport(error, attempt, answered, partial)
        case UnicodeEncodeError():
            return faults.unsendable(error, attempt)
        case ValueError() | anthropic.APIError():
            return faults.unexpected_answer(attempt, partial)
        case anthropic.AnthropicError():
            return faults.bad_credentials(attempt)
    return faults.from_transport(error, attempt, answered, partial)
