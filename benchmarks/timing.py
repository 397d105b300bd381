"""Take times in turns, so that whatever else the machine does hits every side alike."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_LONGEST_SECONDS = 120.0
_WARM = 3


def in_turns(
    works: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Return the seconds that each work took in each round.

    Who goes first changes from round to round; the first rounds are not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(-_WARM, rounds):
        for name in _rotated(list(works), number):
            started = perf_counter()
            works[name]()
            elapsed = perf_counter() - started
            if number >= 0:
                times[name].append(elapsed)
    gc.collect()
    return times


def _rotated(names: list[str], number: int) -> Iterator[str]:
    start = number % len(names)
    yield from names[start:]
    yield from names[:start]


def overhead(more: Sequence[float], bare: Sequence[float]) -> float:
    """Return the median of what a round of one took longer than the other's."""
    return median(a - b for a, b in zip(more, bare, strict=True))


def fresh(code: str, *arguments: str, at: Path) -> float:
    """Run code in a new interpreter; return the seconds it says on its last line.

    It runs in the directory `at`, where no project file is found.
    """
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=at,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        message = f"a fresh interpreter failed: {last[0]}"
        raise RuntimeError(message)
    return float(done.stdout.strip().splitlines()[-1])


def steps(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median of each of several works that always follow one another."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(-_WARM, rounds):
        stamps = [perf_counter()]
        for work in works.values():
            work()
            stamps.append(perf_counter())
        for name, (begin, end) in zip(works, pairwise(stamps), strict=True):
            times[name].append(end - begin)
    return {name: median(found[_WARM:]) for name, found in times.items()}
