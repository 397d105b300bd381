"""The report of a training run: what ships, what is held out, and how good it is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from costroute_nb.core.offsets import ENOUGH as JUDGED_ENOUGH
from costroute_nb.core.offsets import PRIOR
from costroute_nb.training.evaluation import LATER, OF_KNOWN, mean_of
from costroute_nb.training.figures import MEAN
from costroute_nb.training.kinds import other_requests
from costroute_nb.training.outcomes import FOLDS, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costroute_nb.training.evaluation import Findings, Shift
    from costroute_nb.training.figures import Calibration, Figure, Ordering
    from costroute_nb.training.shipping import Domain

_COLUMNS = {"apgr": "APGR", "cpt50": "CPT(50 %)", "cpt80": "CPT(80 %)"}
_LEGEND = (
    "APGR is the mean share of the quality gap between the weak and the strong model "
    "that is recovered, over all fractions of strong calls; an order at random has 0.5. "
    "CPT(x) is the least fraction of strong calls that recovers x of it. In brackets: "
    "95 % intervals by resampling clusters of near-duplicates, over all tables together."
)


def report(
    found: Findings,
    domains: Sequence[Domain],
    *,
    date: str,
    version: int,
    command: str,
    enough: int,
) -> str:
    """Return the report in Markdown.

    Parameters
    ----------
    found, domains
        The held-out figures, and what the shipped model knows; no domain where
        nothing was trained to ship.
    date, version, command
        When it was trained, the version of the features, and the command.
    enough
        Distinct prompts that make a domain known.
    """
    parts = [
        "# The learned classifier: what it was trained on, and how well it does",
        _opening(found, bool(domains), date, version),
        f"```\n{command}\n```",
        *_sources(found),
        "## Held out: trained on train, measured on dev",
        _LEGEND,
        _figures(found.dev),
        *_calibrated("small", found.small),
        *_calibrated("medium", found.medium),
        *_unknown(found, enough),
        *_folds(found),
        *_domains(domains, enough),
        *_offsets(found.shifts),
    ]
    return "\n\n".join(map(_wrapped, parts)) + "\n"


def _opening(found: Findings, ships: bool, date: str, version: int) -> str:
    train, dev = (sum(of[s] for of in found.rows.values()) for s in ("train", "dev"))
    shipped = (
        f"What ships is trained on **train and dev together** ({train + dev:,} rows), on "
        f"{date}, by features of version {version}. No figure below is of those very "
        "weights, which have seen every row."
        if ships
        else f"Nothing was trained to ship in this run of {date}, by features of version "
        f"{version}."
    )
    return (
        f"{shipped} The figures are held out: those on dev ({dev:,} rows) are of a model "
        f"trained on train alone ({train:,} rows), and those of {FOLDS} folds are of "
        f"{FOLDS} models, each trained on the other {FOLDS - 1} folds of train and dev; "
        "prompts that nearly repeat each other always stand on one side. What is learned "
        "and how strongly it is held back was chosen by the figures of the folds, which "
        "are therefore a little too good; dev was looked at while this was built, and how "
        "soon a prompt is called unknown was chosen by it."
    )


def _sources(found: Findings) -> list[str]:
    rows = [
        [
            name,
            f"{of['train']:,}",
            f"{of['dev']:,}",
            f"{s.weak} > {s.strong}",
            s.medium,
            s.about,
            s.origin,
            s.licence,
        ]
        for name, of in found.rows.items()
        for s in [SOURCES[name]]
    ]
    headings = (
        "table", "train", "dev", "weak > strong", "medium", "what", "published by",
        "licence",
    )  # fmt: skip
    return ["## Sources", table(headings, rows)]


def _figures(ordering: Ordering) -> str:
    return table(
        ["table", *_COLUMNS.values()],
        (
            [name, *(cell(of[measure]) for measure in _COLUMNS)]
            for name, of in ordering.figures.items()
        ),
    )


def _calibrated(tier: str, found: Calibration) -> list[str]:
    errors = ([name, f"{error:.3f}"] for name, error in found.by_table.items())
    bins = ([f"{b.count:,}", f"{b.said:.3f}", f"{b.seen:.3f}"] for b in found.bins)
    return [
        f"### P({tier} fails) on dev",
        f"Brier score {found.brier:.3f}, expected calibration error {found.error:.3f} "
        f"over {len(found.bins)} bins of as many prompts each. What was said and what "
        "was seen in them:",
        table(("prompts", "said", "seen"), bins),
        "The same error in each table:",
        table(("table", "expected calibration error"), errors),
    ]


def _unknown(found: Findings, enough: int) -> list[str]:
    rows = ([name, f"{share:.1%}"] for name, share in found.unknown.items())
    return [
        "### Dev prompts called like none that are known",
        f"A domain that fewer than {enough:,} distinct prompts of train alone have taught "
        "is unknown to the model measured here as a whole, even where train and dev "
        f"together make it known to the one that ships. `{OF_KNOWN}` leaves these out.",
        table(("table", "share"), rows),
    ]


def _folds(found: Findings) -> list[str]:
    apart = {**found.fold_by_fold, MEAN: mean_of(found.fold_by_fold)}
    rows = (
        [name, cell(of["apgr"]), f"{apart[name]:.3f}"]
        for name, of in found.folds.figures.items()
    )
    return [
        f"## Held out: {FOLDS} folds over train and dev",
        "Each row is scored by the one model that never saw its cluster. In the first "
        f"column a table's {FOLDS} folds are ordered together, though {FOLDS} models "
        "scored them; in the second each fold is ordered by itself, and the mean taken.",
        table(("table", "APGR, folds together", "APGR, fold by fold"), rows),
    ]


def _domains(domains: Sequence[Domain], enough: int) -> list[str]:
    if not domains:
        return []
    rows = ([d.name, f"{d.prompts:,}", "yes" if d.known else "no"] for d in domains)
    return [
        "## What it knows",
        f"A domain counts as known if at least {enough:,} distinct prompts have taught "
        "it. A prompt of another domain, or one too unlike the others of its kind, is "
        "called unknown, and so is one that looks like other requests, of which "
        f"{len(other_requests())} were written for this; its probabilities are not used.",
        table(("domain", "distinct prompts", "known"), rows),
    ]


def _offsets(shifts: Sequence[Shift]) -> list[str]:
    title = "## Where the prior offsets come from"
    prior = (
        f"Until {JUDGED_ENOUGH} answers of a tier were judged, {PRIOR.small:+.1f} is "
        f"added to the logit of P(small fails) and {PRIOR.medium:+.1f} to that of "
        "P(medium fails): about the smaller mean, for both. No table here "
        "compares such models at questions of knowledge, which are most of the prompts: "
        "there it is a guess, until the ledger's own answers replace it."
    )
    if not shifts:
        return [title, f"{prior} No table here has answers of {LATER} to compare with."]
    rows = [[s.table, f"{s.small:+.2f}", f"{s.medium:+.2f}"] for s in shifts]
    small = sum(s.small for s in shifts) / len(shifts)
    medium = sum(s.medium for s in shifts) / len(shifts)
    rows.append([MEAN, f"{small:+.2f}", f"{medium:+.2f}"])
    pairs = {(SOURCES[s.table].weak, SOURCES[s.table].strong) for s in shifts}
    weak, strong = (
        " or ".join(sorted(set(names))) for names in zip(*pairs, strict=True)
    )
    return [
        title,
        "The models learned from are older than those in use. On the same prompts, the "
        f"logit of the share at which the later {LATER} fails differs from that of the "
        "pair by:",
        table(("table", f"from {weak}", f"from {strong}"), rows),
        prior,
    ]


def cell(figure: Figure) -> str:
    """Return a figure and its interval."""
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an aligned table in Markdown."""
    every = [headings, *rows]
    widths = [max(len(row[n]) for row in every) for n in range(len(headings))]
    shown = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in every]
    shown.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join(shown)


def _wrapped(part: str) -> str:
    """Wrap what is neither a table, a heading nor code."""
    return part if part[0] in "|#`" else textwrap.fill(part, 88)
