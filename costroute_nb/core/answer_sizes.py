"""How long answers were: with and without a schema, and by effort."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from costroute_nb.core.lever import Lever
from costroute_nb.core.prices import Price

PriceAt = Callable[[str, str, datetime], Price | None]
"""The price of a model at a provider at a moment, or None where none is known."""

MOST = 5
"""How many comparisons are given of each kind, those of most answers first."""


class Answers(NamedTuple):
    """Accepted answers that are alike; `output_tokens` include the thinking."""

    provider: str
    model: str
    task: str
    workflow: str | None
    step: str | None
    structured: bool
    effort: str | None
    number: int
    output_tokens: int
    thinking_tokens: int


@dataclass(slots=True)
class _Sum:
    count: int = 0
    output: int = 0
    thinking: int = 0

    def add(self, answers: Answers) -> None:
        self.count += answers.number
        self.output += answers.output_tokens
        self.thinking += answers.thinking_tokens


_Kinds: TypeAlias = "defaultdict[bool, _Sum]"
_Work: TypeAlias = "tuple[str, str | None, str | None]"
_Models: TypeAlias = "defaultdict[tuple[str, str], _Kinds]"


def structured(answers: Iterable[Answers], price: PriceAt, at: datetime) -> list[Lever]:
    """Compare answers to the same work with and without a schema, where both are.

    Those of one model are compared in money too, at its output price of the moment.
    Only where no model gave both, those of all are put together, in tokens alone.
    """
    works: defaultdict[_Work, _Models] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(_Sum))
    )
    for one in answers:
        models = works[one.task, one.workflow, one.step]
        models[one.provider, one.model][one.structured].add(one)
    found: list[Lever] = []
    for work, models in works.items():
        both = {key: kinds for key, kinds in models.items() if len(kinds) == 2}
        for (provider, model), kinds in both.items():
            now = price(model, provider, at)
            rate = None if now is None else now.base.output
            found.append(_of_one_model(work, model, kinds, rate, at))
        if not both:
            found += _of_several(work, models.values())
    return _busiest(found)


def efforts(answers: Iterable[Answers]) -> list[Lever]:
    """Compare answers to the same task by the same model, where efforts differed."""
    sums: defaultdict[tuple[str, str], defaultdict[str, _Sum]] = defaultdict(
        lambda: defaultdict(_Sum)
    )
    for one in answers:
        sums[one.task, one.model][one.effort or "its own effort"].add(one)
    return _busiest(
        Lever(
            name="effort",
            of=f"{task}, {model}",
            counts="compared",
            attempts=sum(one.count for one in by_effort.values()),
            tokens=sum(one.output for one in by_effort.values()),
            saved=None,
            cost=None,
            unknown=0,
            baseline="the same task and model at another effort, in tokens",
            finding="; ".join(
                f"{effort}: on average {_mean(one.thinking, one.count)} thinking of "
                f"{_mean(one.output, one.count)} output tokens in {one.count:,}"
                for effort, one in sorted(by_effort.items())
            ),
        )
        for (task, model), by_effort in sums.items()
        if len(by_effort) > 1
    )


def _of_one_model(
    work: _Work, model: str, kinds: _Kinds, rate: int | None, at: datetime
) -> Lever:
    with_it, without = kinds[True], kinds[False]
    as_long = Fraction(without.output, without.count) * with_it.count
    saved = None if rate is None else round((as_long - with_it.output) * rate)
    return _lever(
        f"{_named(*work)}, {model}",
        kinds,
        saved,
        f"answers as long as those of {model} without a schema, at its output price of "
        f"{at:%Y-%m-%d}",
    )


def _of_several(work: _Work, models: Iterable[_Kinds]) -> Iterator[Lever]:
    together: _Kinds = defaultdict(_Sum)
    for kinds in models:
        for kind, one in kinds.items():
            together[kind].count += one.count
            together[kind].output += one.output
    if len(together) == 2:
        baseline = "answers without a schema, in tokens: they are of other models"
        yield _lever(_named(*work), together, None, baseline)


def _lever(of: str, kinds: _Kinds, saved: int | None, baseline: str) -> Lever:
    with_it, without = kinds[True], kinds[False]
    return Lever(
        name="structured output",
        of=of,
        counts="compared",
        attempts=with_it.count,
        tokens=with_it.output,
        saved=saved,
        cost=None,
        unknown=0,
        baseline=baseline,
        finding=(
            f"on average {_mean(with_it.output, with_it.count)} output tokens with a "
            f"schema in {with_it.count:,}, {_mean(without.output, without.count)} "
            f"without in {without.count:,}"
        ),
    )


def _busiest(found: Iterable[Lever]) -> list[Lever]:
    return sorted(found, key=lambda lever: (-lever.attempts, lever.of))[:MOST]


def _named(task: str, workflow: str | None, step: str | None) -> str:
    parts = (task, workflow and f"workflow {workflow}", step and f"step {step}")
    return ", ".join(part for part in parts if part)


def _mean(tokens: int, count: int) -> str:
    mean = tokens / count
    return f"{mean:,.0f}" if mean >= 10 else f"{mean:.1f}"
