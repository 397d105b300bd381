"""The user's variables as text for placeholders and options."""

from collections.abc import Iterator, Mapping
from typing import Any

from costroute_nb.core.templates import value_text
from costroute_nb.errors import TemplateError


def as_text(value: Any, name: str = "the value") -> str:
    """Return a variable as a prompt sends it: `str()` of it, a DataFrame as CSV.

    Parameters
    ----------
    name
        What to call it if it fails.

    Raises
    ------
    TemplateError
        If the value cannot be made text.
    """
    try:
        return value_text(value)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        message = f"{name} cannot be made text: {said}"
        raise TemplateError(message, name=name) from error


class Variables(Mapping[str, str]):
    """A namespace whose values are text when asked for; only visible names are listed.

    Parameters
    ----------
    namespace
        The user's variables.
    hidden
        Names that the shell put there itself.
    """

    def __init__(
        self, namespace: Mapping[str, Any], hidden: Mapping[str, Any] | None = None
    ) -> None:
        self._namespace = namespace
        self._hidden = hidden or {}

    def __getitem__(self, name: str) -> str:
        return as_text(self._namespace[name], f"{{{{{name}}}}}")

    def __iter__(self) -> Iterator[str]:
        return (
            name
            for name in list(self._namespace)
            if not name.startswith("_") and name not in self._hidden
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def strings(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values among these names that are strings themselves."""
        found = (self._namespace.get(name) for name in names)
        return tuple(value for value in found if isinstance(value, str))
