"""Put the face into a shell, and take all of it out again."""

import logging
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from traitlets import TraitError

from costroute_nb.errors import ConfigurationError
from costroute_nb.notebook.completer import matcher
from costroute_nb.notebook.face import Face
from costroute_nb.notebook.magics import RouteMagics

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.core.policy import Plan

_LOGGER = logging.getLogger("costroute_nb")


class _Warnings(logging.Handler):
    """Writes each of the library's warnings once, as one line below the cell."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write it unless it was written before."""
        line = " ".join(record.getMessage().split())
        if line not in self._said:
            self._said.add(line)
            sys.stderr.write(f"costroute_nb: {line}\n")


class _Installed:
    """What is in one shell now."""

    def __init__(self, face: Face) -> None:
        self.magics = RouteMagics(face.shell, face)
        self.matcher = matcher(face.words)
        self.warnings = _Warnings()


# This module is not reloaded by %reload_ext: budget, settings and views live on in it.
_faces: "WeakKeyDictionary[InteractiveShell, Face]" = WeakKeyDictionary()
_installed: "WeakKeyDictionary[InteractiveShell, _Installed]" = WeakKeyDictionary()


def load(ip: "InteractiveShell") -> None:
    """Register magics, completion, settings and displays; silent, and only once.

    Raises
    ------
    ConfigurationError
        If `ipython_config.py` has a value that a setting does not take.
    """
    if ip in _installed:
        return
    face = _face(ip)
    installed = _installed[ip] = _Installed(face)
    ip.register_magics(installed.magics)
    ip.configurables.append(face.config)
    ip.Completer.custom_matchers.append(installed.matcher)
    for (module, name), show in _shows(face).items():
        _bundles(ip).for_type_by_name(module, name, show)
    _LOGGER.addHandler(installed.warnings)


def unload(ip: "InteractiveShell") -> None:
    """Take back what `load` registered; harmless if there is nothing."""
    installed = _installed.pop(ip, None)
    if installed is None:
        return
    face = _faces[ip]
    face.forget_shown()
    manager = ip.magics_manager
    for kind in ("line", "cell"):
        manager.magics[kind].pop("route", None)
    manager.registry.pop(type(installed.magics).__name__, None)
    ip.configurables[:] = [
        one for one in ip.configurables if one not in (face.config, installed.magics)
    ]
    ip.Completer.custom_matchers.remove(installed.matcher)
    for module, name in _shows(face):
        _bundles(ip).pop(f"{module}.{name}", None)
    _LOGGER.removeHandler(installed.warnings)


def _face(ip: "InteractiveShell") -> Face:
    if ip not in _faces:
        try:
            _faces[ip] = Face(ip)
        except TraitError as error:
            message = f"ipython_config.py: {error}"
            raise ConfigurationError(message) from None
    return _faces[ip]


def _shows(face: Face) -> "dict[tuple[str, str], Callable[[Any], Any]]":
    """Return what shows each type; by name, so that no type is imported before use."""
    return {
        ("costroute_nb.core.result", "Result"): lambda result: face.results.bundle(
            result
        ),
        ("costroute_nb.core.policy", "Plan"): _show_plan,
        ("costroute_nb.notebook.views", "Page"): lambda page: page.bundle(),
    }


def _show_plan(plan: "Plan") -> dict[str, str]:
    from costroute_nb.notebook.views import plan_page

    return plan_page(plan).bundle()


def _bundles(ip: "InteractiveShell") -> Any:
    """Return the formatter of objects that are shown in several types at once."""
    return ip.display_formatter.mimebundle_formatter  # type: ignore[union-attr] # shells have one
