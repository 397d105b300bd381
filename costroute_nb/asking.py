"""Turn what a user wrote, options by name, into one checked Call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast, get_args

from costroute_nb.core.call import Call
from costroute_nb.core.messages import Effort
from costroute_nb.core.money import usd_to_pico
from costroute_nb.core.thread import Thread
from costroute_nb.core.validation import compile_check
from costroute_nb.errors import ConfigurationError
from costroute_nb.settings import seconds
from costroute_nb.typed import answer_schema

if TYPE_CHECKING:
    from costroute_nb.core.call import AnswerCheck
    from costroute_nb.core.catalog import Catalog, Tier
    from costroute_nb.core.messages import Message
    from costroute_nb.settings import Settings

OPTIONS = (
    "tier", "floor", "ceiling", "model", "provider", "system", "context", "thread",
    "context_tokens", "max_tokens", "effort", "schema", "check", "max_cost", "cache",
    "fresh", "ttl", "escalate", "workflow", "step",
)  # fmt: skip


def build_call(
    prompt: str,
    options: Mapping[str, Any],
    *,
    catalog: Catalog,
    settings: Settings,
    typed: str | None = None,
    values: Sequence[str] = (),
    notebook: str | None = None,
    cell: str | None = None,
    check_namespace: Mapping[str, Any] | None = None,
) -> Call:
    """Return the call that a prompt and its options ask for.

    Raises
    ------
    ConfigurationError
        For an unknown option, or a value that cannot be used.
    """
    for name in options:
        if name not in OPTIONS:
            close = get_close_matches(name, OPTIONS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            message = f"there is no option {name!r}{hint}"
            raise ConfigurationError(message)
    try:
        return _call(
            prompt,
            {name: value for name, value in options.items() if value is not None},
            catalog,
            settings,
            typed=prompt if typed is None else typed,
            values=tuple(values),
            notebook=notebook,
            cell=cell,
            check_namespace=check_namespace or {},
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


_TEXTS = (
    "model", "provider", "system", "tier", "floor", "ceiling", "thread", "workflow",
    "step",
)  # fmt: skip
_BLOCKS = ("text", "tool_use", "tool_result")


def _call(
    prompt: Any,
    given: Mapping[str, Any],
    catalog: Catalog,
    settings: Settings,
    *,
    check_namespace: Mapping[str, Any],
    **origin: Any,
) -> Call:
    if not isinstance(prompt, str) or not prompt.strip():
        message = "the prompt is not text, or it is empty"
        raise ValueError(message)
    for name in _TEXTS:
        if not isinstance(given.get(name, ""), str):
            message = f"{name} is text, not {given[name]!r}"
            raise ValueError(message)
    tiers = [name for name in ("tier", "floor", "ceiling") if name in given]
    if "model" in given and tiers:
        message = f"name a model or a {tiers[0]}, not both"
        raise ValueError(message)
    if given.get("fresh") and not given.get("cache", True):
        message = (
            "fresh overwrites the cache and cache=False stays out of it: choose one"
        )
        raise ValueError(message)
    wanted = answer_schema(given["schema"]) if "schema" in given else None
    check, source = _check(given.get("check"), check_namespace)
    max_cost = given.get("max_cost")
    ttl = given.get("ttl")
    return Call(
        prompt=prompt,
        context=_context(given.get("context")),
        thread=_thread(given.get("thread")),
        context_tokens=_positive(
            "context_tokens", given.get("context_tokens", settings.context_tokens)
        ),
        system=given.get("system"),
        schema=wanted.schema if wanted else None,
        parse=wanted.parse if wanted else None,
        columns=wanted.columns if wanted else (),
        check=check,
        check_source=source,
        tier=_tier(given.get("tier"), catalog),
        floor=_tier(given.get("floor"), catalog),
        ceiling=_tier(given.get("ceiling"), catalog),
        model=given.get("model"),
        provider=given.get("provider", settings.provider),
        effort=_effort(given.get("effort")),
        max_tokens=_positive("max_tokens", given.get("max_tokens")),
        max_cost=None if max_cost is None else _usd(max_cost),
        cache=bool(given.get("cache", True)),
        fresh=bool(given.get("fresh", False)),
        ttl=None if ttl is None else seconds(ttl),
        escalate=bool(given.get("escalate", True)),
        workflow=given.get("workflow", settings.workflow),
        step=given.get("step", settings.step),
        **origin,
    )


def _tier(name: str | None, catalog: Catalog) -> Tier | None:
    return None if name is None else catalog.tier_named(name)


def _thread(name: str | None) -> Thread | None:
    """Return the thread that a call names; its messages join it when it runs."""
    if name is None:
        return None
    if not name.strip():
        message = "the thread has no name"
        raise ValueError(message)
    return Thread(name.strip())


def _effort(effort: Any) -> Effort | None:
    if effort is not None and effort not in get_args(Effort):
        message = f"effort is one of {', '.join(get_args(Effort))}, not {effort!r}"
        raise ValueError(message)
    return cast("Effort | None", effort)


def _positive(name: str, count: Any) -> int | None:
    whole = isinstance(count, int) and not isinstance(count, bool)
    if count is not None and (not whole or count < 1):
        message = f"{name} is a whole number from 1, not {count!r}"
        raise ValueError(message)
    return None if count is None else int(count)


def _usd(amount: float | str) -> int:
    pico = usd_to_pico(str(amount).strip().removeprefix("$"))
    if pico < 0:
        message = f"max_cost cannot be negative: {amount}"
        raise ValueError(message)
    return pico


def _context(context: object) -> tuple[Message, ...]:
    """Return context text as a message of its own, or the given messages checked."""
    if context is None:
        return ()
    if isinstance(context, str):
        return ({"role": "user", "content": context},) if context.strip() else ()
    if not isinstance(context, Sequence):
        message = "context is text or a list of {role, content} messages"
        raise ValueError(message)
    for number, message in enumerate(context):
        if (
            not isinstance(message, Mapping)
            or message.get("role") not in ("user", "assistant")
            or not isinstance(message.get("content"), str | list)
        ):
            complaint = f"context[{number}] is not a {{role, content}} message"
            raise ValueError(complaint)
        if not isinstance(message["content"], str):
            _require_text(message["content"], f"context[{number}]")
    if context and context[0]["role"] != "user":
        message = "the first message of a context must be the user's"
        raise ValueError(message)
    # Kept in a thread, it must not change when the user's own list does.
    return tuple(deepcopy(dict(message)) for message in context)


def _require_text(blocks: Sequence[Any], where: str) -> None:
    """Refuse blocks whose tokens the bytes of the request do not bound.

    A picture or a document is billed by its size or its pages, and one that is named
    by an address is not in the request at all: no limit could hold.
    """
    for block in blocks:
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind not in _BLOCKS:
            message = (
                f"{where} has a block of type {kind!r}: only text has a known cost"
            )
            raise ValueError(message)
        if kind == "text" and not isinstance(block.get("text"), str):
            message = f"{where} has a text block without text"
            raise ValueError(message)
        if isinstance(block.get("content"), list):
            _require_text(block["content"], where)


def _check(check: Any, namespace: Mapping[str, Any]) -> tuple[AnswerCheck | None, str]:
    if check is None:
        return None, ""
    if isinstance(check, str):
        return compile_check(check, namespace), check
    if callable(check):
        return check, getattr(check, "__name__", "check")
    message = "check is a callable of the result or a Python expression"
    raise ValueError(message)
