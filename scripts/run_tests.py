"""Run the tests on the built wheel, away from the sources, and hold the coverage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
DISTRIBUTIONS = BUILD / "dist"
WHEEL = BUILD / "wheel"
TREE = BUILD / "testtree"

# What the tests may read. The package is not among it: beside the tests, its sources
# would be imported instead of the wheel, and a file missing there would go unnoticed.
COPIED = (
    "benchmarks",
    "binder",
    "docs",
    "notebooks",
    "scripts",
    "tests",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
)

EXACT = "costroute_nb/core/*,costroute_nb/router.py"


def _python(*arguments: str, cwd: Path = ROOT) -> int:
    """Run this interpreter with the arguments; return its exit status."""
    return subprocess.run([sys.executable, *arguments], cwd=cwd).returncode


def _must(what: str, *arguments: str) -> None:
    """Run this interpreter in silence; on failure show what it said and stop."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{what}")


def build() -> None:
    """Build the sdist, from it the wheel, and unpack the wheel where tests find it."""
    for stale in (DISTRIBUTIONS, WHEEL, TREE):
        shutil.rmtree(stale, ignore_errors=True)
    make = ("-m", "build", "--no-isolation", "--outdir", str(DISTRIBUTIONS))
    _must("The sdist and the wheel could not be built.", *make, str(ROOT))
    (wheel,) = DISTRIBUTIONS.glob("*.whl")
    unpack = ("-m", "pip", "install", "--no-deps", "--target", str(WHEEL))
    _must("The wheel could not be installed.", *unpack, str(wheel))


def copy_tree() -> None:
    """Copy the tests and what they read to a place without the package."""
    unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    TREE.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, TREE / name, ignore=unwanted)
        elif source.exists():
            shutil.copy2(source, TREE / name)


def _browser() -> dict[str, str]:
    """Return the variable that names the browser, if one could be had."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "setup_browser.py"],
        stdout=subprocess.PIPE,
        text=True,
    )
    path = done.stdout.strip()
    return {"COSTROUTE_TEST_BROWSER": path} if path else {}


def run(arguments: list[str]) -> int:
    """Run pytest under coverage on the wheel; return its exit status."""
    coverage = BUILD / "coverage"
    shutil.rmtree(coverage, ignore_errors=True)
    coverage.mkdir()
    search = [str(WHEEL), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ |= {
        **_browser(),
        "COSTROUTE_TEST_DIST": str(DISTRIBUTIONS),
        "COSTROUTE_TEST_WHEEL": str(WHEEL),
        "COVERAGE_FILE": str(coverage / "data"),
        "PYTHONPATH": os.pathsep.join(search),
    }
    return _python("-m", "coverage", "run", "-m", "pytest", "-q", *arguments, cwd=TREE)


def hold_coverage() -> int:
    """Report the coverage; non-zero below 90 % of all or 100 % of core and router."""
    _python("-m", "coverage", "combine", "--quiet")
    report = ("-m", "coverage", "report")
    whole = _python(*report, "--fail-under=90")
    exact = _python(*report, f"--include={EXACT}", "--fail-under=100")
    if exact:
        print("costroute_nb/core and costroute_nb/router.py must be covered in full.")
    return whole or exact


def main(arguments: list[str]) -> int:
    """Build, run and hold; a selection of tests is not held to the coverage."""
    build()
    copy_tree()
    if status := run(arguments):
        return status
    return 0 if arguments else hold_coverage()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
