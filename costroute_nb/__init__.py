"""Route each notebook prompt to the cheapest capable model, within a budget.

In a notebook, `%load_ext costroute_nb` and write prompts in `%%route` cells. From
Python, `default_session().route("...")`. Every name below is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.core.budget import Limits
    from costroute_nb.core.classification import Classification
    from costroute_nb.core.learned import Estimate
    from costroute_nb.core.plan import Candidate, Plan
    from costroute_nb.core.result import Result
    from costroute_nb.errors import (
        AuthenticationError,
        BudgetExceededError,
        ConfigurationError,
        CostRouteError,
        InvalidAnswerError,
        MissingKeyError,
        NoCapableModelError,
        ProviderError,
        ProviderTimeoutError,
        RateLimitError,
        RefusedError,
        StreamCutError,
        TemplateError,
        UnknownModelError,
        UnknownPriceError,
    )
    from costroute_nb.offline import classify, count_tokens, difficulty, trim
    from costroute_nb.session import Session, default_session

_HOME = {
    "AuthenticationError": "errors",
    "BudgetExceededError": "errors",
    "Candidate": "core.plan",
    "Classification": "core.classification",
    "ConfigurationError": "errors",
    "CostRouteError": "errors",
    "Estimate": "core.learned",
    "InvalidAnswerError": "errors",
    "Limits": "core.budget",
    "MissingKeyError": "errors",
    "NoCapableModelError": "errors",
    "Plan": "core.plan",
    "ProviderError": "errors",
    "ProviderTimeoutError": "errors",
    "RateLimitError": "errors",
    "RefusedError": "errors",
    "Result": "core.result",
    "Session": "session",
    "StreamCutError": "errors",
    "TemplateError": "errors",
    "UnknownModelError": "errors",
    "UnknownPriceError": "errors",
    "classify": "offline",
    "count_tokens": "offline",
    "default_session": "session",
    "difficulty": "offline",
    "trim": "offline",
}

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "Candidate",
    "Classification",
    "ConfigurationError",
    "CostRouteError",
    "Estimate",
    "InvalidAnswerError",
    "Limits",
    "MissingKeyError",
    "NoCapableModelError",
    "Plan",
    "ProviderError",
    "ProviderTimeoutError",
    "RateLimitError",
    "RefusedError",
    "Result",
    "Session",
    "StreamCutError",
    "TemplateError",
    "UnknownModelError",
    "UnknownPriceError",
    "classify",
    "count_tokens",
    "default_session",
    "difficulty",
    "trim",
]


_adopt: Callable[[Session], None] | None = None
"""What a loaded extension does to the session of the process before it is given out."""


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"costroute_nb.{_HOME[name]}"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("costroute_nb")
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted((*__all__, "__version__"))


def load_ipython_extension(ip: InteractiveShell) -> None:
    """Register the magics: what `%load_ext costroute_nb` calls."""
    from costroute_nb.notebook import extension

    extension.load(ip)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """Take everything back: what `%unload_ext costroute_nb` calls."""
    from costroute_nb.notebook import extension

    extension.unload(ip)
