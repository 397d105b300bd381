"""Every error a user can meet, as a tree.

::

    CostRouteError
    ├── ConfigurationError
    │   ├── MissingKeyError
    │   ├── UnknownModelError
    │   └── UnknownPriceError
    ├── TemplateError
    ├── NoCapableModelError
    ├── BudgetExceededError
    ├── ProviderError
    │   ├── AuthenticationError
    │   ├── RateLimitError
    │   ├── ProviderTimeoutError
    │   └── StreamCutError
    ├── InvalidAnswerError
    └── RefusedError

Each says what to do next, carries its numbers as fields, and is picklable. In a
notebook an error shows itself as one line (a missing key: up to six), never as a
traceback. `Interrupted` stands outside the tree: it is a KeyboardInterrupt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from costroute_nb.core.messages import Completion


class _Fields(BaseException):
    """An exception whose keyword arguments become fields, also through pickle."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.__dict__.update(fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__))


def _rebuild(kind: type[Any], message: str, fields: dict[str, Any]) -> Any:
    return kind(message, **fields)


class CostRouteError(_Fields, Exception):
    """Base of every error this package raises on purpose."""

    max_lines = 1

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        lines = [line.strip() for line in str(self).splitlines() if line.strip()]
        if self.max_lines == 1:
            lines = [" ".join(lines)]
        first, *others = lines[: self.max_lines] or [""]
        return [f"{type(self).__name__}: {first}", *others]


class ConfigurationError(CostRouteError):
    """A setting, a table or the environment is wrong; the message says where."""


class MissingKeyError(ConfigurationError):
    """No credentials for a provider; says how to set them or to go offline."""

    max_lines = 6
    provider: str = ""


class UnknownModelError(ConfigurationError):
    """A model id that no table knows; `close` holds the nearest ids."""

    model: str = ""
    close: tuple[str, ...] = ()


class UnknownPriceError(ConfigurationError):
    """A model without a price, while a limit needs one."""

    model: str = ""


class TemplateError(CostRouteError):
    """A placeholder that cannot be filled; nothing was sent."""

    name: str = ""
    close: tuple[str, ...] = ()


class NoCapableModelError(CostRouteError):
    """No model satisfies the request's hard constraints; `reasons` says each why."""

    reasons: tuple[str, ...] = ()


class BudgetExceededError(CostRouteError):
    """A limit leaves no room for the call's worst case; amounts are in USD.

    `limit` is `call`, `session`, `day` or `month`; `max_tokens` is the largest
    cap with which the same call would fit now, or None if none would. `by_tier` tells
    that there is room, but for lower tiers only: what `on_limit="degrade"` leaves.
    """

    limit: str = ""
    by_tier: bool = False
    limit_usd: float = 0.0
    spent_usd: float = 0.0
    held_usd: float = 0.0
    needed_usd: float = 0.0
    max_tokens: int | None = None


class ProviderError(CostRouteError):
    """A provider answered with an error or not at all.

    Attributes
    ----------
    status
        The HTTP status, or None when there was no answer.
    kind
        The provider's own error type, such as `overloaded_error`.
    retry_after
        Seconds the provider asked to wait, or None.
    retryable
        Whether the same request may succeed later.
    maybe_billed
        True when the provider may have worked (and billed) without our seeing it.
    partial
        What had arrived when a stream broke, with its usage so far, or None.
    """

    provider: str = ""
    model: str = ""
    status: int | None = None
    kind: str = ""
    retry_after: float | None = None
    retryable: bool = False
    maybe_billed: bool = False
    partial: Completion | None = None


class AuthenticationError(ProviderError):
    """The provider refuses the key."""


class RateLimitError(ProviderError):
    """The provider asks to slow down for longer than we wait."""


class ProviderTimeoutError(ProviderError):
    """No answer in time; the provider may have billed it nevertheless."""


class StreamCutError(ProviderError):
    """The connection broke in mid-answer; `partial` holds the text so far."""


class InvalidAnswerError(CostRouteError):
    """No candidate's answer passed its schema or check.

    `text` is the last answer, `reason` what rejected it, `cost_usd` the spend.
    """

    text: str = ""
    reason: str = ""
    cost_usd: float | None = None
    call_id: str = ""


class RefusedError(CostRouteError):
    """Every candidate refused to answer; `category` is the provider's word."""

    category: str = ""
    text: str = ""
    cost_usd: float | None = None
    call_id: str = ""


class Interrupted(_Fields, KeyboardInterrupt):
    """The user's interrupt during a call, with the partial answer attached."""

    partial: Completion | None = None

    @classmethod
    def during(cls, partial: Completion | None) -> Self:
        """Return the interrupt of a call that had got this far."""
        return cls("interrupted", partial=partial)
