"""The life of one `%%route` cell: ask, watch, keep, show."""

from typing import TYPE_CHECKING, Any

from IPython.core.displaypub import CapturingDisplayPublisher

from costroute_nb.errors import (
    CostRouteError,
    InvalidAnswerError,
    ProviderError,
    RefusedError,
)
from costroute_nb.notebook import subcommands
from costroute_nb.notebook.cells import as_typed, split_target
from costroute_nb.notebook.display import footing, last_code
from costroute_nb.notebook.live import Live, Silent, Terminal, watch
from costroute_nb.notebook.parsing import HELP_OPTIONS
from costroute_nb.notebook.planned import planned
from costroute_nb.notebook.prompt import ask

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from costroute_nb.core.plan import Plan
    from costroute_nb.core.result import Result
    from costroute_nb.notebook.cells import Target
    from costroute_nb.notebook.face import Face
    from costroute_nb.notebook.prompt import Asked


def run(face: "Face", line: str, cell: str) -> Any:
    """Serve a cell and return its value: the result, a plan, or nothing.

    Raises
    ------
    UsageError
        For options that cannot be used.
    CostRouteError
        Whatever ended the call.
    KeyboardInterrupt
        On Ctrl-C; what had arrived stays, marked.
    """
    shell = face.shell
    options, target = split_target(line)
    if {*options.split()[:1], *options.split()[-1:]} & HELP_OPTIONS:
        return subcommands.run(face, "help")
    asked = ask(face, options, as_typed(shell, "route", line, cell))
    if asked.dry_run:
        return _planned(shell, asked, target)
    live = face.live = _watch(face, asked, target)
    try:
        result = _serve(asked, live)
    finally:
        face.live = None
    if target is not None:
        shell.user_ns[target.name] = result
    return _show(face, asked, live, result, target)


def _planned(
    shell: "InteractiveShell", asked: "Asked", target: "Target | None"
) -> "Plan | None":
    """Return how the call would be served, or keep it as a result would be kept."""
    plan = planned(asked)
    if target is None:
        return plan
    shell.user_ns[target.name] = plan
    if target.shows:
        return plan
    shell.display_pub.publish(data=footing((str(plan),)), metadata={})
    return None


def _watch(face: "Face", asked: "Asked", target: "Target | None") -> Live:
    if asked.quiet:
        return Silent(face.shell, asked.format)
    streams = asked.stream and (target is None or target.shows)
    return watch(face.shell, asked.format, streams=streams)


def _serve(asked: "Asked", live: Live) -> "Result":
    """Serve the call; what had arrived of a failed one is kept, and marked."""
    try:
        return asked.session.run(asked.call, live)
    except KeyboardInterrupt as stop:
        partial = getattr(stop, "partial", None)
        live.stop("interrupted", partial.text if partial else "")
        raise _interrupt() from None
    except InvalidAnswerError as error:
        live.stop("rejected", error.text)  # the error says why
        raise
    except RefusedError as error:
        live.stop("refused", error.text)
        raise
    except ProviderError as error:
        live.stop("incomplete", error.partial.text if error.partial else "")
        raise
    except CostRouteError:
        live.stop("no answer")
        raise


def _show(
    face: "Face", asked: "Asked", live: Live, result: "Result", target: "Target | None"
) -> "Result | None":
    """Show an accepted answer once, and return it as the cell's value."""
    face.remember(result, asked.format)
    shell, results = face.shell, face.results
    if asked.format == "code":
        shell.set_next_input(last_code(result.text).code)
    if asked.quiet:
        if isinstance(shell.display_pub, CapturingDisplayPublisher):
            return None
        face.skip_display(result)
        return result
    if target is not None and not target.shows:
        bundle = results.receipt_bundle(result)
        if not live.finish(*bundle):
            shell.display_pub.publish(*bundle)
        return None
    if live.finish(*results.bundle(result)):
        receipt = results.receipt(result) if isinstance(live, Terminal) else ""
        face.skip_display(result, receipt)
    return result


def _interrupt() -> KeyboardInterrupt:
    """Return an interrupt that shows itself in one line, like every error here."""
    error = KeyboardInterrupt("stopped; what was spent is in the ledger")
    error._render_traceback_ = lambda: [f"KeyboardInterrupt: {error}"]  # type: ignore[attr-defined] # IPython asks for it
    return error
