"""What each way of spending fewer tokens saves on one workload, by a server's counts.

Run `python -m benchmarks.levers [--quick]`. The same calls are made by real sessions
against the local Messages API, once for each line of the table; each line adds one
lever to the line above. What the server charged is the truth, and what the session's
ledger has must be the same to the last digit.
"""

from __future__ import annotations

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.bill import Bill, add_up
from benchmarks.levers_report import report
from benchmarks.model_answers import answer, kind_of
from benchmarks.place import own_place
from benchmarks.workload import (
    AGENT,
    AGENT_TOKENS,
    FULL,
    PLACE,
    SMALL,
    Finding,
    Job,
    Size,
    workload,
)
from costroute_nb import Session
from costroute_nb.sources import config_dir
from costroute_nb.tables import load_tables
from tests.support.anthropic_server import AnthropicServer

if TYPE_CHECKING:
    from pathlib import Path

    from costroute_nb.core.messages import Message
    from costroute_nb.core.result import Result

LARGE = "claude-opus-5-5"
_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Levers:
    """How a workload is run: which of the levers are used.

    Attributes
    ----------
    name
        The line's name, by what it adds to the line above.
    model
        The model of every call; None routes.
    cache
        Answers are kept, so that repeats are free.
    trim
        Agents' prompts are trimmed to `AGENT_TOKENS`.
    schema
        Extractions ask for their answers in a schema.
    planned_effort
        The plan chooses effort and thinking by task; else every model thinks as it
        does unasked.
    low_effort
        Agents' steps ask for low effort.
    threads
        Agents' runs are threads, whose prompts the provider may keep.
    """

    name: str
    model: str | None = None
    cache: bool = False
    trim: bool = False
    schema: bool = False
    planned_effort: bool = False
    low_effort: bool = False
    threads: bool = False


def _lines() -> tuple[Levers, ...]:
    all_large = Levers("all on the large model", LARGE)
    routing = replace(all_large, name="routing", model=None)
    cache = replace(routing, name="+ cache", cache=True)
    trimming = replace(cache, name="+ trimming", trim=True)
    structured = replace(trimming, name="+ structured output", schema=True)
    effort = replace(structured, name="+ effort", planned_effort=True)
    low = replace(effort, name="+ low effort for agents", low_effort=True)
    threads = replace(low, name="+ prompt caching", threads=True)
    return all_large, routing, cache, trimming, structured, effort, low, threads


LINES = _lines()


class Replay:
    """Makes the calls of a workload in one session, with some of the levers."""

    def __init__(self, session: Session, levers: Levers) -> None:
        self._session = session
        self._levers = levers
        self._histories: dict[str, list[Message]] = {}

    def serve(self, job: Job) -> Result:
        """Make one call, the same way as a cell does."""
        text = (job.text,) if PLACE in job.ask.words else ()
        options = self._options(job)
        call = self._session.call(
            job.prompt, typed=job.ask.words, values=text, **options
        )
        result = self._session.run(call)
        if job.run and not self._levers.threads:
            said = ({"role": "assistant", "content": result.text},)
            self._histories[job.run] = [*call.added, *said]
        return result

    def _options(self, job: Job) -> dict[str, Any]:
        levers = self._levers
        options: dict[str, Any] = {"model": levers.model, "cache": levers.cache}
        if job.ask.kind == "extraction" and levers.schema:
            options["schema"] = list[Finding]
        if job.run:
            options |= self._of_agent(job)
        return options

    def _of_agent(self, job: Job) -> dict[str, Any]:
        levers = self._levers
        own = [{"role": "user", "content": job.output}] if job.output else []
        options: dict[str, Any] = {"system": AGENT}
        if levers.threads:
            options |= {"thread": job.run, "context": own or None}
        else:
            options["context"] = [*self._histories.get(job.run, ()), *own] or None
        if levers.trim:
            options["context_tokens"] = AGENT_TOKENS
        if levers.low_effort:
            options["effort"] = "low"
        return options


def replay(levers: Levers, size: Size) -> Bill:
    """Run the workload against a server and in a home of its own; return the bill."""
    with AnthropicServer() as server, own_place(server.url, quick=False):
        server.always(answer)
        if not levers.planned_effort:
            _think_unasked(config_dir())
        # Quality is not measured here: an estimate that made more of it small would
        # only flatter.
        with Session(
            call_limit=None, session_limit=None, classifier="rules"
        ) as session:
            calls = Replay(session, levers)
            for job in workload(size):
                calls.serve(job)
            records = list(session.parts.ledger.records())
        kinds = ((seen, kind_of(seen.body)) for seen in server.messages)
        bill = add_up(levers.name, kinds)
        assert bill.billed == server.billed_pico
    assert sum(record.cost or 0 for record in records) == bill.billed
    assert sum(not record.cache_hit for record in records) == bill.requests
    return bill


def _think_unasked(directory: Path) -> None:
    """Have every task think as its model does when nobody says anything."""
    tasks = load_tables().rules.tasks.values()
    lines = [
        f"[tasks.{task.name}]\nexpected_output_tokens = {task.expected_output_tokens}"
        for task in tasks
    ]
    directory.mkdir(parents=True)
    (directory / "rules.toml").write_text("\n".join(lines), "utf-8")


def replays(size: Size, processes: int = _PROCESSES) -> list[Bill]:
    """Run every line, some at a time: each one is alone in what it counts."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        return list(pool.map(partial(replay, size=size), LINES))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.levers")
    parser.add_argument("--quick", action="store_true", help="a few dozen calls")
    size = SMALL if parser.parse_args().quick else FULL
    started = perf_counter()
    print(report(replays(size), size))
    print(f"in {perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
