"""Put the face into a shell, and take all of it out again."""

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from IPython.core.completer import context_matcher

import costroute_nb
from costroute_nb.notebook.magics import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.core.plan import Plan
    from costroute_nb.core.result import Result
    from costroute_nb.notebook.face import Face
    from costroute_nb.notebook.threads import Transcript
    from costroute_nb.notebook.views import Page
    from costroute_nb.session import Session

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


class _Settings:
    """Stands for the settings among IPython's configurables until one is looked at.

    Making the traits takes longer than all else that loading does. IPython asks a
    configurable for its `__class__` first, so that here it finds the real one's.
    """

    def __init__(self, face: "Callable[[], Face]") -> None:
        vars(self)["_face"] = face

    @property  # type: ignore[misc] # nobody sets it
    def __class__(self) -> Any:
        return type(self._face().config)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._face().config, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._face().config, name, value)


class _Installed:
    """What is in one shell now: all of it small, the face comes with its first use."""

    def __init__(self, ip: "InteractiveShell") -> None:
        self._face = partial(_face, ip)
        self.adopt = partial(_adopt, ip)
        self.route = Route(self._face)
        self.settings: Any = _Settings(self._face)
        self.warnings = _Warnings()
        # Types go by name, so that none is imported before there is one to show.
        self.shows: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("costroute_nb.core.result", "Result"): self._show_result,
            ("costroute_nb.core.plan", "Plan"): _show_plan,
            ("costroute_nb.notebook.views", "Page"): _show_bundle,
            ("costroute_nb.notebook.threads", "Transcript"): _show_bundle,
        }

    @context_matcher(identifier="costroute_nb")
    def complete(self, context: "CompletionContext") -> "SimpleMatcherResult":
        """Return what fits at the cursor."""
        from costroute_nb.notebook.completer import complete

        return complete(context, self._face().words)

    def _show_result(self, result: "Result") -> Any:
        return self._face().results.bundle(result)


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
    if "CostRoute" in ip.config:
        _ = _face(ip).config  # what is wrong there is said now
    installed = _installed[ip] = _Installed(ip)
    ip.magics_manager.register_function(installed.route, "line_cell", "route")
    ip.configurables.append(installed.settings)
    ip.Completer.custom_matchers.append(installed.complete)
    for (module, name), show in installed.shows.items():
        _bundles(ip).for_type_by_name(module, name, show)
    _LOGGER.addHandler(installed.warnings)
    costroute_nb._adopt = installed.adopt


def unload(ip: "InteractiveShell") -> None:
    """Take back what `load` registered; harmless if there is nothing."""
    installed = _installed.pop(ip, None)
    if installed is None:
        return
    if ip in _faces:
        _faces[ip].forget_shown()
        _faces[ip].forget_alerts()
    manager = ip.magics_manager
    for kind in ("line", "cell"):
        manager.magics[kind].pop("route", None)
    vars(manager.user_magics).pop("route", None)
    ip.configurables.remove(installed.settings)
    ip.Completer.custom_matchers.remove(installed.complete)
    for module, name in installed.shows:
        _bundles(ip).pop(f"{module}.{name}", None)
    _LOGGER.removeHandler(installed.warnings)
    if costroute_nb._adopt is installed.adopt:
        costroute_nb._adopt = None


def _face(ip: "InteractiveShell") -> "Face":
    if ip not in _faces:
        from costroute_nb.notebook.face import Face

        _faces[ip] = Face(ip)
    return _faces[ip]


def _adopt(ip: "InteractiveShell", session: "Session") -> None:
    _face(ip).adopt(session)


def _show_plan(plan: "Plan") -> dict[str, str]:
    from costroute_nb.notebook.planned import plan_page

    return plan_page(plan).bundle()


def _show_bundle(shown: "Page | Transcript") -> dict[str, str]:
    return shown.bundle()


def _bundles(ip: "InteractiveShell") -> Any:
    """Return the formatter of objects that are shown in several types at once."""
    return ip.display_formatter.mimebundle_formatter  # type: ignore[union-attr] # shells have one
