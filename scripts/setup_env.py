"""Make or refresh the environment that make works in; standard library only."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "costroute-ready"


def _interpreter(venv: Path) -> Path:
    scripts = "Scripts" if os.name == "nt" else "bin"
    return venv / scripts / "python"


def _version(python: Path) -> tuple[int, int] | None:
    """Return the interpreter's version, or None if it does not run."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = done.stdout.split()
    return int(major), int(minor)


def _usable(venv: Path, *, this_python: bool) -> bool:
    """Whether the environment runs, and on the wanted Python if one was named."""
    found = _version(_interpreter(venv))
    if found is None:
        return False
    return found == sys.version_info[:2] if this_python else found >= (3, 11)


def _base_executable() -> Path:
    """Return an interpreter outside any environment, to make environments with."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)


def _fingerprint(venv: Path, extra: str | None) -> str:
    """Return what the environment's contents depend on, as one word."""
    parts = [
        (ROOT / "pyproject.toml").read_bytes(),
        Path(__file__).read_bytes(),
        repr((_version(_interpreter(venv)), str(ROOT), extra)).encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _pip(venv: Path, *arguments: str, say_why: bool = True) -> bool:
    done = subprocess.run(
        [str(_interpreter(venv)), "-m", "pip", "-qq", *arguments],
        cwd=ROOT,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stderr=None if say_why else subprocess.DEVNULL,
    )
    return done.returncode == 0


def _install(venv: Path, extra: str | None) -> None:
    """Install the sources in place, with the tools; with the extra where it can be."""
    # Dependency groups need pip 25.1, newer than what many Pythons bundle.
    if not _pip(venv, "install", "--upgrade", "pip>=25.1"):
        sys.exit("pip could not be upgraded: is a package index within reach?")
    install = ("install", "--group", "dev", "--editable")
    if extra:
        if _pip(venv, *install, f".[{extra}]", say_why=False):
            return
        print(f"The extra '{extra}' does not install here; going on without it.")
    if not _pip(venv, *install, "."):
        sys.exit("The dependencies could not be installed; pip says why above.")


def _register_kernel(venv: Path) -> None:
    """Register this environment's kernel so that notebooks start no other Python."""
    subprocess.run(
        [_interpreter(venv), "-m", "ipykernel", "install", "--prefix", venv],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def set_up(venv: Path, *, extra: str | None, this_python: bool) -> None:
    """Bring the environment to the state that pyproject.toml describes."""
    if not _usable(venv, this_python=this_python):
        print(f"Making {venv.relative_to(ROOT)} (a few minutes the first time) ...")
        if venv.exists():
            shutil.rmtree(venv)
        subprocess.run([_base_executable(), "-m", "venv", venv], check=True)
    stamp = venv / STAMP
    wanted = _fingerprint(venv, extra)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"Installing into {venv.relative_to(ROOT)} ...", flush=True)
    _install(venv, extra)
    _register_kernel(venv)
    stamp.write_text(wanted)


def main() -> None:
    """Read the command line and set up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    parser.add_argument("--extra", help="an optional-dependency set to try as well")
    parser.add_argument(
        "--this-python",
        action="store_true",
        help="remake an environment that runs on another Python than this one",
    )
    options = parser.parse_args()
    set_up(ROOT / options.venv, extra=options.extra, this_python=options.this_python)


if __name__ == "__main__":
    main()
