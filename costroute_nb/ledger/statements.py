"""The statements that the SQLite ledger runs."""

from costroute_nb.ledger.schema import (
    ANSWERED,
    COUNTED,
    HELD,
    IN_THREADS,
    JUDGED,
    KEPT,
    SPENT,
    STORED,
)

LAPSED = "process ended before the answer was recorded; possibly billed"

_NAMES = ", ".join(STORED)
_REPLACED = ", ".join(
    f"{name} = excluded.{name}" for name in (*STORED, "lease_until") if name not in KEPT
)
INSERT = f"INSERT INTO records ({_NAMES}, lease_until) VALUES ({'?, ' * len(STORED)}?)"  # noqa: S608 -- our own names
SETTLE = f"{INSERT} ON CONFLICT (call_id, attempt) DO UPDATE SET {_REPLACED}"
EXPIRE = (
    "UPDATE records SET status = 'unknown', cost = NULL, estimated = 1, reason = ?"
    " WHERE status = 'pending' AND lease_until <= ?"
)
RELEASE = (
    "DELETE FROM records WHERE call_id = ? AND attempt = ? AND lease_until IS NOT NULL"
)
_SPENT, _HELD = SPENT.format(""), HELD.format("")
_OF_ROWS = f"SELECT coalesce(sum({_SPENT}), 0), coalesce(sum({_HELD}), 0) FROM records"  # noqa: S608 -- our own words
OF_CALL = _OF_ROWS + " WHERE simulated = ? AND call_id = ?"
OF_TIMES = _OF_ROWS + " WHERE simulated = ? AND at >= ? AND at < ?"
OF_SESSION = (
    "SELECT spent, held FROM session_sums WHERE simulated = ? AND session_id = ?"
)
OF_PERIOD = """
SELECT coalesce(sum(spent), 0), coalesce(sum(held), 0) FROM (
    SELECT spent, held FROM quarter_sums
    WHERE simulated = :pot AND quarter >= :since AND quarter < :head
    UNION ALL
    SELECT spent, held FROM day_sums
    WHERE simulated = :pot AND day >= :first_day AND day < :last_day
    UNION ALL
    SELECT spent, held FROM quarter_sums
    WHERE simulated = :pot AND quarter >= :tail AND quarter < :until
)
"""
WINDOWS = (
    "SELECT window, spent FROM window_sums"
    " WHERE simulated = ? AND window >= ? AND window < ? AND spent > 0 ORDER BY window"
)
OUTPUTS = (
    f"SELECT output_tokens FROM records WHERE {ANSWERED}"  # noqa: S608 -- our own words
    " AND task = ? AND model = ? AND simulated = ? ORDER BY id DESC LIMIT ?"
)
GAPS = (
    "SELECT session_id, thread, model, at, cache_read_tokens,"  # noqa: S608 -- our own words
    " cache_write_5m_tokens, cache_write_1h_tokens FROM records"
    f" WHERE {IN_THREADS} AND simulated = ? ORDER BY id DESC LIMIT ?"
)
NEWEST_COUNTED = (
    f"SELECT {_NAMES} FROM records WHERE {COUNTED}"  # noqa: S608 -- our own words
    " AND simulated = ? ORDER BY id DESC LIMIT ?"
)
NEWEST_JUDGED = (
    f"SELECT p_fails, accepted FROM records WHERE {JUDGED}"  # noqa: S608 -- our own words
    " AND simulated = 0 AND estimator = ? AND tier = ? ORDER BY id DESC LIMIT ?"
)
FINISHED = (
    f"SELECT at, id, {_NAMES} FROM records"  # noqa: S608 -- our own names
    " WHERE status <> 'pending' AND (at, id) > (?, ?){} ORDER BY at, id LIMIT ?"
)
CLAIM = "INSERT INTO alerts (key, at, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
ALERTS = (  # a negative limit is none
    "SELECT at, key, text FROM (SELECT * FROM alerts ORDER BY id DESC LIMIT ?)"
    " WHERE at >= ? ORDER BY at, id"
)
_ENDS = "SELECT at FROM records WHERE session_id = :session ORDER BY at"
# Asked together, min(at) and max(at) would read the whole session.
SESSION_ENDS = f"SELECT ({_ENDS} LIMIT 1), ({_ENDS} DESC LIMIT 1)"
