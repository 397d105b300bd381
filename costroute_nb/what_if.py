"""Replay recorded attempts under other choices, and sum both costs up in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from costroute_nb.core.costing import Costing
from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.replay import (
    Policy,
    Repricing,
    keep,
    replay,
    with_policy,
    with_prices,
    with_tiers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.costing import PriceOf
    from costroute_nb.core.record import Record
    from costroute_nb.core.replay import Choice, Replayed
    from costroute_nb.ports import Prices

ReplayedBy = Literal["tier", "model", "workflow", "step", "task", "notebook"]

NOTES = (
    "answers are not replayed: another model is taken to answer as well, and in as "
    "much text",
    "tokens under another tokenizer are estimated",
    "cached answers stay free",
)
"""What every reader of a replay must know."""


@dataclass(slots=True)
class _Sums:
    attempts: int = 0
    changed: int = 0
    unknown: int = 0
    recorded: int = 0
    replayed: int = 0

    def add(self, replayed: Replayed) -> None:
        recorded = replayed.record.cost
        self.attempts += 1
        self.changed += replayed.changed
        if recorded is None or replayed.cost is None:
            self.unknown += 1
            return
        self.recorded += recorded
        self.replayed += replayed.cost


def what_if(
    records: Iterable[Record],
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
    UnknownModelError
        If a choice names a model that no table knows.
    """
    if by not in get_args(ReplayedBy):
        message = f"no replay by {by!r}: choose {', '.join(get_args(ReplayedBy))}"
        raise ValueError(message)
    if tiers is not None and policy is not None:
        message = "choose other tiers or a policy, not both"
        raise ValueError(message)
    price: PriceOf = prices.price
    repriced: Callable[[str], bool] = _nothing
    if repricing is not None:
        price, repriced = with_prices(repricing, catalog, prices.price)
    choose: Choice = keep
    if tiers is not None:
        choose = with_tiers(tiers, catalog)
    if policy is not None:
        choose = with_policy(policy, catalog)
    costing = Costing(catalog, price)
    sums: dict[str | None, _Sums] = {}
    for replayed in replay(records, costing, choose, repriced):
        name = getattr(replayed.record, by)
        sums.setdefault(name, _Sums()).add(replayed)
    return _frame(sums, by)


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
    frame.attrs["notes"] = NOTES
    return frame
