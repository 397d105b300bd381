"""Look a price up by exact model id and UTC day: overrides over genai-prices."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from contextlib import suppress
from datetime import UTC
from importlib.metadata import version
from typing import TYPE_CHECKING

from costroute_nb.core.overrides import apply_overrides
from costroute_nb.core.prices import Price, Rates
from costroute_nb.forks import lock_across_forks
from costroute_nb.pricing.published import FORMAT, Models, Row, read_published

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from pathlib import Path

    from costroute_nb.core.overrides import PriceOverride

_log = logging.getLogger(__name__)


class PriceBook:
    """The `Prices` port over genai-prices and dated overrides; thread-safe.

    Nothing is read before the first `price`, and nothing is ever downloaded.

    Parameters
    ----------
    overrides
        Dated rows that win over genai-prices.
    cache_file
        Where the integers read from genai-prices are kept, because importing it
        takes long; None keeps no file. A damaged or outdated file is rebuilt.
    """

    def __init__(
        self, overrides: Iterable[PriceOverride] = (), cache_file: Path | None = None
    ) -> None:
        self._overrides: dict[tuple[str, str], list[PriceOverride]] = {}
        for row in overrides:
            self._overrides.setdefault((row.model, row.provider), []).append(row)
        self._cache_file = cache_file
        self._lock = lock_across_forks()
        self._version = ""
        self._providers: dict[str, Models] | None = None
        self._known: dict[tuple[str, str, date], Price | None] = {}

    def price(self, model: str, provider: str, at: datetime) -> Price | None:
        """Return the price in force at a moment, or None where none is known.

        Raises
        ------
        ValueError
            If `at` has no time zone: the day would be a guess.
        """
        if at.tzinfo is None:
            message = "a price needs an aware datetime"
            raise ValueError(message)
        key = (model, provider, at.astimezone(UTC).date())
        try:
            return self._known[key]
        except KeyError:
            return self._known.setdefault(key, self._find(*key))

    def _find(self, model: str, provider: str, day: date) -> Price | None:
        rows = self._overrides.get((model, provider), [])
        price = apply_overrides(self._published(model, provider, day), rows, day)
        if price is None and any(row.holds_on(day) for row in rows):
            _log.warning(
                "prices.toml changes some rates of %s, which genai-prices does not "
                "know: give at least input and output",
                model,
            )
        return price

    def _published(self, model: str, provider: str, day: date) -> Price | None:
        """Return what genai-prices says for a day."""
        rows = self._models(provider).get(model, [])
        begun = [row for row in rows if row.start <= day.isoformat()]
        if not begun:
            return None
        _, base, steps, web_search, fast = begun[-1]
        if base is None:
            return None
        return Price(
            model=model,
            base=Rates(*base),
            steps=tuple((above, Rates(*rates)) for above, rates in steps),
            web_search=web_search,
            fast=None if fast is None else Rates(*fast),
            as_of=f"genai-prices {self._version}",
        )

    def _models(self, provider: str) -> Models:
        with self._lock:
            if self._providers is None:
                self._version = version("genai-prices")
                self._providers = self._read()
            if provider not in self._providers:
                self._providers[provider] = read_published(provider)
                self._write(self._providers)
            return self._providers[provider]

    def _read(self) -> dict[str, Models]:
        """Return what the file holds; nothing if it is absent, damaged or outdated."""
        if self._cache_file is None:
            return {}
        try:
            digest, _, body = self._cache_file.read_text("utf-8").partition("\n")
            held = json.loads(body) if digest == _digest(body) else {}
            if (held.get("format"), held.get("version")) != (FORMAT, self._version):
                return {}
            return {
                provider: {
                    name: [Row(*row) for row in rows] for name, rows in m.items()
                }
                for provider, m in held["providers"].items()
            }
        except (OSError, ValueError):
            return {}

    def _write(self, providers: dict[str, Models]) -> None:
        """Keep the integers in a file only its owner reads; failing does no harm."""
        if self._cache_file is None:
            return
        held = {"format": FORMAT, "version": self._version, "providers": providers}
        body = json.dumps(held, separators=(",", ":"))
        # A name per process, so that two kernels never write the same draft.
        draft = self._cache_file.with_name(f"{self._cache_file.name}.{os.getpid()}")
        try:
            self._cache_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                draft.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(f"{_digest(body)}\n{body}")
            draft.replace(self._cache_file)
        except OSError as error:
            _log.debug("prices are not kept on disk: %s", error.strerror)


def _digest(body: str) -> str:
    """Return what detects a damaged file; it is no protection against tampering."""
    return hashlib.sha256(body.encode()).hexdigest()
