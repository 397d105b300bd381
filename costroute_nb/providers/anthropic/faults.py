"""Errors of what never became an answer: connections, timeouts, the request itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costroute_nb.errors import (
    AuthenticationError,
    ProviderError,
    ProviderTimeoutError,
    StreamCutError,
)

if TYPE_CHECKING:
    from costroute_nb.core.messages import Completion
    from costroute_nb.providers.anthropic.errors import Attempt


def from_transport(
    error: BaseException,
    attempt: Attempt,
    answered: bool,
    partial: Completion | None,
) -> ProviderError:
    """Return the error for a connection that failed, was slow or broke off.

    `answered` tells that the response had begun; `partial` is what had arrived.
    """
    import httpx2

    cause = _root(error)
    host = attempt.credentials.host
    if isinstance(cause, httpx2.TimeoutException):
        return _timed_out(cause, attempt, partial)
    if answered:
        return stream_cut(attempt, partial)
    if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
        message = (
            f"{host} closed the connection without an answer; it may have billed "
            "the request nevertheless; try again"
        )
        return ProviderError(
            message,
            **attempt.fields(kind="no_answer", retryable=True, maybe_billed=True),
        )
    if isinstance(cause, httpx2.LocalProtocolError | httpx2.UnsupportedProtocol):
        return _unwritable(attempt)
    message = f"cannot reach {host}: check the network and ANTHROPIC_BASE_URL"
    return ProviderError(message, **attempt.fields(kind="unreachable", retryable=True))


def stream_cut(attempt: Attempt, partial: Completion | None) -> StreamCutError:
    """Return the error for a stream that ended before its last word."""
    message = (
        f"the connection to {attempt.credentials.host} broke off in mid-answer; what "
        "had arrived is kept; run it again for the whole"
    )
    fields = attempt.fields(
        kind="stream_cut",
        status=200,
        partial=partial,
        retryable=not (partial and partial.text),
        maybe_billed=True,
    )
    return StreamCutError(message, **fields)


def unexpected_answer(attempt: Attempt, partial: Completion | None) -> ProviderError:
    """Return the error for a response that is no stream of this API's events."""
    message = (
        f"{attempt.credentials.host} answered, but not as the Messages API does: "
        "check ANTHROPIC_BASE_URL"
    )
    fields = attempt.fields(
        kind="unexpected_answer", status=200, partial=partial, maybe_billed=True
    )
    return ProviderError(message, **fields)


def unsendable(error: UnicodeEncodeError, attempt: Attempt) -> ProviderError:
    """Return the error for a prompt or a header that is no text; nothing was sent."""
    if "surrogate" not in error.reason:
        return _unwritable(attempt)
    message = (
        "the prompt holds half of a character (a lone surrogate), which cannot be "
        "sent; encode it with errors='replace' first"
    )
    return ProviderError(message, **attempt.fields(kind="invalid_request"))


def _unwritable(attempt: Attempt) -> ProviderError:
    message = (
        "the request could not be written: check ANTHROPIC_CUSTOM_HEADERS and "
        "ANTHROPIC_BASE_URL for stray characters"
    )
    return ProviderError(message, **attempt.fields(kind="invalid_request"))


def bad_credentials(attempt: Attempt) -> AuthenticationError:
    """Return the error for credentials that could not be exchanged for a token."""
    message = (
        f"the Anthropic {attempt.credentials.source} could not be used: log in "
        "again, or set ANTHROPIC_API_KEY"
    )
    return AuthenticationError(message, **attempt.fields(kind="authentication_error"))


def _timed_out(
    cause: BaseException, attempt: Attempt, partial: Completion | None
) -> ProviderTimeoutError:
    import httpx2

    host = attempt.credentials.host
    unsent = isinstance(cause, httpx2.ConnectTimeout | httpx2.PoolTimeout)
    message = (
        f"cannot reach {host} in time: check the network and ANTHROPIC_BASE_URL"
        if unsent
        else f"{host} was silent for too long; it may bill the request nevertheless; "
        "try again, or ask for less"
    )
    fields = attempt.fields(
        kind="timeout",
        partial=partial,
        retryable=not (partial and partial.text),
        maybe_billed=not unsent,
    )
    return ProviderTimeoutError(message, **fields)


def _root(error: BaseException) -> BaseException:
    """Return the transport's own exception inside the SDK's."""
    import httpx2

    while not isinstance(error, httpx2.HTTPError) and error.__cause__ is not None:
        error = error.__cause__
    return error
