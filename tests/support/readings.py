"""What a dashboard reads, made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from costroute_nb.budget import Standing
from costroute_nb.core.budget import LIMIT_NAMES, Limits
from costroute_nb.core.money import PICO_PER_USD
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.reading import Group, Reading
from costroute_nb.notebook.series import Point
from tests.support.records import NOON

CENT = PICO_PER_USD // 100
UTC_ZONE = ZoneInfo("UTC")


def spent(cents: float, calls: int = 1, hits: int = 0) -> Totals:
    """Return totals of calls that cost so many cents, and half of their baseline."""
    pico = round(cents * CENT)
    return Totals(
        calls=calls,
        attempts=calls,
        cache_hits=hits,
        cost=pico,
        charged=pico,
        baseline=2 * pico,
        saved=pico,
    )


def standings(cents: float, limits: Limits, held: float = 0) -> dict[Any, Standing]:
    """Return limits of which all but the call's have spent so many cents."""
    return {
        name: Standing(
            0 if name == "call" else round(cents * CENT),
            0 if name == "call" else round(held * CENT),
            limits.pico(name),
        )
        for name in LIMIT_NAMES
    }


def reading(**changes: Any) -> Reading:
    """Return a reading of a session without calls, with some of it replaced."""
    limits = changes.get("limits", Limits())
    flat = (Point(NOON, Totals()),)
    empty = Reading(
        at=NOON,
        zone=UTC_ZONE,
        simulated=False,
        limits=limits,
        stopped=False,
        standings=standings(0, limits),
        scope="session",
        curves={"session": flat, "day": flat, "month": flat},
        course=flat,
        by_model=(),
        by_step=(),
        baseline="claude-opus-5-5",
    )
    return replace(empty, **changes)


def busy(count: int, limits: Limits | None = None) -> Reading:
    """Return a reading of so many models, workflow steps and moments."""
    limits = limits or Limits(session=1.0)
    tiers = ("small", "medium", "large")
    models: tuple[Group, ...] = tuple(
        ((f"model-{n}", tiers[n % 3]), spent(n + 1, calls=n + 2, hits=n % 2))
        for n in range(count)
    )
    steps: tuple[Group, ...] = tuple(
        ((f"flow {n % 3}", f"step {n}"), spent(n + 1)) for n in range(count)
    )
    course = tuple(
        Point(NOON + timedelta(seconds=n), spent(n, calls=n + 1)) for n in range(count)
    ) or (Point(NOON, Totals()),)
    total = sum(n + 1 for n in range(count))
    return reading(
        limits=limits,
        standings=standings(total, limits),
        curves=dict.fromkeys(("session", "day", "month"), course),
        course=course,
        by_model=models,
        by_step=steps,
    )
