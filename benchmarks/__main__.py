"""Measure everything and print one table; what is slower than wished is no failure.

Run `python -m benchmarks [--quick] [--json FILE] [SUBJECT ...]`. What the levers save
is money, not time: `levers` runs only where it is named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.place import own_place
from benchmarks.report import Line, table
from benchmarks.server import ROOT, local_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.place import Place

_SUBJECTS = (
    "loading", "classification", "cache_hit", "overhead", "first_answer", "scale",
)  # fmt: skip
_LEDGER, _LEVERS = "ledger", "levers"
_KNOWN = (*_SUBJECTS, _LEDGER, _LEVERS)
_PEERS = ("anthropic", "diskcache", "ipython", "litellm")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("subject", nargs="*", help=f"{', '.join(_KNOWN)}")
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    wanted = options.subject or [*_SUBJECTS, _LEDGER]
    started = perf_counter()
    surroundings = _surroundings()
    lines: list[Line] = []
    said: dict[str, list[str]] = {}
    with local_server() as url, own_place(url, quick=options.quick) as place:
        for name in wanted:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            if name in (_LEDGER, _LEVERS):
                said[name] = _by_itself(name, place)
            else:
                lines += _measured(name, place)
    surroundings["seconds"] = round(perf_counter() - started, 1)
    surroundings["load_after"] = _load()
    print("\n".join(f"{name}: {value}" for name, value in surroundings.items()))
    print(f"\n{table(lines)}")
    for told in said.values():
        print("\n".join(["", *told]))
    if options.json:
        report = {
            **surroundings,
            "lines": [line.to_dict() for line in lines],
            **said,
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _measured(name: str, place: Place) -> Iterator[Line]:
    """Yield a subject's lines; what breaks is one line, and the others go on."""
    try:
        if name not in _SUBJECTS:
            message = f"there is no such subject; there are {', '.join(_KNOWN)}"
            raise LookupError(message)
        yield from import_module(f"benchmarks.{name}").measure(place)
    except Exception as error:
        why = " ".join(str(error).split())
        yield Line(name, note=f"not measured: {type(error).__name__}: {why}")


def _by_itself(name: str, place: Place) -> list[str]:
    """Return what a benchmark says that runs by itself as well."""
    arguments = {
        _LEDGER: [str(place.times(100_000, 2_000))],
        _LEVERS: ["--quick"] if place.quick else [],
    }[name]
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return [f"ledger: {line}" for line in said[-10:]] if name == _LEDGER else said


def _surroundings() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "peers": ", ".join(f"{name} {_version(name)}" for name in _PEERS),
        "load_before": _load(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _load() -> str:
    """Return how busy the machine was in the last minute, where it can be known."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
