"""The totals by group: their tables, the triggers that keep them, their query.

A row stands for the finished attempts of one quarter hour, or one day of UTC, that
agree in every column of the key. Triggers change it in the transaction of the
attempt's own row. Days keep a long period cheap to sum, quarters make it exact at
its ends and draw it over time; what is drawn most, the models over time, has a table
of its own with a shorter key and so with fewer rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costroute_nb.core.totals import TOTALLED
from costroute_nb.ledger.periods import DAY, QUARTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The columns that tell one moment's rows apart come first: most differ by session.
_GIVEN = ("session_id", "model", "status", "tier", "task", "provider")
_OPTIONAL = ("workflow", "step", "notebook")

GROUPS = ("quarter", *_GIVEN, *_OPTIONAL)
"""What totals may be grouped by."""

# No part of a primary key may be NULL, and any text may be a name: an empty blob,
# which equals no text, stands for a name that is missing.
_MISSING = "x''"

# The first one of those that make a group.
_SLOT = "quarter - (quarter - :origin) % :every AS quarter"

_SUMS = {
    "calls": "{0}attempt = 1",
    "attempts": "1",
    "cache_hits": "{0}cache_hit",
    "estimated": "{0}estimated",
    "unknown": "{0}cost IS NULL",
    "input_tokens": "{0}input_tokens",
    "cache_read_tokens": "{0}cache_read_tokens",
    "cache_write_tokens": "{0}cache_write_5m_tokens + {0}cache_write_1h_tokens",
    "output_tokens": "{0}output_tokens",
    "thinking_tokens": "{0}thinking_tokens",
    "cost": "coalesce({0}cost, 0)",
    "charged": "coalesce({0}charged, 0)",
    "baseline": "coalesce({0}baseline, 0)",
    "saved": "coalesce({0}baseline - {0}cost, 0)",
}


# SQLite turns an integer sum that overflows into a float: refuse to store one.
_MONEY = ("cost", "charged", "baseline", "saved")


_QUARTER_MODELS = ("simulated", "quarter", "model", "tier")
_QUARTER_GROUPS = ("simulated", "quarter", *_GIVEN, *_OPTIONAL)
_DAY_GROUPS = ("simulated", "day", *_GIVEN, *_OPTIONAL)


def _table(name: str, key: Sequence[str]) -> str:
    columns = [f"{name} INTEGER NOT NULL" for name in key[:2]]
    columns += [f"{name} TEXT NOT NULL" for name in key[2:]]
    columns += [f"{name} INTEGER NOT NULL" for name in TOTALLED]
    columns += [f"CHECK (typeof({name}) = 'integer')" for name in _MONEY]
    columns.append(f"PRIMARY KEY ({', '.join(key)})")
    return f"CREATE TABLE {name} ({', '.join(columns)}) WITHOUT ROWID"


def _count(row: str, amounts: Iterable[str]) -> str:
    """Return the SQL that adds amounts to the totals a trigger's row belongs to."""
    group = (
        f"{row}.simulated",
        f"{row}.at",
        *(f"{row}.{name}" for name in _GIVEN),
        *(f"coalesce({row}.{name}, {_MISSING})" for name in _OPTIONAL),
    )
    return f"INSERT INTO counting VALUES ({', '.join([*group, *amounts])}); "  # noqa: S608 -- our own names


def _add(table: str, key: Sequence[str], length: int) -> str:
    values = ["NEW.simulated", f"NEW.at / {length}"]
    values += [f"NEW.{name}" for name in (*key[2:], *TOTALLED)]
    grown = ", ".join(f"{name} = {name} + excluded.{name}" for name in TOTALLED)
    return (
        f"INSERT INTO {table} VALUES ({', '.join(values)})"  # noqa: S608 -- our own names
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {grown}; "
    )


_NEW = [_SUMS[name].format("NEW.") for name in TOTALLED]
_OLD = [_SUMS[name].format("OLD.") for name in TOTALLED]
_ADDED = _count("NEW", _NEW)
_REMOVED = _count("OLD", (f"-({old})" for old in _OLD))
_CHANGED = _count(
    "NEW", (f"({new}) - ({old})" for new, old in zip(_NEW, _OLD, strict=True))
)
_SAME = " AND ".join(f"OLD.{name} IS NEW.{name}" for name in (*_GIVEN, *_OPTIONAL))
_WAS_HELD, _IS_HELD = "OLD.status = 'pending'", "NEW.status = 'pending'"

_COLUMNS = ", ".join((*_GIVEN, *_OPTIONAL, *TOTALLED))

# What is added to the view goes into all tables, said once for all triggers.
TABLES = (
    _table("quarter_models", _QUARTER_MODELS),
    _table("quarter_totals", _QUARTER_GROUPS),
    _table("day_totals", _DAY_GROUPS),
    f"CREATE VIEW counting AS SELECT simulated, quarter AS at, {_COLUMNS}"  # noqa: S608 -- our own names
    " FROM quarter_totals",
    "CREATE TRIGGER added_up INSTEAD OF INSERT ON counting"
    f" BEGIN {_add('quarter_models', _QUARTER_MODELS, QUARTER)}"
    f"{_add('quarter_totals', _QUARTER_GROUPS, QUARTER)}"
    f"{_add('day_totals', _DAY_GROUPS, DAY)}END",
)

TRIGGERS = (
    f"CREATE TRIGGER counted AFTER INSERT ON records WHEN NOT {_IS_HELD}"
    f" BEGIN {_ADDED}END",
    f"CREATE TRIGGER uncounted AFTER DELETE ON records WHEN NOT {_WAS_HELD}"
    f" BEGIN {_REMOVED}END",
    f"CREATE TRIGGER settled AFTER UPDATE ON records WHEN {_WAS_HELD} AND NOT {_IS_HELD}"
    f" BEGIN {_ADDED}END",
    f"CREATE TRIGGER restated AFTER UPDATE ON records WHEN NOT {_WAS_HELD} AND {_SAME}"
    f" BEGIN {_CHANGED}END",
    f"CREATE TRIGGER moved AFTER UPDATE ON records WHEN NOT {_WAS_HELD}"
    f" AND NOT ({_SAME}) BEGIN {_REMOVED}{_ADDED}END",
)
"""A record is counted once it is finished; a verdict may move it to another status."""


def query(by: Sequence[str], *, of_session: bool) -> str:
    """Return the SELECT of the groups' names and totals in the named period.

    Its values are `pot`, those of `spans`, `session` where it is of one, and `origin`
    and `every` where it is by `quarter`: so many make a group, counted from there.

    Raises
    ------
    ValueError
        If there is no such group.
    """
    unknown = [name for name in by if name not in GROUPS]
    if unknown:
        message = f"no totals by {', '.join(unknown)}: there are {', '.join(GROUPS)}"
        raise ValueError(message)
    names = [
        f"nullif({name}, {_MISSING})" if name in _OPTIONAL else name for name in by
    ]
    return (
        f"SELECT {', '.join([*names, *(f'sum({name})' for name in TOTALLED)])}"  # noqa: S608 -- our own names
        f" FROM ({_source(tuple(dict.fromkeys(by)), of_session)})"
        f" GROUP BY {', '.join(by) or 'NULL'} HAVING sum(attempts) > 0"
    )


def _source(by: Sequence[str], of_session: bool) -> str:
    # Each table is summed by itself: only few rows are left to be put together.
    sums = [f"sum({name}) AS {name}" for name in TOTALLED]
    columns = ", ".join([*(_SLOT if name == "quarter" else name for name in by), *sums])
    places = ", ".join(str(place) for place, _ in enumerate(by, 1)) or "NULL"
    scope = " AND session_id = :session" if of_session else ""

    def part(table: str, time: str, first: str, last: str) -> str:
        return (
            f"SELECT {columns} FROM {table} WHERE simulated = :pot"  # noqa: S608 -- our own names
            f" AND {time} >= :{first} AND {time} < :{last}{scope} GROUP BY {places}"
        )

    # Few models make fewer rows, and shorter ones, than all there is to tell of days.
    if not of_session and set(by) <= set(_QUARTER_MODELS):
        return part("quarter_models", "quarter", "since", "until")
    if "quarter" in by:
        return part("quarter_totals", "quarter", "since", "until")
    parts = (
        part("quarter_totals", "quarter", "since", "head"),
        part("day_totals", "day", "first_day", "last_day"),
        part("quarter_totals", "quarter", "tail", "until"),
    )
    return " UNION ALL ".join(parts)
