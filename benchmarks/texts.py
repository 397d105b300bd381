"""Real texts that every machine has: the library's own sources and some stories."""

from __future__ import annotations

import ast
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.server import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULES = (
    "_pyio", "argparse", "ast", "bdb", "calendar", "cmd", "code", "collections",
    "configparser", "contextlib", "csv", "dataclasses", "datetime", "difflib", "dis",
    "doctest", "enum", "fileinput", "fractions", "ftplib", "functools", "gettext",
    "gzip", "heapq", "imaplib", "inspect", "ipaddress", "locale", "mailbox", "optparse",
    "pathlib", "pdb", "plistlib", "poplib", "pprint", "pydoc", "queue", "random",
    "shlex", "shutil", "smtplib", "socketserver", "statistics", "string", "subprocess",
    "tarfile", "tempfile", "textwrap", "threading", "trace", "traceback", "turtle",
    "typing", "uuid", "weakref", "zipfile",
)  # fmt: skip
_STORIES = ROOT / "tests" / "support" / "texts"
_STORY_NAMES = ("prose.txt", "chinese.txt", "japanese.txt", "korean.txt")

# Lengths in characters: what one asks about is a function or a page of text, what a
# tool gives to an agent is a screenful of a file.
_FUNCTION = (600, 3000)
_PROSE = (400, 3000)
_OUTPUT = (1000, 3500)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by what they are used for, always in the same order.

    Attributes
    ----------
    functions
        Functions and classes with their docstrings.
    prose
        Docstrings and paragraphs, some of them in Chinese, Japanese and Korean.
    outputs
        Pieces of source files, as a tool shows them to an agent.
    story
        A long text in English.
    """

    functions: tuple[str, ...]
    prose: tuple[str, ...]
    outputs: tuple[str, ...]
    story: str


@cache
def texts() -> Texts:
    """Read all texts, which are those of the Python that runs this."""
    sources = list(_sources())
    functions, docstrings = [], []
    for source in sources:
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                functions.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                docstrings.append(ast.get_docstring(node) or "")
    stories = [(_STORIES / name).read_text("utf-8") for name in _STORY_NAMES]
    paragraphs = [part.strip() for story in stories for part in story.split("\n\n")]
    return Texts(
        functions=_within(_FUNCTION, functions),
        prose=_within(_PROSE, docstrings) + tuple(filter(None, paragraphs)),
        outputs=tuple(piece for source in sources for piece in _pieces(source)),
        story=stories[0],
    )


def _sources() -> Iterator[str]:
    library = Path(sysconfig.get_path("stdlib"))
    for name in _MODULES:
        for file in (library / f"{name}.py", library / name / "__init__.py"):
            if file.is_file():
                yield file.read_text("utf-8")


def _within(lengths: tuple[int, int], found: list[str]) -> tuple[str, ...]:
    least, most = lengths
    return tuple(text for text in dict.fromkeys(found) if least <= len(text) <= most)


def _pieces(source: str) -> Iterator[str]:
    """Cut a file at line ends; the lengths go up and down between least and most."""
    least, most = _OUTPUT
    piece, wanted = "", least
    for line in source.splitlines(keepends=True):
        if len(piece) + len(line) > wanted and len(piece) >= least // 2:
            yield piece
            piece, wanted = "", least + (wanted * 7 + len(line)) % (most - least)
        piece += line[:least]
