"""`%%route` and `%route` as IPython knows them; the work is done elsewhere."""

from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand

if TYPE_CHECKING:
    from collections.abc import Callable

    from costroute_nb.notebook.face import Face


@no_var_expand
class Route:
    """The magic of one shell, for lines and cells; its state is in the face.

    What does the work, and even its help text, is imported by the first use: loading
    the extension must not cost what most notebooks' first cell does not need yet.
    """

    def __init__(self, face: "Callable[[], Face]") -> None:
        self._face = face

    def __call__(self, line: str = "", cell: str | None = None) -> Any:
        """Run a subcommand, or send a cell."""
        if cell is None:
            from costroute_nb.notebook import subcommands

            return subcommands.run(self._face(), line)
        from costroute_nb.notebook import routed

        return routed.run(self._face(), line, cell)

    @property
    def __doc__(self) -> str:  # type: ignore[override] # what `%route?` shows
        """The whole help text."""
        from costroute_nb.notebook.usage import usage

        return usage()
