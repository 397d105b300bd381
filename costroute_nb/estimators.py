"""Estimators that are built when first asked, and those that other packages install."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from costroute_nb.errors import ConfigurationError
from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from costroute_nb.core.learned import Estimate
    from costroute_nb.ports import Estimator

GROUP = "costroute_nb.classifiers"
"""The entry points of other packages: each an estimator, or what makes one."""

_LENGTH, _NAMED = 60, 3  # characters of a line, and how many features tell what tipped


class LateEstimator:
    """Builds an estimator when it is first asked, once: that may import and read."""

    def __init__(self, build: Callable[[], Estimator]) -> None:
        self._build = build
        self._built: Estimator | None = None
        self._lock = lock_across_forks()

    def estimate(self, text: str) -> Estimate:
        """Return what the estimator says of a text."""
        built = self._built
        if built is None:
            with self._lock:
                built = self._built = self._built or self._build()
        return built.estimate(text)


def installed(name: str) -> LateEstimator:
    """Return the estimator that a package has installed under a name.

    Whatever is wrong with it is raised as a ConfigurationError when it is asked.

    Raises
    ------
    ConfigurationError
        If there is none; it names those that there are.
    """
    from importlib.metadata import entry_points  # slow, and seldom needed

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        others = ", ".join(sorted(found))
        also = f"installed: {others}" if others else f"no package brings one ({GROUP})"
        message = (
            f"classifier is rules, learned, both or an installed one, not {name!r}; "
            f"{also}"
        )
        raise ConfigurationError(message)
    return LateEstimator(lambda: _Foreign(name, _loaded(found[name])))


class _Foreign:
    """Another package's estimator, none of whose mistakes goes any further.

    What it says is made plain: numbers that Python and the ledger know, and short lines.
    """

    def __init__(self, name: str, estimator: Any) -> None:
        self._name = name
        self._estimator = estimator

    def estimate(self, text: str) -> Estimate:
        from costroute_nb.core.learned import Estimate  # beside what numpy is for

        try:
            found = self._estimator.estimate(text)
        except Exception as error:
            raise _unusable(self._name, "fails", error) from error
        if not isinstance(found, Estimate):
            message = (
                f"classifier {self._name!r} returns {type(found).__name__}, "
                "not costroute_nb.Estimate"
            )
            raise ConfigurationError(message)
        plain: dict[str, Any] = {}
        for part, made in _PLAIN.items():
            try:
                plain[part] = made(getattr(found, part))
            except Exception as error:
                raise _unusable(self._name, f"has no usable {part}", error) from error
        # Under the name it is chosen by, so that nobody else's answers shift it.
        return Estimate(**plain, source=self._name)


def _chance(said: Any) -> float:
    chance = float(said)
    if not 0 <= chance <= 1:  # nor is it not a number
        message = f"{chance} is no probability from 0 to 1"
        raise ValueError(message)
    return chance


def _finite(said: Any) -> float:
    number = float(said)
    if not isfinite(number):
        message = f"{number} is no finite number"
        raise ValueError(message)
    return number


def _line(said: Any, length: int = _LENGTH) -> str:
    """Return one short line that can be shown anywhere."""
    words = " ".join(str("" if said is None else said).split())
    return "".join(filter(str.isprintable, words))[:length]


def _few(said: Any) -> tuple[str, ...]:
    if isinstance(said, str):
        return (_line(said),)
    return tuple(map(_line, islice(said, _NAMED)))


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "p_small_fails": _chance,
    "p_medium_fails": _chance,
    "p_both_fail": _chance,
    "domain": _line,
    "known_domain": bool,
    "difficulty": _finite,
    "tipped": _few,
}
"""What makes each part of a foreign estimate what it should be."""


def _loaded(entry: EntryPoint) -> Any:
    """Return an entry point's object, or what it makes if it is no estimator."""
    try:
        found = entry.load()
        is_made = not isinstance(found, type) and hasattr(found, "estimate")
        return found if is_made else found()
    except Exception as error:
        raise _unusable(entry.name, "cannot be loaded", error) from error


def _unusable(name: str, how: str, error: Exception) -> ConfigurationError:
    said = _line(f"{type(error).__name__}: {error}".removesuffix(": "), 300)
    return ConfigurationError(f"classifier {name!r} {how}: {said}")
