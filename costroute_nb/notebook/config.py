"""`%config CostRoute`: every setting as a trait, made from the settings themselves."""

from dataclasses import Field, fields
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin
from typing import get_type_hints as type_hints

import traitlets
from traitlets.config import Configurable

from costroute_nb.core.budget import Limits
from costroute_nb.errors import ConfigurationError
from costroute_nb.estimators import installed
from costroute_nb.settings import CLASSIFIERS, Settings, parse
from costroute_nb.sources import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell


class _Checked(traitlets.TraitType[Any, Any]):
    """A trait whose values the settings check and convert; setting it is remembered."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value as the setting takes it, or raise a TraitError."""
        name = str(self.name)
        try:
            found = getattr(Settings(**{name: parse(name, value)}), name)
            if name == "classifier" and found not in CLASSIFIERS:
                installed(found)
        except (ValueError, ConfigurationError) as error:
            message = f"CostRoute.{name}: {error}"
            raise traitlets.TraitError(message) from None
        return found

    def get(self, obj: Any, cls: Any = None) -> Any:
        """Return the value in force, whichever source it comes from."""
        return obj.in_force(self.name)

    def set(self, obj: Any, value: Any) -> None:
        """Set it, and remember so even if it is what it was."""
        super().set(obj, value)
        obj.remember(self.name, self.validate(obj, value))


# The names are what `%config CostRoute` shows as the types.
_KINDS: dict[Any, type[Any]] = {
    bool: type("Bool", (_Checked, traitlets.Bool), {}),
    int: type("Int", (_Checked, traitlets.Int), {}),
    float: type("Float", (_Checked, traitlets.Float), {}),
    str: type("Unicode", (_Checked, traitlets.Unicode), {}),
}
_Choice: Any = type("Enum", (_Checked, traitlets.Enum), {})


class _Base(Configurable):
    """Remembers which values `ipython_config.py` set and which were set later.

    Raises
    ------
    TraitError
        If `ipython_config.py` has a value that a setting does not take.
    """

    def __init__(self, shell: "InteractiveShell") -> None:
        self._from_file: dict[str, Any] = {}
        self._given: dict[str, Any] = {}
        self._anew: set[str] = set()
        self._on_change: Callable[[], None] = lambda: None
        super().__init__(parent=shell)
        self._from_file, self._given = self._given, {}
        self._anew.clear()
        self.changed = True

    def on_change(self, call: "Callable[[], None]") -> None:
        """Call this after every change from now on."""
        self._on_change = call

    def remember(self, name: str, value: Any) -> None:
        """Note that a setting was set."""
        self._given[name] = value
        self._anew.add(name)
        self.changed = True
        self._on_change()

    def settings(self) -> Settings:
        """Return the settings in force, from all sources.

        Raises
        ------
        ConfigurationError
            Naming the source and the setting.
        """
        found = resolve(ipython=self._from_file, config=self._given)
        self.changed = False
        return found

    def limits_set(self) -> dict[str, Any]:
        """Return the limits that were set since this was last asked, with their values.

        One that is set to what it was replaces a limit set by hand all the same.
        """
        names, self._anew = self._anew, set()
        limits = {f.name for f in fields(Limits)}
        keys = {name: name.removesuffix("_limit") for name in names - limits}
        keys |= {name: name for name in names & limits}
        return {k: self.in_force(n) for n, k in keys.items() if k in limits}

    def in_force(self, name: str) -> Any:
        """Return a setting's value, also while another source is in disorder."""
        try:
            found = resolve(ipython=self._from_file, config=self._given)
        except ConfigurationError:  # a call will say so
            found = Settings(**{**self._from_file, **self._given})
        return getattr(found, name)


def _trait(setting: "Field[Any]", hint: Any) -> Any:
    """Return the trait that a setting's annotation, default and help make."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kind = next(kind for kind in kinds if kind is not type(None))
    options: dict[str, Any] = {
        "default_value": setting.default,
        "allow_none": type(None) in kinds,
        "help": setting.metadata.get("help", ""),
    }
    choices = get_args(kind) if get_origin(kind) is Literal else None
    trait = _Choice(choices, **options) if choices else _KINDS[kind](**options)
    return trait.tag(config=True)


_HINTS = type_hints(Settings)

CostRoute: type[Any] = type(
    "CostRoute",
    (_Base,),
    {
        "__doc__": "Settings of costroute_nb; COSTROUTE_... variables set them too.",
        "__module__": __name__,
        **{f.name: _trait(f, _HINTS[f.name]) for f in fields(Settings)},
    },
)
