"""`%%route` and `%route` as IPython knows them; the work is done elsewhere."""

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from costroute_nb.notebook.usage import usage

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.notebook.face import Face


@magics_class
class RouteMagics(Magics):
    """The magics of one shell; their state is in its face."""

    def __init__(self, shell: "InteractiveShell", face: "Face") -> None:
        super().__init__(shell)
        self._face = face

    @no_var_expand
    @line_cell_magic
    def route(self, line: str = "", cell: str | None = None) -> Any:
        """Send the cell to the cheapest capable model; `usage` has the whole text."""
        # What does the work is imported by the first use, so that loading is quick.
        if cell is None:
            from costroute_nb.notebook import subcommands

            return subcommands.run(self._face, line)
        from costroute_nb.notebook import routed

        return routed.run(self._face, line, cell)

    route.__doc__ = usage()
