"""From the errors the provider reports to ours, which say what to do and no secret."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.errors import (
    AuthenticationError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
)

if TYPE_CHECKING:
    import anthropic

    from costroute_nb.core.messages import Completion
    from costroute_nb.providers.anthropic.credentials import Credentials

_TRANSIENT_STATUS = frozenset({408, 409, 429})
# How an error event names what would have been a status before the stream began.
_TRANSIENT_KINDS = frozenset(
    {"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}
)
_KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error",
    403: "permission_error", 404: "not_found_error", 408: "timeout_error",
    409: "conflict_error", 413: "request_too_large", 429: "rate_limit_error",
    504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
_CONTEXT = re.compile(
    r"prompt is too long|context (?:window|limit|length)|too many (?:input )?tokens",
    re.IGNORECASE,
)
_GATEWAY_TIMEOUT = 504
_LONGEST_QUOTE = 200
_KIND = re.compile("[a-z_]+")
_LONGEST_KIND = 40
_NO_KIND = "error"


@dataclass(frozen=True)
class Attempt:
    """The one attempt that failed, as far as its errors need to know it."""

    model: str
    credentials: Credentials

    def clean(self, text: object) -> str:
        """Return a provider's words in one short line with every secret removed."""
        line = " ".join(str(text or "").split())
        for secret in self.credentials.secrets:
            line = line.replace(secret, "[hidden]")
        return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"

    def kind(self, said: object, otherwise: str) -> str:
        """Return a provider's own word for an error, if it is one and no secret."""
        if said is None:
            return otherwise
        word = self.clean(said)
        return word[:_LONGEST_KIND] if _KIND.fullmatch(word) else _NO_KIND

    def fields(self, **more: Any) -> dict[str, Any]:
        """Return the fields that every error of this attempt carries."""
        return {"provider": "anthropic", "model": self.model, **more}


def from_status(error: anthropic.APIStatusError, attempt: Attempt) -> ProviderError:
    """Return the error for an answer with an error status; nothing was generated."""
    status = error.status_code
    usual = _KINDS.get(status, "api_error" if status >= 500 else _NO_KIND)
    kind = attempt.kind(error.type or None, usual)
    headers = error.response.headers
    retryable = status in _TRANSIENT_STATUS or status >= 500
    advice = headers.get("x-should-retry", "").lower()
    if advice in {"true", "false"}:
        retryable = advice == "true"
    if "spend_limit" in (error.error_code or ""):
        kind, retryable = attempt.kind(error.error_code, usual), False
    said = attempt.clean(error.api_message)
    if status == 400 and _CONTEXT.search(said):
        kind = "context_exceeded"
    return _classified(
        attempt,
        kind,
        said,
        status=status,
        retryable=retryable,
        retry_after=retry_after(headers),
        # A gateway that lost patience does not stop the model behind it.
        maybe_billed=status == _GATEWAY_TIMEOUT,
    )


def from_event(
    event: object, attempt: Attempt, partial: Completion | None
) -> ProviderError:
    """Return the error for an `error` event in a stream that had status 200."""
    inner = event.get("error") if isinstance(event, Mapping) else None
    inner = inner if isinstance(inner, Mapping) else {}
    kind = attempt.kind(inner.get("type") or None, "api_error")
    return _classified(
        attempt,
        kind,
        attempt.clean(inner.get("message")),
        status=200,
        retryable=kind in _TRANSIENT_KINDS and not (partial and partial.text),
        partial=partial,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a response asks to wait, or None.

    A date is compared with the response's own date, so that a wrong clock on
    either side does no harm.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after")
    seconds = _number(given)
    if seconds is not None or not given:
        return seconds
    from email.utils import parsedate_to_datetime

    try:
        until = parsedate_to_datetime(given)
        since = parsedate_to_datetime(headers.get("date") or "")
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _classified(attempt: Attempt, kind: str, said: str, **fields: Any) -> ProviderError:
    """Return the error of a kind: its class, its sentence and its fields."""
    error_class = _CLASSES.get(kind, ProviderError)
    lead = _SENTENCES.get(kind, "the provider reports {kind}")
    sentence = lead.format(kind=kind, model=attempt.model)
    message = f"{sentence} (it says: {said})" if said else sentence
    return error_class(message, **attempt.fields(kind=kind, **fields))


_CLASSES: dict[str, type[ProviderError]] = {
    "authentication_error": AuthenticationError,
    "permission_error": AuthenticationError,
    "rate_limit_error": RateLimitError,
    "timeout_error": ProviderTimeoutError,
}
_SPEND = "the provider's own spend limit is reached: raise it in its console"
_SENTENCES = {
    "authentication_error": "the key was refused: check ANTHROPIC_API_KEY",
    "permission_error": "the key was refused for {model}: check ANTHROPIC_API_KEY and "
    "which models it may use",
    "billing_error": "the provider cannot bill the account: check it in its console",
    "enforced_spend_limit_reached": _SPEND,
    "contract_spend_limit_reached": _SPEND,
    "linked_organization_spend_limit_reached": _SPEND,
    "not_found_error": "the provider does not know {model!r}: check the model id, "
    "`%route models` lists them",
    "invalid_request_error": "the provider rejects the request",
    "context_exceeded": "the prompt and the answer's cap exceed what {model} can hold: "
    "shorten the prompt or lower --max-tokens",
    "request_too_large": "the request is too large to send: shorten the prompt",
    "rate_limit_error": "the provider asks to slow down: wait, or raise the account's "
    "rate limit",
    "overloaded_error": "the provider is overloaded: try again in a moment",
    "api_error": "the provider failed: try again in a moment",
    "timeout_error": "the provider gave up on the request: try again, or ask for less",
    "conflict_error": "the provider reports a conflict: try again",
}
