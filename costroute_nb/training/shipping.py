"""What a classifier that ships says of itself: sources, licences, figures, domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.training.evaluation import as_facts
from costroute_nb.training.kinds import DOMAINS, rows_of
from costroute_nb.training.outcomes import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from costroute_nb.core.learned import LearnedModel
    from costroute_nb.training.evaluation import Findings

TRAINED_ON = "train and dev"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain, how many distinct prompts taught it, and whether it counts as known."""

    name: str
    prompts: int
    known: bool


def facts_of(found: Findings, *, date: str, command: str) -> dict[str, Any]:
    """Return what the artifact says of itself, as JSON has it."""
    return {
        "command": command,
        "date": date,
        "figures": as_facts(found),
        "sources": [
            {
                "name": name,
                "about": source.about,
                "origin": source.origin,
                "licence": source.licence,
                "rows": sum(of.values()),
                "weak": source.weak,
                "medium": source.medium,
                "strong": source.strong,
            }
            for name, of in found.rows.items()
            for source in [SOURCES[name]]
        ],
        "trained_on": TRAINED_ON,
    }


def domains_of(model: LearnedModel, frames: Mapping[str, pd.DataFrame]) -> list[Domain]:
    """Return the domains of a model, those that most prompts taught first."""
    rows = rows_of(frames)
    domain = rows["kind"].map(lambda kind: DOMAINS.get(kind, kind))
    distinct = rows.groupby(domain)["cluster"].nunique()
    known = dict(zip(model.about.domains, model.about.taught, strict=True))
    found = [Domain(name, int(distinct[name]), known[name]) for name in known]
    return sorted(found, key=lambda each: (-each.prompts, each.name))
