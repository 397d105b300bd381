"""Estimators that are built when first asked, and those that other packages install."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costroute_nb.errors import ConfigurationError
from costroute_nb.forks import lock_across_forks

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoint

    from costroute_nb.core.learned import Estimate
    from costroute_nb.ports import Estimator

GROUP = "costroute_nb.classifiers"
"""The entry points of other packages: each an estimator, or what makes one."""


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
    """Another package's estimator, none of whose mistakes goes any further."""

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
        for name in ("p_small_fails", "p_medium_fails", "p_both_fail"):
            chance = getattr(found, name)
            if not 0 <= chance <= 1:  # nor is it not a number
                message = (
                    f"classifier {self._name!r}: {name} is a probability from 0 to 1, "
                    f"not {chance}"
                )
                raise ConfigurationError(message)
        return found


def _loaded(entry: EntryPoint) -> Any:
    """Return an entry point's object, or what it makes if it is no estimator."""
    try:
        found = entry.load()
        is_made = not isinstance(found, type) and hasattr(found, "estimate")
        return found if is_made else found()
    except Exception as error:
        raise _unusable(entry.name, "cannot be loaded", error) from error


def _unusable(name: str, how: str, error: Exception) -> ConfigurationError:
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    return ConfigurationError(f"classifier {name!r} {how}: {said}")
