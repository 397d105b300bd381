"""`%route thread`: list, show and clear the conversations of the session."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError

from costroute_nb.clock import SystemClock
from costroute_nb.notebook.escaping import code_block, inline, markdown, plain
from costroute_nb.notebook.parsing import hint, split_quoted
from costroute_nb.notebook.receipt import age
from costroute_nb.notebook.usage import ALL_THREADS, THREAD_ACTIONS
from costroute_nb.notebook.views import Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from costroute_nb.core.prompt_cache import Warm
    from costroute_nb.core.thread import Thread
    from costroute_nb.notebook.face import Face
    from costroute_nb.session import Session

_LONGEST = 1_200
"""Characters of a message that are shown, two thirds of them from its beginning."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a transcript: its heading, its text, and whose text that is."""

    heading: str
    text: str
    by_model: bool


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation that shows itself, plainly or as Markdown."""

    head: str
    said: tuple[Said, ...]

    def __str__(self) -> str:
        parts = (f"[{one.heading}]\n{one.text.strip()}" for one in self.said)
        return plain("\n\n".join((self.head, *parts)))

    def bundle(self) -> dict[str, str]:
        """Return the transcript by MIME type."""
        parts = [inline(self.head)]
        for one in self.said:
            # What the user typed is shown as typed.
            shown = (
                markdown(one.text)
                if one.by_model
                else code_block(plain(one.text), "text")
            )
            parts += [f"**{inline(one.heading)}**", shown]
        return {"text/plain": str(self), "text/markdown": "\n\n".join(parts)}


def thread(face: "Face", rest: str) -> "Page | Transcript":
    """Run `list`, `show NAME`, `clear NAME` or `clear --all`.

    Raises
    ------
    UsageError
        For another action, and for a name that no thread has.
    """
    action, _, given = rest.partition(" ")
    action, given = action or "list", given.strip()
    session = face.session()
    if action == "list":
        if given:
            _fail(f"%route thread list takes nothing more: what is {given!r}?")
        return _list(session)
    if action == "show":
        return transcript(session.thread(_named(session, action, given)))
    if action == "clear":
        everything = given == ALL_THREADS
        names = session.threads() if everything else (_named(session, action, given),)
        return _clear(session, names)
    _fail(f"thread {action!r}{hint(action, THREAD_ACTIONS)}: list, show or clear")


def transcript(found: "Thread") -> Transcript:
    """Return what was said in a thread, long messages shortened."""
    count = len(found.messages)
    out = (
        f", {len(found.left_out):,} left out of the last call" if found.left_out else ""
    )
    return Transcript(
        f"thread {found.name}: {count:,} messages{out}", tuple(_said(found))
    )


def _list(session: "Session") -> Page:
    names = session.threads()
    if not names:
        return Page(("no threads yet: %%route --thread NAME begins one",))
    models = _last_models(session)
    now = SystemClock().now()
    found = [session.thread(name) for name in names]
    return Page(
        columns=(
            "thread",
            "messages",
            "about tokens",
            "left out",
            "last model",
            "provider keeps",
        ),
        rows=tuple(
            (
                one.name,
                f"{len(one.messages):,}",
                f"{_tokens(session, one, models.get(one.name)):,}",
                f"{len(one.left_out):,}",
                models.get(one.name, "unknown"),
                _kept(one.warm, now),
            )
            for one in found
        ),
        foot=(
            "Left out are messages that the last call did not send; the tokens of the "
            "others are an estimate. Threads live in memory: a notebook that is run "
            "again rebuilds them from the cache.",
        ),
    )


def _clear(session: "Session", names: "Iterable[str]") -> Page:
    cleared = [(name, session.clear_thread(name)) for name in names]
    if not cleared:
        return Page(("no threads to clear",))
    return Page(
        tuple(f"thread {name}: {count:,} messages forgotten" for name, count in cleared)
    )


def _said(found: "Thread") -> "Iterable[Said]":
    for at, message in enumerate(found.messages):
        out = ", left out" if at in found.left_out else ""
        role = str(message["role"])
        text = _shortened(_text(message["content"]))
        yield Said(f"{at + 1} {role}{out}", text, role == "assistant")


def _text(content: "str | Iterable[Mapping[str, Any]]") -> str:
    """Return what a message says; its blocks one below the other."""
    if isinstance(content, str):
        return content
    return "\n\n".join(filter(None, map(_block, content)))


def _block(block: "Mapping[str, Any]") -> str:
    kind = block.get("type")
    if kind == "tool_use":
        given = json.dumps(block.get("input"), ensure_ascii=False, default=str)
        return f"[uses the tool {block.get('name')}: {given}]"
    inner = block.get("text") if kind == "text" else block.get("content")
    text = _text(inner) if inner else ""
    return f"[result of a tool] {text}" if kind == "tool_result" else text


def _shortened(text: str) -> str:
    """Return a text whose middle is left out where it is long, and how much that is."""
    if len(text) <= _LONGEST:
        return text
    end = _LONGEST // 3
    start = _LONGEST - end
    gone = len(text) - _LONGEST
    return f"{text[:start]}\n\n[{gone:,} characters not shown]\n\n{text[-end:]}"


def _last_models(session: "Session") -> dict[str, str]:
    """Return the model that answered last in each of the session's threads."""
    delivered = ("ok", "cached", "truncated")
    return {
        record.thread: record.model
        for record in session.store.records(session_id=session.session_id)
        if record.thread is not None and record.status in delivered
    }


def _tokens(session: "Session", found: "Thread", model: str | None) -> int:
    if not found.sent:
        return 0
    known = None if model is None else session.catalog.known(model)  # it may be dated
    return session.count_tokens(found.sent, model=known.id if known else None)


def _kept(warm: "Warm | None", now: "datetime") -> str:
    if warm is None or now >= warm.until:
        return "nothing"
    left = age((warm.until - now).total_seconds())
    return f"{warm.tokens:,} tokens on {warm.model}, {left} more unless used"


def _named(session: "Session", action: str, given: str) -> str:
    """Return the name of a thread that is there; quotes around it are taken off."""
    names = session.threads()
    if not given:
        what = "NAME or --all" if action == "clear" else "NAME"
        there = f"; there are {', '.join(names)}" if names else "; there are none yet"
        _fail(
            f"%route thread {action} needs a name: %route thread {action} {what}{there}"
        )
    text, after = split_quoted(given)
    name = given if after.strip() else text
    if name not in names:
        _fail(
            f"there is no thread {name!r}{hint(name, names)}; %route thread lists them"
        )
    return name


def _fail(message: str) -> NoReturn:
    raise UsageError(message)
