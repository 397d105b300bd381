"""A day's calls of a team with agents: steps, extractions, small edits, repeats.

Nothing of it is recorded from anyone: a script makes it, the same at each run, out of
real texts. What is assumed about such a day is in the numbers here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, TypedDict

from benchmarks.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENT = (
    "You are an agent that works through a code base for a maintenance team. At each "
    "turn you are given what a tool has found, and one thing to do with it. Rely on "
    "what was found and on nothing else. Name the file and the function for every "
    "statement you make. Say so where something is missing, and which tool would find "
    "it: read_file(path, lines), search(words), run_tests(name), list_files(folder). "
    "Answer in full sentences, in at most two paragraphs, without a greeting."
)
"""The system prompt of every agent."""
AGENT_TOKENS = 6_000
"""The budget of an agent's prompt where it is trimmed."""

PLACE = "{{text}}"


class Finding(TypedDict):
    """What an extraction wants of each thing it finds."""

    name: str
    line: int
    note: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One way of asking for something.

    Attributes
    ----------
    kind
        What sort of call it is.
    words
        The prompt with a placeholder for the text, or without.
    about
        Which texts fill it: `functions` or `prose`.
    answer
        How many words the answer has; None where it is as long as the text, 0 where
        it is JSON.
    """

    kind: str
    words: str
    about: str = "functions"
    answer: int | None = 150

    @property
    def head(self) -> str:
        """What a prompt begins with that asks so."""
        return self.words.partition(PLACE)[0]


_TASK = Ask(
    "agent step",
    "The task: find out whether the behaviour described here can be changed without "
    f"breaking callers, and propose how. Say how you will go about it.\n\n{PLACE}",
    about="prose",
)
_STEPS = (
    Ask("agent step", "What does this tell us about the task, and what comes next?"),
    Ask("agent step", "Compare this with what was found before: what does not fit?"),
    Ask("agent step", "Write the next paragraph of the proposal from what is known."),
    Ask("agent step", "Extract all names that matter for the task as a list.", answer=80),
    Ask("agent step", "Convert the findings so far to CSV: name, file, note.", answer=120),
    Ask("agent step", "Summarize what is known by now in 60 words.", answer=60),
    Ask("agent step", "Could this be a security problem for a caller? Give reasons."),
)  # fmt: skip
_STEP_WEIGHTS = (24, 12, 12, 8, 6, 6, 4)
_STEPS_IN_A_RUN = (14, 22)

_SINGLE = {
    "extraction": (
        Ask("extraction", "Extract every name that is defined here as a list of JSON "
            f"objects with the keys name, line and note:\n\n{PLACE}", answer=0),
        Ask("extraction", "Extract all names and terms of this text as a list of JSON "
            f"objects with the keys name, line and note:\n\n{PLACE}", "prose", 0),
    ),
    "small edit": (
        Ask("small edit", f"Summarize this text in 50 words:\n\n{PLACE}", "prose", 50),
        Ask("small edit", f"Translate this text into French:\n\n{PLACE}", "prose", None),
        Ask("small edit", f"Reformat this code to 79 columns:\n\n{PLACE}", answer=None),
        Ask("small edit", f"Rename all arguments to full words:\n\n{PLACE}", answer=None),
        Ask("small edit", f"Write a meta description for this page:\n\n{PLACE}", "prose", 25),
    ),
    "question": (
        Ask("question", f"Explain how this works and where it may fail:\n\n{PLACE}", answer=300),
        Ask("question", f"Write tests for the edge cases of this:\n\n{PLACE}", answer=400),
        Ask("question", f"Which of these statements are out of date?\n\n{PLACE}", "prose", 200),
    ),
    "hard question": (
        Ask("hard question", f"Review this code for vulnerabilities:\n\n{PLACE}", answer=500),
        Ask("hard question", f"Propose an architecture to replace this:\n\n{PLACE}", answer=600),
        Ask("hard question", f"Where is the trust boundary in this code?\n\n{PLACE}", answer=400),
    ),
}  # fmt: skip

ASKS: tuple[Ask, ...] = (
    _TASK,
    *_STEPS,
    *(ask for asks in _SINGLE.values() for ask in asks),
)
"""Every way of asking there is."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call to make.

    `run` names the agent's run that it is a step of, and `output` is what a tool gave
    the agent before; `repeats` tells that just this was asked before.
    """

    ask: Ask
    text: str = ""
    run: str = ""
    output: str = ""
    repeats: bool = False

    @property
    def prompt(self) -> str:
        """The prompt as sent."""
        return self.ask.words.replace(PLACE, self.text)


@dataclass(frozen=True, slots=True)
class Size:
    """How many of everything a workload has."""

    runs: int = 50
    extractions: int = 450
    edits: int = 250
    questions: int = 150
    hard: int = 60
    repeats: int = 250


FULL = Size()
"""The workload of the table in the README."""
SMALL = Size(runs=2, extractions=8, edits=5, questions=3, hard=2, repeats=6)
"""A few dozen calls, for a quick look."""


def workload(size: Size = FULL) -> list[Job]:
    """Return the calls in their order, the same at each run on one Python."""
    chance = Random(7)  # noqa: S311 -- the same in each run
    tasks = chance.sample(texts().prose, size.runs)
    lanes = [list(_run(chance, f"run {n}", task)) for n, task in enumerate(tasks)]
    counts = (size.extractions, size.edits, size.questions, size.hard)
    for asks, count in zip(_SINGLE.values(), counts, strict=True):
        # Without replacement: nothing is asked twice but on purpose.
        every = [Job(ask, text) for ask in asks for text in getattr(texts(), ask.about)]
        lanes.append(chance.sample(every, count))
    jobs = _mixed(chance, lanes)
    for _ in range(size.repeats):
        _repeat(chance, jobs)
    return jobs


def shares(jobs: Sequence[Job]) -> dict[str, int]:
    """Return how many calls of each kind there are; repeats are a kind of their own."""
    return dict(Counter("repeat" if job.repeats else job.ask.kind for job in jobs))


def _run(chance: Random, name: str, task: str) -> Iterator[Job]:
    """Yield the steps of one agent, which reads one file further at each."""
    found = texts()
    at = chance.randrange(len(found.outputs))
    yield Job(_TASK, task, name)
    for step in range(chance.randint(*_STEPS_IN_A_RUN) - 1):
        (ask,) = chance.choices(_STEPS, _STEP_WEIGHTS)
        output = found.outputs[(at + step) % len(found.outputs)]
        yield Job(ask, run=name, output=output)


def _mixed(chance: Random, lanes: Sequence[Sequence[Job]]) -> list[Job]:
    """Return all jobs in one order that keeps the order of each lane."""
    turns = [number for number, lane in enumerate(lanes) for _ in lane]
    chance.shuffle(turns)
    left = [iter(lane) for lane in lanes]
    return [next(left[number]) for number in turns]


def _repeat(chance: Random, jobs: list[Job]) -> None:
    """Ask once more, at some later time, what was asked before."""
    first = chance.choice([at for at, job in enumerate(jobs) if not job.run])
    again = replace(jobs[first], repeats=True)
    jobs.insert(chance.randint(first + 1, len(jobs)), again)
