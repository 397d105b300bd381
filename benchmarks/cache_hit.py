"""A routed cache hit and where its time goes, beside a bare get and a bare insert."""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import diskcache

from benchmarks.report import Line, beside
from benchmarks.timing import in_turns, steps
from costroute_nb import Session
from costroute_nb.core.validation import judge
from costroute_nb.ledger import schema
from costroute_nb.nobody import NOBODY
from costroute_nb.trip import Trip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.place import Place
    from costroute_nb.core.record import Record

# A small tier's prompt has the most candidates to plan.
_PROMPT = "Translate this to French: " + "the tide was out and the boats lay dry. " * 24
_MOST_SECONDS = 0.0015


def measure(place: Place) -> Iterator[Line]:
    rounds = place.times(400, 60)
    with Session(home=str(place.home("hit"))) as session:
        session.route(_PROMPT)

        def hit() -> None:
            assert session.route(_PROMPT).cache_hit

        parts = _Parts(session)
        bare = _bare(place.home("bare"), parts.kept, parts.record)
        times = in_turns({"hit": hit, "bare": bare}, rounds)
        yield beside(
            "routed cache hit, p50",
            times["hit"],
            "diskcache get + sqlite insert",
            times["bare"],
            most_seconds=_MOST_SECONDS,
        )
        for name, seconds in steps(parts.works(), rounds).items():
            yield Line(f"  {name}", seconds)


class _Parts:
    """The steps of a hit, one by one, as the router takes them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.parts = session._parts
        self.router = session._parts.router
        self.call = session.call(_PROMPT)
        self.provider = self.router.providers[self.call.provider]
        self.plan = self.router.planner.plan(self.call, self.provider)
        self.candidate = self.plan.candidates[0]
        self.key = self.router.lookup.key(self.candidate, self.provider)
        entry = self.parts.cache.get(self.key)
        assert entry is not None
        self.kept = json.dumps(entry)
        trip = Trip(
            call=self.call,
            plan=self.plan,
            provider=self.provider,
            listener=NOBODY,
            call_id="",
            session_id=session.session_id,
            baseline_model=self.router.baseline_model,
            started=0.0,
        )
        asked, answer = next(
            self.router.lookup.answers(self.call, self.candidate, self.provider)
        )
        self.result = trip.cached_result(asked, answer, now=0.0, elapsed=0.0)
        at = self.router.booking.now()
        self.record: Record = trip.hit(self.candidate, at, self.result)

    def works(self) -> dict[str, Callable[[], object]]:
        return {
            "options to a call": lambda: self.session.call(_PROMPT),
            "plan: classify and price": self._plan,
            "key of the candidate": self._key,
            "cache get": lambda: self.parts.cache.get(self.key),
            "judge": lambda: judge(self.call, self.result),
            "time of the record": self.router.booking.now,
            "ledger row": self._add,
        }

    def _plan(self) -> object:
        return self.router.planner.plan(self.call, self.provider)

    def _key(self) -> object:
        return self.router.lookup.key(self.candidate, self.provider)

    def _add(self) -> None:
        self.parts.ledger.add(replace(self.record, call_id=uuid.uuid4().hex))


def _bare(directory: Path, text: str, record: Record) -> Callable[[], None]:
    """Return a get of the same text and an insert of the same row, with nothing else."""
    directory.mkdir(parents=True)
    cache = diskcache.Cache(str(directory / "cache"), disk=diskcache.JSONDisk)
    cache.set("key", text)
    connection = sqlite3.connect(directory / "bare.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"CREATE TABLE records ({', '.join(schema.STORED)})")
    insert = f"INSERT INTO records VALUES ({', '.join('?' * len(schema.STORED))})"  # noqa: S608 -- our own names
    row = schema.to_row(record)

    def get_and_insert() -> None:
        assert json.loads(cache.get("key"))
        connection.execute(insert, row)

    return get_and_insert
