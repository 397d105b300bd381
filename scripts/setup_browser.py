"""Find or fetch a Chromium that really starts, and print its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _starts(path: str) -> bool:
    """Whether the browser opens a page; a stub on PATH may exist and not start."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, timeout=60_000)
            browser.new_page().goto("about:blank")
            browser.close()
    except Error:
        return False
    return True


def _on_path() -> Iterator[str]:
    for name in NAMES:
        if found := shutil.which(name):
            yield found


def _quietly(*command: str) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=900,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _as_root() -> tuple[str, ...] | None:
    """Return what to put before a command that needs root; None if it may not be."""
    if os.geteuid() == 0:
        return ()
    return ("sudo", "-n") if _quietly("sudo", "-n", "true") else None


def _from_apt() -> Iterator[str]:
    """Install Debian's chromium, if this account may without being asked."""
    if not shutil.which("apt-get") or (root := _as_root()) is None:
        return
    _say("installing chromium with apt-get ...")
    apt = (*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get")
    _quietly(*apt, "update")  # one unreachable source need not matter
    if _quietly(*apt, "install", "-y", "chromium"):
        yield from _on_path()


def _from_playwright() -> Iterator[str]:
    """Fetch Playwright's own, then the system libraries if it lacks them."""
    from playwright.sync_api import sync_playwright

    _say("fetching Playwright's chromium ...")
    playwright = (sys.executable, "-m", "playwright")
    if not _quietly(*playwright, "install", "chromium"):
        return
    with sync_playwright() as api:
        path = api.chromium.executable_path
    yield path
    if shutil.which("apt-get") and (root := _as_root()) is not None:
        _say("installing the libraries that it lacks ...")
        if _quietly(*root, *playwright, "install-deps", "chromium"):
            yield path


def _say(sentence: str) -> None:
    print(f"browser: {sentence}", file=sys.stderr, flush=True)


SOURCES: tuple[Callable[[], Iterator[str]], ...] = (
    _on_path,
    _from_apt,
    _from_playwright,
)


def find_browser() -> str | None:
    """Return the path of a Chromium that starts, or None if none could be had."""
    for source in SOURCES:
        for path in source():
            if _starts(path):
                return path
    return None


if __name__ == "__main__":
    path = find_browser()
    if path is None:
        _say(
            "no chromium on PATH starts, apt-get may not or could not install one, "
            "and Playwright's could not be fetched or lacks system libraries"
        )
        sys.exit(1)
    print(path)
