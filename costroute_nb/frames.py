"""Records as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.record import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from costroute_nb.core.record import Record

_USAGE = frozenset(
    {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"}
    | {"thinking_tokens"}
)
_MONEY = {
    "cost_usd": "cost",
    "charged_usd": "charged",
    "baseline_usd": "baseline",
    "saved_usd": "saved",
}
_DTYPES = (
    {"at": "datetime64[us, UTC]", "attempt": "int64", "latency_s": "float64"}
    | dict.fromkeys(_USAGE, "int64")
    | dict.fromkeys(_MONEY, "float64")
    | dict.fromkeys(("cache_hit", "estimated", "simulated"), "bool")
)


def records_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return records as a frame with the columns of `COLUMNS`, also when empty.

    Money is float USD and NaN while unknown, counts are int64, flags bool, `at` is
    in UTC to the microsecond, and text is pandas' own `str`, missing where not given.
    """
    import pandas as pd

    rows = list(records)
    return pd.DataFrame(
        {
            name: pd.Series(_values(name, rows), dtype=_DTYPES.get(name, "str"))
            for name in COLUMNS
        }
    )


def _values(name: str, rows: list[Record]) -> list[Any]:
    if name in _MONEY:
        field = _MONEY[name]
        return [pico_to_usd(getattr(row, field)) for row in rows]
    if name in _USAGE:
        return [getattr(row.usage, name) for row in rows]
    return [getattr(row, name) for row in rows]
