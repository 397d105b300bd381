"""The prompts that the simulated provider keeps, and what of a request they serve."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.messages import Usage
from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import PromptCache, Request

LEAST_TOKENS = 1024
"""A shorter prompt is not kept, and nothing says so."""
_SECONDS: dict[PromptCache, float] = {"5m": 300.0, "1h": 3600.0}


class PromptMemory:
    """Prompts kept by model, system prompt, schema and messages from the first on.

    Only whole messages count: a prompt serves a later one that goes on after its last
    message. What served is kept as long again; `now` tells the seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = lock_across_forks()
        self._kept: dict[str, tuple[float, PromptCache]] = {}

    def usage(
        self, model: Model, request: Request, count: Callable[[Request], int]
    ) -> Usage:
        """Return the prompt's part of the usage, and keep the prompt if asked to."""
        whole = count(request)
        lifetime = request.prompt_cache
        if lifetime is None or whole < LEAST_TOKENS:
            return Usage(input_tokens=whole)
        keys = list(_keys(model, request))
        with self._lock:
            known = self._longest(keys)
            self._keep(keys[-1], lifetime)
        earlier = replace(request, messages=request.messages[:known])
        read = min(whole, count(earlier)) if known else 0
        short, long = (whole - read, 0) if lifetime == "5m" else (0, whole - read)
        return Usage(0, read, short, long)

    def _longest(self, keys: list[str]) -> int:
        """Return how many messages of a prompt are kept, and keep those longer."""
        now = self._now()
        self._kept = {k: kept for k, kept in self._kept.items() if now < kept[0]}
        for known in range(len(keys), 0, -1):
            kept = self._kept.get(keys[known - 1])
            if kept is not None:
                self._kept[keys[known - 1]] = now + _SECONDS[kept[1]], kept[1]
                return known
        return 0

    def _keep(self, key: str, lifetime: PromptCache) -> None:
        # What is read is not written: it stays for as long as it was written for.
        if key not in self._kept:
            self._kept[key] = self._now() + _SECONDS[lifetime], lifetime


def _keys(model: Model, request: Request) -> Iterator[str]:
    """Yield a digest of the prompt up to and with each of its messages."""
    running = hashlib.sha256()
    before = [model.id, request.system, request.schema]
    running.update(json.dumps(before, sort_keys=True, default=dict).encode())
    for message in request.messages:
        # JSON has no newline of its own: where a message ends is never in doubt.
        text = json.dumps(message, sort_keys=True, default=dict)
        running.update(f"\n{text}".encode())
        yield running.hexdigest()
