"""The one place where model text is made safe to show, as Markdown or plainly.

Front ends sanitise Markdown, nbconvert does not: what leaves here holds no raw HTML
outside fenced code, and nothing that could make a renderer take fenced code for text.
Rather than guess how each renderer reads a doubtful construct, it is written in a form
that all of them read the same way.
"""

import html
import re
from dataclasses import dataclass

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_AUTOLINK = re.compile(r"<https?://[^\s<>\"'`\\]+>")
_FENCE = re.compile(r"((?:(?:[-*+]|\d{1,9}[.)]) ++| ++)*+)(`{3,}|~{3,})([^`\n]*)")
_RUN = re.compile(r"`+")
# What renderers with math (nbconvert's among them) look for across whole documents.
_MATH = re.compile(
    r"\$\$.*?\$\$|\\\\\[.*?\\\\\]|\\begin\{([a-z]*\*?)\}.*?\\end\{\1\}", re.DOTALL
)
_MATH_OPENER = re.compile(r"\$\$+|\\\\\[|\\begin(?=\{)")
# A price is no formula: that begins and ends with no blank, and no digit follows it.
_FORMULA = r"(?<![\\$])\$(?=[^\s$])[^$\n]*(?<=[^\s$\\])\$(?![\d$])"
_INLINE_MATH = re.compile(rf"{_FORMULA}|\\\\\(.*?\\\\\)")
_DOLLARS = re.compile(
    rf"(?P<kept>{_FORMULA})|(?P<target>\]\([^\s()]*)|(?<!\\)(?P<before>\\*+)(?P<sign>\$+)"
)
_DOUBLED = re.compile(r"(?<!\\)(?P<before>\\*+)(?P<sign>\$\$+)")
# Browsers' math looks for pairs in each element's text: an entity alone hides nothing.
_DOLLAR = "<span>&#36;</span>"
_MOST_FORMULAS = 500  # more openers than this are no answer; finding their ends is slow
_LINK = re.compile(r"\]([(:])")
_LONGEST_SCHEME = 2_000  # characters, with room for entities
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NO_SCHEME = re.compile(r"[^\\<\x00-\x20A-Za-z0-9+.:-]")
_SAFE_SCHEMES = {"http", "https", "mailto"}
# Terminals obey escape sequences; only line ends and tabs are text.
_CONTROLS = {c: None for c in (*range(32), *range(127, 160)) if chr(c) not in "\n\t"}
_PUNCTUATION = re.compile(r"[^\w\s.,;:'()/=%+×·–’-]|_|:(?=/)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of code: its language, its lines, and how far it is indented."""

    language: str
    code: str
    indent: int = 0


def plain(text: str) -> str:
    """Return text without the control characters that terminals act upon."""
    return text.translate(_CONTROLS)


def inline(text: str) -> str:
    """Return text of ours or a model's as one line of Markdown that means itself."""
    shown = _PUNCTUATION.sub(_as_entities, " ".join(plain(text).split()))
    return shown.replace("&#36;", _DOLLAR)


def code_block(code: str, language: str = "", indent: int = 0) -> str:
    """Return a fenced block which nothing in the code can close."""
    longest = max((len(run) for run in _RUN.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    word = re.match(r"[\w+#.-]*", language.strip())
    name = word.group() if word else ""
    if name.lower().startswith("mermaid") and _TAG.search(code):
        name = ""  # nbconvert hands diagrams to the page as they are
    body = code if code.endswith("\n") or not code else f"{code}\n"
    block = f"{fence}{name}\n{body}{fence}"
    return "\n".join(" " * indent + line for line in block.split("\n"))


def blocks(text: str) -> list[str | Fence]:
    """Split Markdown into stretches of text and fenced blocks; an open one ends it."""
    found: list[str | Fence] = []
    lines = text.split("\n")
    prose: list[str] = []
    at = 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at].rstrip())
        if opening is None:
            prose.append(lines[at])
            at += 1
            continue
        before, fence, info = opening.groups()
        end = _closing(lines, at + 1, fence)
        prose += [before] if before.strip() else []  # the marker of a list
        found += ["\n".join(prose)] if prose else []
        prose = []
        code = "\n".join(_dedent(line, len(before)) for line in lines[at + 1 : end])
        found.append(Fence(info.strip(), code, len(before)))
        at = end + 1
    return found + (["\n".join(prose)] if prose else [])


def markdown(text: str) -> str:
    """Return a model's Markdown with its HTML, scripts and remote images disarmed.

    Fenced code stays as it is; inline code keeps its look.
    """
    parts = []
    for block in blocks(plain(text)):
        if isinstance(block, Fence):
            shown = code_block(block.code, block.language, block.indent)
            parts.append(f"\n{shown}\n")
        else:
            parts.append(_close_math("\n".join(map(_line, block.split("\n")))))
    return "\n".join(parts).strip("\n")


def _closing(lines: list[str], start: int, fence: str) -> int:
    """Return the position of the line that closes a fence, or the end of the text."""
    closing = re.compile(rf" *{re.escape(fence[0])}{{{len(fence)},}}[ \t]*")
    for at in range(start, len(lines)):
        if closing.fullmatch(lines[at]):
            return at
    return len(lines)


def _dedent(line: str, indent: int) -> str:
    blank = len(line) - len(line.lstrip(" "))
    return line[min(blank, indent) :]


def _line(line: str) -> str:
    """Return one line of prose: code spans as code, everything else disarmed."""
    parts = []
    at = 0
    for start, end, ticks in _spans(line):
        parts.append(_prose(line[at:start]))
        parts.append(_span(line[start:end], ticks))
        at = end
    parts.append(_prose(line[at:]))
    return "".join(parts)


def _spans(line: str) -> list[tuple[int, int, int]]:
    """Return the code spans that begin and end on this line, with their run length."""
    runs = [(m.start(), m.end()) for m in _RUN.finditer(line)]
    spans = []
    at = 0
    while at < len(runs):
        start, opened = runs[at]
        length = opened - start
        escaped = line[max(0, start - 1) : start] == "\\"
        closing = next(
            (i for i in range(at + 1, len(runs)) if _length(runs[i]) == length), None
        )
        if closing is None or escaped:
            at += 1
            continue
        spans.append((start, runs[closing][1], length))
        at = closing + 1
    return spans


def _length(run: tuple[int, int]) -> int:
    return run[1] - run[0]


def _span(span: str, ticks: int) -> str:
    """Return a code span; with markup in it, as an element whose text is entities."""
    if not (_TAG.search(span) or _MATH_OPENER.search(span) or ticks > 2):
        return span
    code = span[ticks:-ticks]
    if code.strip() and code[0] == code[-1] == " ":
        code = code[1:-1]
    return f"<code>{_PUNCTUATION.sub(_as_entities, code)}</code>"


def _prose(text: str) -> str:
    """Return text outside code without HTML, stray code marks, or unsafe targets."""
    parts = []
    at = 0
    for match in _AUTOLINK.finditer(text):
        parts += [_disarmed(text[at : match.start()]), match.group()]
        at = match.end()
    return "".join((*parts, _disarmed(text[at:])))


def _disarmed(text: str) -> str:
    # In a formula an entity would be shown as it is written; a blank changes nothing.
    text = _INLINE_MATH.sub(lambda formula: _TAG.sub("< ", formula.group()), text)
    text = _TAG.sub("&lt;", text)
    text = text.replace("\\`", "`").replace("`", "&#96;").replace("~~~", "~~&#126;")
    text = text.replace("![", "&#33;[")
    return _DOLLARS.sub(_single_dollars, _LINK.sub(_checked_link, text))


def _single_dollars(match: re.Match[str]) -> str:
    """Return dollar signs that belong to no formula as signs of money."""
    if match["target"] is not None:
        return match["target"].replace("$", "&#36;")
    # Two in a row may begin a formula that ends on another line.
    return match.group() if match["kept"] or len(match["sign"]) > 1 else _money(match)


def _money(match: re.Match[str]) -> str:
    before, signs = match["before"], match["sign"]
    # A backslash before the sign escapes it; it would escape what replaces it, too.
    return before[len(before) % 2 :] + _DOLLAR * len(signs)


def _no_display_math(text: str) -> str:
    return _MATH_OPENER.sub(_as_entities, _DOUBLED.sub(_money, text))


def _checked_link(match: re.Match[str]) -> str:
    """Return the start of a link, broken where the target is not a plain address."""
    at = match.end()
    target = html.unescape(match.string[at : at + _LONGEST_SCHEME])
    end = _NO_SCHEME.search(target)
    target = re.sub(r"[\\<\x00-\x20]", "", target[: end.end()] if end else target)
    scheme = _SCHEME.match(target)
    safe = scheme is None or scheme.group(1).lower() in _SAFE_SCHEMES
    # A target that is not on this line cannot be judged here.
    return match.group() if safe and target else f"]&#{ord(match.group(1))};"


def _close_math(prose: str) -> str:
    """Return prose in which display math begins and ends, or is no math at all."""
    if len(_MATH_OPENER.findall(prose)) > _MOST_FORMULAS:
        return _no_display_math(prose)
    parts = []
    at = 0
    for match in _MATH.finditer(prose):
        if not _stands_alone(match, prose):
            continue
        before = prose[at : match.start()]
        parts.append(_no_display_math(before))
        gap = "\n" if "\n" in match.group() and not before.endswith("\n\n") else ""
        shown = match.group().replace("&lt;", "< ").replace(_DOLLAR, "\\$")
        parts.append(gap + shown)
        at = match.end()
    parts.append(_no_display_math(prose[at:]))
    return "".join(parts)


def _stands_alone(match: re.Match[str], prose: str) -> bool:
    """Whether every renderer sees the same display math: one line, or its own lines."""
    lines = match.group().split("\n")
    if len(lines) == 1:
        return True
    indent = prose[prose.rfind("\n", 0, match.start()) + 1 : match.start()]
    inside = (line for line in lines[1:] if line.strip())
    return indent.strip(" ") == "" and all(line.startswith(indent) for line in inside)


def _as_entities(match: re.Match[str]) -> str:
    return "".join(f"&#{ord(c)};" for c in match.group())
