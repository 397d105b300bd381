"""What was measured of routing, in words, tables and JSON."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.report import table as lines_table
from costroute_nb.training.figures import MEAN, WEAK_PRICE
from costroute_nb.training.outcomes import SOURCES
from costroute_nb.training.report import cell, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.notebook_prompts import Agreement, Raised
    from benchmarks.report import Line
    from benchmarks.routing_robustness import Moved
    from benchmarks.routing_scorers import Missing
    from costroute_nb.training.figures import Calibration, Figure, Ordering

NOT_HELD_OUT = (
    "NOT HELD OUT: the shipped weights were trained on these very prompts (the splits "
    "train and dev). What `learned` and `both` have above tells nothing of new prompts; "
    "--cv tells that."
)
_LEGEND = (
    "APGR: the mean share of the quality gap between the weak and the strong model that "
    "is recovered, over all fractions of strong calls; an order at random has 0.5. "
    "CPT(x): the least fraction of strong calls that recovers x of it. Cost at x: the "
    "least bill that keeps x of the strong model's quality, where its own bill is 1 and "
    f"a call of the weak model costs {WEAK_PRICE:g} of one of the strong. In brackets: "
    "95 % intervals by resampling clusters of near-duplicates, over all tables together."
)
_ROBUST = (
    "Tiers that move when something is changed that is not the task, each prompt changed "
    "in one of the ways of its kind; of an instruction to take a cheap model only a lower "
    "tier is wrong. New instructions are phrases that nothing was adapted to."
)
_UNSEEN = (
    "Requests that nothing was adapted to or taught by: of high stakes, where a wrong "
    "answer costs much more than the call, half of them in plain words, and of low ones, a "
    "part of which comes near by its words. How many get the large tier:"
)
_COLUMNS = {
    "apgr": "APGR", "cpt50": "CPT(50 %)", "cpt80": "CPT(80 %)",
    "cost95": "cost at 95 %", "cost99": "cost at 99 %",
}  # fmt: skip


@dataclass(slots=True)
class Part:
    """One set of figures: the tables as they are, held-out folds, or unseen families.

    Attributes
    ----------
    title
        What was scored by what.
    orderings, missing
        The figures by way of scoring, and why others have none.
    notes
        Sentences below the tables.
    calibration
        Of P(small fails), where it was said.
    difference
        By how much `learned` exceeds the baseline in mean APGR, paired.
    unknown
        The share of each table's rows that are like none the classifier knows.
    """

    title: str
    orderings: dict[str, Ordering]
    missing: dict[str, Missing] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    calibration: Calibration | None = None
    difference: Figure | None = None
    unknown: dict[str, float] | None = None


@dataclass(slots=True)
class Report:
    """Everything that one run measured."""

    rows: dict[str, int]
    parts: list[Part]
    times: list[Line]
    agreements: dict[str, Agreement]
    raised: dict[str, Raised]
    moved: dict[str, list[Moved]]


def text(report: Report) -> str:
    """Return the report as a reader has it."""
    said = [_sources(report.rows), _LEGEND]
    for part in report.parts:
        said += _part(part)
    agreed = "Agreement with the tiers judged for notebook prompts:"
    times = "How long it takes, on one core:", lines_table(report.times)
    told = [*map(_wrapped, said), *times, agreed, _agreements(report.agreements)]
    told += [_wrapped(_UNSEEN), _raised(report.raised)]
    if report.moved:
        told += [_wrapped(_ROBUST), _robustness(report.moved)]
    return "\n\n".join(told)


def _wrapped(part: str) -> str:
    """Wrap the lines that are in no table."""
    lines = part.splitlines()
    return "\n".join(
        line if line.startswith("|") else textwrap.fill(line, 88) for line in lines
    )


def _sources(rows: Mapping[str, int]) -> str:
    cells = (
        (name, f"{count:,}", f"{s.weak} > {s.strong}", s.about, s.origin, s.licence)
        for name, count in rows.items()
        for s in [SOURCES[name]]
    )
    headings = ("table", "rows", "weak > strong", "what", "published by", "licence")
    return table(headings, cells)


def _part(part: Part) -> list[str]:
    said = [f"## {part.title}", _overview(part)]
    said += [f"{name}:\n\n{_details(part, name)}" for name in _names(part)]
    said += [f"`{name}` was not measured: {m.why}" for name, m in part.missing.items()]
    if part.difference is not None:
        how = "above 0" if part.difference.low > 0 else "NOT surely above 0"
        said.append(
            "learned exceeds the domain-then-linear-specialists baseline in mean APGR by "
            f"{cell(part.difference)}, paired: {how}."
        )
    if part.unknown is not None:
        shares = ", ".join(f"{n} {share:.0%}" for n, share in part.unknown.items())
        said.append(f"Prompts called unlike any that the classifier knows: {shares}.")
    if part.calibration is not None:
        said += _calibration(part.calibration)
    return said + part.notes


def _names(part: Part) -> list[str]:
    first = next(iter(part.orderings.values()))
    return list(first.figures)


def _overview(part: Part) -> str:
    names = _names(part)
    rows = [
        [way, *(f"{o.figures[n]['apgr'].value:.3f}" for n in names)]
        for way, o in part.orderings.items()
    ]
    rows += [[way, *("not measured" for _ in names)] for way in part.missing]
    return table(["APGR", *names], rows)


def _details(part: Part, name: str) -> str:
    rows = (
        [way, *(cell(ordering.figures[name][measure]) for measure in _COLUMNS)]
        for way, ordering in part.orderings.items()
    )
    return table([name, *_COLUMNS.values()], rows)


def _calibration(found: Calibration) -> list[str]:
    tables = ", ".join(f"{name} {error:.3f}" for name, error in found.by_table.items())
    rows = ([f"{b.count:,}", f"{b.said:.3f}", f"{b.seen:.3f}"] for b in found.bins)
    return [
        f"P(small fails): expected calibration error {found.error:.3f}, Brier score "
        f"{found.brier:.3f}; by table {tables}.",
        table(["prompts", "said", "seen"], rows),
    ]


def _agreements(found: Mapping[str, Agreement]) -> str:
    rows = []
    for name, one in found.items():
        shares = (f"{one[key] / one['n']:.1%}" for key in ("agree", "under", "over"))
        missed = f"{len(one['floor_misses'])} of {one['floor_texts']}"
        rows.append([name, str(one["n"]), *shares, missed])
    headings = ("by", "prompts", "agree", "under", "over", "floors missed")
    return table(headings, rows)


def _raised(found: Mapping[str, Raised]) -> str:
    rows = (
        [
            way,
            f"{one['high_large']} of {one['high']}",
            f"{one['low_large']} of {one['low']:,}",
        ]
        for way, one in found.items()
    )
    return table(("by", "of high stakes, large", "of low stakes, large"), rows)


def _robustness(found: Mapping[str, list[Moved]]) -> str:
    rows = (
        [
            m.kind,
            way,
            f"{m.prompts:,}",
            f"{m.flipped:,}",
            f"{m.share:.1%}",
            str(m.lowered),
        ]
        for way, kinds in found.items()
        for m in kinds
    )
    return table(("changed", "by", "prompts", "flipped", "share", "lowered"), rows)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {
        "rows": report.rows,
        "weak_price": WEAK_PRICE,
        "parts": [_part_json(part) for part in report.parts],
        "times": [line.to_dict() for line in report.times],
        "moved": {
            way: [asdict(each) for each in kinds] for way, kinds in report.moved.items()
        },
        "agreements": report.agreements,
        "raised": report.raised,
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "title": part.title,
        "figures": {
            way: {
                name: {measure: asdict(figure) for measure, figure in figures.items()}
                for name, figures in ordering.figures.items()
            }
            for way, ordering in part.orderings.items()
        },
        "missing": {name: missing.why for name, missing in part.missing.items()},
        "notes": part.notes,
        "calibration": part.calibration and asdict(part.calibration),
        "difference": part.difference and asdict(part.difference),
        "unknown": part.unknown,
        "mean": MEAN,
    }
