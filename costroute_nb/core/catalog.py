"""Which models exist, what each can do, and which of them form a tier."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Literal, cast, get_args

from costroute_nb.core.messages import Effort
from costroute_nb.core.tables import (
    Path,
    Table,
    TableError,
    check_keys,
    get_bool,
    get_choice,
    get_int,
    get_str,
    get_strings,
    get_tables,
)
from costroute_nb.core.tokens import DEFAULT_TOKENIZER, RATIOS
from costroute_nb.errors import UnknownModelError

Tier = Literal["small", "medium", "large"]
TIERS: tuple[Tier, ...] = ("small", "medium", "large")
Lifecycle = Literal["active", "deprecated", "retired"]
ThinkingOff = Literal["disabled", "between_tools", "never"]
_LIFECYCLES: tuple[Lifecycle, ...] = get_args(Lifecycle)
_THINKING_OFF: tuple[ThinkingOff, ...] = get_args(ThinkingOff)


_DATED = re.compile(r"-\d{8}$")


def tier_rank(tier: Tier) -> int:
    """Return 0 for small, 1 for medium, 2 for large."""
    return TIERS.index(tier)


def higher_tier(first: Tier, second: Tier) -> Tier:
    """Return the more capable of two tiers."""
    return first if tier_rank(first) >= tier_rank(second) else second


@dataclass(frozen=True, slots=True)
class Model:
    """One model and the hard facts that a plan must respect.

    Attributes
    ----------
    line
        The maker's name for the kind (`haiku`, `sonnet`, `opus`); it names the tier.
    tokenizer
        The family whose characters-per-token ratios apply.
    context_window, max_output
        Tokens: prompt and answer together, and the longest answer.
    structured_output
        Whether the provider itself enforces a JSON schema.
    thinks
        Whether the model thinks when a request says nothing about it.
    thinking_off
        What turns thinking off: `disabled`, `between_tools` (the lowest setting
        of a model that refuses `disabled`), or `never`.
    efforts
        Effort levels the model accepts; empty when it takes none.
    routed
        Whether routing may pick it; otherwise only `--model` does.
    retires
        The first day on which the provider no longer serves it.
    """

    id: str
    provider: str
    tier: Tier
    line: str
    tokenizer: str
    context_window: int
    max_output: int
    structured_output: bool = True
    thinks: bool = False
    thinking_off: ThinkingOff = "disabled"
    efforts: tuple[Effort, ...] = ()
    routed: bool = True
    lifecycle: Lifecycle = "active"
    retires: date | None = None
    aliases: tuple[str, ...] = ()

    def is_retired(self, on: date) -> bool:
        """Tell whether the provider has stopped serving the model on a day."""
        return self.lifecycle == "retired" or (
            self.retires is not None and on >= self.retires
        )


class Catalog:
    """The models by id, alias, line and tier."""

    def __init__(self, models: Iterable[Model]) -> None:
        self.models = tuple(models)
        self._by_id = {
            name: model for model in self.models for name in (model.id, *model.aliases)
        }

    def get(self, model_id: str) -> Model | None:
        """Return the model with this exact id or alias, or None."""
        return self._by_id.get(model_id)

    def known(self, model_id: str) -> Model | None:
        """Return the model of an id as a response has it, which may be a dated one."""
        return self.get(model_id) or self.get(_DATED.sub("", model_id))

    def find(self, model_id: str) -> Model:
        """Return the model with this exact id or alias.

        Raises
        ------
        UnknownModelError
            With the closest ids, and where to add a model.
        """
        model = self.get(model_id)
        if model is not None:
            return model
        close = get_close_matches(model_id, self._by_id, n=3)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        message = (
            f"unknown model {model_id!r}: {hint}`%route models` lists the known ones, "
            "and an entry in your tiers.toml adds one"
        )
        raise UnknownModelError(message, model=model_id, close=tuple(close))

    def tier_named(self, name: str) -> Tier:
        """Return the tier that a tier's or a model line's name stands for.

        Raises
        ------
        ValueError
            If the name is neither.
        """
        word = name.strip().lower()
        if word in TIERS:
            return word
        for model in self.models:
            if model.routed and model.line == word:
                return model.tier
        message = f"{name!r} is no tier: use {', '.join(self.tier_names())}"
        raise ValueError(message)

    def tier_names(self) -> tuple[str, ...]:
        """Return every name `tier_named` accepts: tiers first, then routed lines."""
        lines = (model.line for model in self.models if model.routed)
        return tuple(dict.fromkeys((*TIERS, *lines)))

    def in_tier(self, tier: Tier, provider: str) -> tuple[Model, ...]:
        """Return a provider's models that routing may pick in a tier."""
        return tuple(
            model
            for model in self.models
            if model.tier == tier and model.provider == provider and model.routed
        )


_KEYS = (*Model.__slots__, "source")


def parse_models(table: Table) -> tuple[Model, ...]:
    """Return the models of a parsed tiers.toml.

    Raises
    ------
    TableError
        At the first entry that cannot be used, or that repeats an id or alias.
    """
    check_keys(table, ("models",))
    models = []
    taken: set[str] = set()
    for index, entry in enumerate(get_tables(table, "models")):
        model = parse_model(entry, ("models", index))
        for key, name in (("id", model.id), *(("aliases", a) for a in model.aliases)):
            if name in taken:
                message = f"{name} names two models; keep one"
                raise TableError(message, ("models", index, key))
            taken.add(name)
        models.append(model)
    return tuple(models)


def parse_model(entry: Table, path: Path = ()) -> Model:
    """Return the model that one `[[models]]` entry describes.

    Raises
    ------
    TableError
        If a key is missing, unknown or has an unusable value.
    """
    check_keys(entry, _KEYS, path)
    get_str(entry, "source", path, None)
    window = get_int(entry, "context_window", path, minimum=1)
    longest = get_int(entry, "max_output", path, minimum=1)
    if longest > window:
        message = f"'max_output' is above the context window of {window} tokens"
        raise TableError(message, (*path, "max_output"))
    return Model(
        id=get_str(entry, "id", path),
        provider=get_str(entry, "provider", path),
        tier=get_choice(entry, "tier", TIERS, path),
        line=get_str(entry, "line", path),
        tokenizer=get_choice(
            entry, "tokenizer", tuple(RATIOS), path, DEFAULT_TOKENIZER
        ),
        context_window=window,
        max_output=longest,
        structured_output=get_bool(entry, "structured_output", path, True),
        thinks=get_bool(entry, "thinks", path, False),
        thinking_off=get_choice(
            entry, "thinking_off", _THINKING_OFF, path, _THINKING_OFF[0]
        ),
        efforts=_efforts(entry, path),
        routed=get_bool(entry, "routed", path, True),
        lifecycle=get_choice(entry, "lifecycle", _LIFECYCLES, path, _LIFECYCLES[0]),
        retires=_day(entry, "retires", path),
        aliases=get_strings(entry, "aliases", path, ()),
    )


def _efforts(entry: Table, path: Path) -> tuple[Effort, ...]:
    given = get_strings(entry, "efforts", path, ())
    for effort in given:
        if effort not in get_args(Effort):
            message = f"{effort!r} is not one of {', '.join(get_args(Effort))}"
            raise TableError(message, (*path, "efforts"))
    return cast("tuple[Effort, ...]", given)


def _day(entry: Table, key: str, path: Path) -> date | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        message = f"{key!r} must be a date such as 2026-11-30; it is {value!r}"
        raise TableError(message, (*path, key))
    return value
