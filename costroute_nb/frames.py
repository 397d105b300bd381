"""Records, and the data of answers, as DataFrames."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.record import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def data_frame(data: Any, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return an answer's data as a frame: a row for each object of a list.

    One object is one row, and what has no fields of its own stands in the column
    `value`. Typed objects bring the order of their fields along; for others
    `columns` come first, also when there are no rows, and what else they hold
    follows in the order in which it first appears.
    """
    import pandas as pd

    # A model of a list becomes that list, one of an object stays what it is.
    content = _fields(data)
    parts = content if isinstance(content, list | tuple) else [data]
    rows = [_row(part) for part in parts]
    first = columns if all(isinstance(part, dict) for part in parts) else ()
    found = dict.fromkeys([*first, *(name for row in rows for name in row)])
    return pd.DataFrame(rows, columns=list(found))


def _row(part: Any) -> dict[str, Any]:
    fields = _fields(part)
    return fields if isinstance(fields, dict) else {"value": fields}


def _fields(part: Any) -> Any:
    """Return a model or a dataclass as plain fields; anything else as it is."""
    dump = getattr(part, "model_dump", None)
    if callable(dump):
        return dump(by_alias=False)
    if is_dataclass(part) and not isinstance(part, type):
        return asdict(part)
    return part


def _values(name: str, rows: list[Record]) -> list[Any]:
    if name in _MONEY:
        field = _MONEY[name]
        return [pico_to_usd(getattr(row, field)) for row in rows]
    if name in _USAGE:
        return [getattr(row.usage, name) for row in rows]
    return [getattr(row, name) for row in rows]
