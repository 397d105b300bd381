"""What recorded attempts would have cost under other choices; nothing is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Literal

from costroute_nb.core.billed import Billed, BilledCosting
from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.messages import Usage
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.record import Record
from costroute_nb.errors import ConfigurationError, CostRouteError


class Instead(Enum):
    """What else may become of an attempt than that another model makes it."""

    KEPT = "as it was"
    LEFT_OUT = "not made"


Choice = Callable[[Billed], Model | Instead]
"""What becomes of an attempt under other choices."""

ByTier = Callable[[str], Model | Instead]
"""What becomes of the attempts of a tier."""

Policy = Literal["all-large", "all-small"] | Callable[[Record], str | None]
_FIELDS = ", ".join(
    f"usage.{{{', '.join(part.name for part in fields(Usage))}}}"
    if one.name == "usage"
    else one.name
    for one in fields(Record)
)


@dataclass(frozen=True, slots=True)
class Replay:
    """Says what attempts would have cost under other choices.

    An attempt that the choices do not concern keeps its recorded cost, exactly; a
    cached answer, and an attempt that used no tokens, stay as they are.

    Attributes
    ----------
    repriced
        Whether a model, by its id, has another price than the recorded one.
    """

    billing: BilledCosting
    repriced: Callable[[str], bool]

    def cost(
        self, attempt: Billed, chosen: Model | Instead
    ) -> tuple[int | None, str, bool]:
        """Return an attempt's cost in pico-USD, who makes it, and what is changed.

        The cost is None where either one is unknown. Who makes it is empty where
        nobody does, and the last is whether a choice concerned the attempt.
        """
        if not attempt.asked:
            return attempt.cost, attempt.model, False
        if chosen is Instead.LEFT_OUT:
            return 0, "", True
        if not self.concerns(attempt.model, chosen):
            return attempt.cost, attempt.model, False
        if isinstance(chosen, Model) and chosen.id != self.billing.served(
            attempt.model
        ):
            return self.billing.cost(attempt, chosen), chosen.id, True
        return self.billing.cost(attempt), attempt.model, True

    def concerns(self, model: str, chosen: Model | Instead) -> bool:
        """Whether a choice may change what the attempts of a model cost."""
        own = self.billing.served(model)
        moved = isinstance(chosen, Model) and chosen.id != own
        return moved or chosen is Instead.LEFT_OUT or self.repriced(own)


def with_tiers(tiers: Mapping[str, str], catalog: Catalog) -> ByTier:
    """Return the choice that puts other models, by id or line, into tiers.

    Raises
    ------
    ValueError
        If there is no such tier.
    UnknownModelError
        If there is no such model.
    """
    models: dict[str, Model] = {
        catalog.tier_named(name): _named(model, catalog)
        for name, model in tiers.items()
    }
    return lambda tier: models.get(tier, Instead.KEPT)


def _named(name: str, catalog: Catalog) -> Model:
    """Return the model of an id, or the only one of its line that routing picks."""
    line = [m for m in catalog.models if m.routed and m.line == str(name).lower()]
    return line[0] if len(line) == 1 else catalog.find(str(name))


def with_policy(
    policy: Literal["all-large", "all-small"],
    catalog: Catalog,
    attempts: Iterable[Billed],
) -> Choice:
    """Return the choice of asking one tier's model at once, and once for each call.

    The last attempt of a call that used tokens for a known cost stands for the call,
    whatever became of it, and those before are not made.

    Parameters
    ----------
    attempts
        What will be replayed, at least all that are not the first of their calls.

    Raises
    ------
    ValueError
        If there is no such policy.
    """
    if policy not in ("all-large", "all-small"):
        message = f"no policy {policy!r}: all-large, all-small or a function"
        raise ValueError(message)
    model = baseline_model(catalog)
    if policy == "all-small":
        model = next(iter(catalog.in_tier("small", model.provider)), model)
    last: dict[str, int] = {}
    for later in attempts:
        if later.attempt > 1 and later.asked:
            last[later.call_id] = max(later.attempt, last.get(later.call_id, 1))

    def choose(attempt: Billed) -> Model | Instead:
        stands = attempt.attempt == last.get(attempt.call_id, 1)
        return model if stands else Instead.LEFT_OUT

    return choose


def with_function(
    policy: Callable[[Record], str | None], catalog: Catalog
) -> Callable[[Record], Model | Instead]:
    """Return the choice of a function that names a model for a record.

    None is for an attempt that would not be made.

    Raises
    ------
    ConfigurationError
        On use, if the function fails or returns anything else.
    UnknownModelError
        On use, if it names a model that no table knows.
    """

    def choose(record: Record) -> Model | Instead:
        model_id = _asked(policy, record)
        if model_id is None:
            return Instead.LEFT_OUT
        # It may name whatever made the attempt, also what no table knows any more.
        return Instead.KEPT if model_id == record.model else catalog.find(model_id)

    return choose


def _asked(policy: Callable[[Record], str | None], record: Record) -> str | None:
    try:
        found: object = policy(record)
    except CostRouteError:
        raise
    except Exception as error:
        message = (
            f"the policy failed ({type(error).__name__}: {error}): what it is given has "
            f"attributes, as in `record.tier`: {_FIELDS}"
        )
        raise ConfigurationError(message) from error
    if found is None or isinstance(found, str):
        return found
    message = (
        f"the policy returned {found!r}: the id of a model, or None where nothing would "
        "have been asked"
    )
    raise ConfigurationError(message)
