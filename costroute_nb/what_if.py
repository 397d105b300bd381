"""Replay recorded attempts under other choices, and sum both costs up in a frame."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args

from costroute_nb.core.billed import Billed, BilledCosting, values_of
from costroute_nb.core.costing import Costing
from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.replay import (
    Policy,
    Replay,
    with_function,
    with_policy,
    with_tiers,
)
from costroute_nb.core.repricing import Repriced, Repricing, with_prices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from costroute_nb.core.billed import Among
    from costroute_nb.core.catalog import Catalog, Model
    from costroute_nb.core.record import Record
    from costroute_nb.core.replay import ByTier, Instead
    from costroute_nb.core.totals import Totals
    from costroute_nb.ports import Prices

ReplayedBy = Literal["tier", "model", "workflow", "step", "task", "notebook"]

NOTES = (
    "answers are not replayed: another model is taken to answer as well, however long "
    "the prompt, and in as much text",
    "tokens under another tokenizer are estimated",
    "cached answers stay free",
    "attempts of unknown cost are in neither sum",
)
"""What every reader of a replay must know."""

_Chosen: TypeAlias = "tuple[str | None, Billed, Model | Instead]"
"""What an attempt is grouped by, the attempt, and what becomes of it."""


class Attempts(Protocol):
    """Recorded attempts that may be gone through more than once, oldest first."""

    def __iter__(self) -> Iterator[Record]:
        """Yield each as a record."""

    def rows(
        self, names: Sequence[str], *, later: bool = False, among: Among | None = None
    ) -> Iterable[tuple[Any, ...]]:
        """Return the named values of each.

        Or only of those that are no first attempts, or have certain values.
        """

    def sums(
        self, keys: Sequence[str]
    ) -> Iterable[tuple[tuple[str | int | None, ...], Totals]]:
        """Return the totals by groups; one may come more than once."""


@dataclass(slots=True)
class _Sums:
    attempts: int = 0
    changed: int = 0
    unknown: int = 0
    recorded: int = 0
    replayed: int = 0


def what_if(
    records: Attempts,
    *,
    catalog: Catalog,
    prices: Prices,
    tiers: Mapping[str, str] | None = None,
    repricing: Repricing | None = None,
    policy: Policy | None = None,
    by: ReplayedBy = "tier",
) -> pd.DataFrame:
    """Return recorded and replayed cost, grouped by what the records say.

    Attempts without both costs are counted in `unknown` and in neither sum.

    Raises
    ------
    ValueError
        If choices exclude each other, or one cannot be used.
    ConfigurationError
        If prices are neither a day nor rates, or a policy of one's own fails.
    UnknownModelError
        If a choice names a model that no table knows.
    """
    if by not in get_args(ReplayedBy):
        message = f"no replay by {by!r}: choose {', '.join(get_args(ReplayedBy))}"
        raise ValueError(message)
    if tiers is not None and policy is not None:
        message = "choose other tiers or a policy, not both"
        raise ValueError(message)
    repriced = Repriced(prices.price, _nothing)
    if repricing is not None:
        repriced = with_prices(repricing, catalog, prices.price)
    costing = Costing(catalog, repriced.price)
    replay = Replay(BilledCosting(costing), repriced.concerns)
    sums: defaultdict[str | None, _Sums] = defaultdict(_Sums)
    if policy is None:
        choose = with_tiers(tiers or {}, catalog)
        chosen_ones = _concerned(records, replay, choose, by, sums)
    else:
        chosen_ones = _chosen(records, catalog, policy, by)
    for name, attempt, chosen in chosen_ones:
        cost, _, changed = replay.cost(attempt, chosen)
        group = sums[name]
        group.attempts += 1
        group.changed += changed
        if attempt.cost is None or cost is None:
            group.unknown += 1
        else:
            group.recorded += attempt.cost
            group.replayed += cost
    frame = _frame(sums, by)
    frame.attrs["notes"] = (*NOTES, *repriced.notes)
    return frame


def _concerned(
    attempts: Attempts,
    replay: Replay,
    choose: ByTier,
    by: ReplayedBy,
    sums: defaultdict[str | None, _Sums],
) -> Iterator[_Chosen]:
    """Yield the attempts that other tiers or prices concern; sum the others up."""
    pairs: set[tuple[str, str]] = set()
    for (name, tier, model), totals in attempts.sums((by, "tier", "model")):
        pair = str(tier), str(model)
        if replay.concerns(pair[1], choose(pair[0])):
            pairs.add(pair)
            continue
        group = sums[None if name is None else str(name)]
        group.attempts += totals.attempts
        group.unknown += totals.unknown
        group.recorded += totals.cost
        group.replayed += totals.cost
    if not pairs:
        return
    tiers, models = ({pair[place] for pair in pairs} for place in (0, 1))
    among = {"tier": tiers, "model": models}
    for row in attempts.rows((*Billed._fields, by), among=among):
        billed = Billed._make(row[:-1])
        if (billed.tier, billed.model) in pairs:
            yield row[-1], billed, choose(billed.tier)


def _chosen(
    attempts: Attempts, catalog: Catalog, policy: Policy, by: ReplayedBy
) -> Iterator[_Chosen]:
    """Yield each attempt with what a policy makes of it."""
    if callable(policy):
        decide, values = with_function(policy, catalog), values_of(Billed._fields)
        for record in attempts:
            yield getattr(record, by), Billed._make(values(record)), decide(record)
        return
    later = map(Billed._make, attempts.rows(Billed._fields, later=True))
    choose = with_policy(policy, catalog, later)
    for row in attempts.rows((*Billed._fields, by)):
        billed = Billed._make(row[:-1])
        yield row[-1], billed, choose(billed)


def _nothing(model: str) -> bool:
    return False


def _frame(sums: Mapping[str | None, _Sums], by: ReplayedBy) -> pd.DataFrame:
    import pandas as pd

    ordered = sorted(sums.items(), key=lambda item: (-item[1].recorded, str(item[0])))
    groups = [group for _, group in ordered]
    counts = {
        name: pd.Series([getattr(group, name) for group in groups], dtype="int64")
        for name in ("attempts", "changed", "unknown")
    }
    money = {
        "recorded_usd": [group.recorded for group in groups],
        "replayed_usd": [group.replayed for group in groups],
        "saved_usd": [group.recorded - group.replayed for group in groups],
    }
    frame = pd.DataFrame(
        {
            by: pd.Series([name for name, _ in ordered], dtype="str"),
            **counts,
            **{
                name: pd.Series(map(pico_to_usd, amounts), dtype="float64")
                for name, amounts in money.items()
            },
        }
    )
    # Exact sums: those of a column of floats would not be.
    for name in ("recorded_usd", "replayed_usd"):
        frame.attrs[name] = pico_to_usd(sum(money[name]))
    return frame
