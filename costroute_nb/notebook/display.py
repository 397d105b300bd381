"""How results show themselves: answer and receipt, as Markdown and as plain text."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.notebook.escaping import (
    Fence,
    blocks,
    code_block,
    inline,
    markdown,
    plain,
)
from costroute_nb.notebook.listed import list_page
from costroute_nb.notebook.receipt import SEPARATOR, receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.core.result import Result

Bundle = dict[str, Any]
"""What is published, by MIME type."""

METADATA_VERSION = 1
_MOST_REMEMBERED = 1_000
_ESCALATED = ": escalated to "
_NO_JSON = "this is no JSON: shown as it came"
_RULE = "---"
_NO_BREAK = "\u00a0"
_LONGEST_TIED = 80  # characters of a receipt's part, entities included


@dataclass(frozen=True, slots=True)
class View:
    """How one call's result is to be shown, which the result itself does not know."""

    format: str = "markdown"
    line: str = ""
    standing: str = ""


class Results:
    """Renders results; remembers for each call what its cell asked for."""

    def __init__(self) -> None:
        self._views: OrderedDict[str, View] = OrderedDict()

    def remember(self, result: "Result", view: View) -> None:
        """Show this call's result in this way from now on."""
        self._views[result.call_id] = view
        while len(self._views) > _MOST_REMEMBERED:
            self._views.popitem(last=False)

    def bundle(self, result: "Result") -> tuple[Bundle, Bundle]:
        """Return a result's data and metadata for a front end."""
        view = self._views.get(result.call_id, View())
        foot = (*self._notes(result), self.receipt(result))
        table = list_page(result) if view.format == "markdown" else None
        if table is None:
            return answer(result.text, foot, view.format), metadata(result)
        shown = table.bundle()
        data = _bundle(shown["text/plain"], shown["text/markdown"], foot)
        return data, metadata(result)

    def receipt_bundle(self, result: "Result") -> tuple[Bundle, Bundle]:
        """Return the same without the answer."""
        return footing((*self._notes(result), self.receipt(result))), metadata(result)

    def receipt(self, result: "Result") -> str:
        """Return a result's receipt line."""
        view = self._views.get(result.call_id, View())
        return receipt(result, view.line or result.tier, view.standing)

    @staticmethod
    def _notes(result: "Result") -> "Sequence[str]":
        # The receipt of a cached answer says all that its note does.
        return () if result.cache_hit else said_once(result.notes)


def said_once(notes: "Sequence[str]") -> list[str]:
    """Return notes in which a reason that led from model to model stands once."""
    found: list[str] = []
    for note in notes:
        reason, escalated, model = note.rpartition(_ESCALATED)
        if escalated and found and found[-1].startswith(f"{reason}{_ESCALATED}"):
            found[-1] += f", then to {model}"
        else:
            found.append(note)
    return found


def answer(text: str, foot: "Sequence[str]" = (), format: str = "markdown") -> Bundle:
    """Return a text with lines below it, in one of the formats."""
    if format == "text":
        return {"text/plain": _plain(text, foot)}
    if format == "json":
        pretty = _pretty(text)
        if pretty is None:
            return _bundle(text, code_block(text, "text"), (_NO_JSON, *foot))
        return _bundle(pretty, code_block(pretty, "json"), foot)
    if format == "code":
        block = last_code(text)
        return _bundle(block.code, code_block(block.code, block.language), foot)
    return _bundle(text, markdown(text), foot)


def footing(lines: "Sequence[str]") -> Bundle:
    """Return lines such as a receipt alone."""
    return {"text/plain": _plain("", lines), "text/markdown": _small(lines)}


def last_code(text: str) -> Fence:
    """Return the last fenced block of an answer, or all of it if it has none."""
    fences = [block for block in blocks(text) if isinstance(block, Fence)]
    return fences[-1] if fences else Fence("", text.strip("\n"))


def metadata(result: "Result") -> Bundle:
    """Return what a notebook keeps beside an output: ids and numbers, no text."""
    usage = result.usage
    return {
        "costroute": {
            "version": METADATA_VERSION,
            "call_id": result.call_id,
            "model": result.model,
            "tier": result.tier,
            "provider": result.provider,
            "cost_usd": result.cost_usd,
            "saved_usd": result.saved_usd,
            "input_tokens": usage.prompt_tokens,
            "output_tokens": usage.output_tokens,
            "cache_hit": result.cache_hit,
            "attempts": result.attempts,
            "estimated": result.estimated,
            "simulated": result.simulated,
        }
    }


def _bundle(text: str, shown: str, foot: "Sequence[str]") -> Bundle:
    parts = [shown, _RULE, _small(foot)] if foot else [shown]
    return {
        "text/plain": _plain(text, foot),
        "text/markdown": "\n\n".join(part for part in parts if part),
    }


def _plain(text: str, foot: "Sequence[str]") -> str:
    lines = "\n".join(plain(line) for line in foot)
    return "\n\n".join(part for part in (plain(text).strip("\n"), lines) if part)


def _small(lines: "Sequence[str]") -> str:
    """Return lines in small type, which no text of a model can be in.

    Each line means just itself, and is broken between its parts only.
    """
    return "  \n".join(f"<small>{_unbroken(line)}</small>" for line in lines)


def _unbroken(line: str) -> str:
    parts = [inline(part) for part in line.split(SEPARATOR)]
    if len(parts) == 1:
        return parts[0]
    tied = (
        part if len(part) > _LONGEST_TIED else part.replace(" ", _NO_BREAK)
        for part in parts
    )
    return f"{_NO_BREAK}· ".join(tied)


def _pretty(text: str) -> str | None:
    """Return the answer's JSON indented, or None where it is none."""
    source = last_code(text).code
    try:
        return json.dumps(json.loads(source), indent=2, ensure_ascii=False)
    except ValueError:
        return None
