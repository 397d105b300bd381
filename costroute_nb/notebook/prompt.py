"""From what was typed to a call: options read, placeholders filled."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from costroute_nb.core.templates import fill, names
from costroute_nb.errors import ConfigurationError
from costroute_nb.notebook.cells import origin
from costroute_nb.notebook.options import FACE_KEYS
from costroute_nb.notebook.parsing import parse, values
from costroute_nb.notebook.variables import Variables, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.call import Call
    from costroute_nb.notebook.face import Face
    from costroute_nb.session import Session


@dataclass(frozen=True, slots=True)
class Asked:
    """A call and the session to serve it, with what its cell says about showing it."""

    session: "Session"
    call: "Call"
    format: str
    stream: bool
    quiet: bool = False
    dry_run: bool = False


def ask(face: "Face", line: str, typed: str) -> Asked:
    """Return the call that options and a prompt, as typed, ask for.

    Raises
    ------
    UsageError
        For options that cannot be used.
    TemplateError
        For a placeholder without a variable.
    ConfigurationError
        If the settings or tables cannot be used.
    """
    shell = face.shell
    variables = Variables(shell.user_ns, shell.user_ns_hidden)
    given = parse(line)
    raw = any(one.option.key == "raw" for one in given)

    def filled(text: str) -> str:
        return text if raw else fill(text, variables).text

    options = values(given, shell.user_ns, filled, variables)
    how = {key: options.pop(key) for key in FACE_KEYS & options.keys()}
    if not typed.strip():
        message = "the prompt is empty: write it below the line with %%route"
        raise UsageError(message)
    if options.get("context") is not None and not isinstance(options["context"], list):
        options["context"] = as_text(options["context"], "--context")
    prompt = filled(typed)
    session = face.session()
    _not_a_line(options.get("model"), session)
    notebook, cell = origin(shell)
    call = _call(
        session,
        prompt,
        options,
        typed=typed,
        values=() if raw else variables.strings(names(typed)),
        notebook=notebook,
        cell=cell,
        check_namespace=shell.user_ns,
    )
    return Asked(
        session=session,
        call=call,
        format=how.get("format", session.settings.format),
        stream=how.get("stream", session.settings.stream),
        quiet=how.get("quiet", False),
        dry_run=how.get("dry_run", False),
    )


def _not_a_line(model: str | None, session: "Session") -> None:
    if model in session.catalog.tier_names():
        message = (
            f"--model takes the exact id of a model: for {model} use --tier {model}"
        )
        raise UsageError(message)


def _call(
    session: "Session", prompt: str, options: "Mapping[str, Any]", **origin: Any
) -> "Call":
    try:
        return session.call(prompt, **origin, **options)
    except ConfigurationError as error:
        if type(error) is not ConfigurationError:
            raise
        # The settings were in order, so what is wrong is an option of this cell.
        raise UsageError(str(error)) from None
