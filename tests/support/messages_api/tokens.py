"""How the local Messages API counts tokens: by density, or by kind of text."""

import json
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.messages_api.replies import Body

_TOKENS_PER_REQUEST = 8
_TOKENS_PER_MESSAGE = 3
_CODE_MARKS = frozenset("{}[]()<>=;_/\\|\"'`#$%&*+^~@")
_CODE_SHARE = 0.06
_BYTES_OF_A_WIDE_CHARACTER = 3


class Tokenizer:
    """What a server counts with: a subclass says how, in `count`.

    Text that is added never lowers a count, and no text has more tokens than bytes.
    """

    def count(self, text: str) -> int:
        """Count the tokens of `text`."""
        raise NotImplementedError

    def head(self, text: str, tokens: int) -> str:
        """Cut `text` to its first `tokens` tokens, at a character's boundary."""
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.count(text[:middle]) <= tokens
            low, high = (middle, high) if fits else (low, middle - 1)
        return text[:low]

    def prompt(self, body: Body, size: int) -> int:
        """Count a request's prompt; `size` is its length in bytes, the upper bound.

        Markers of the prompt cache are no part of the prompt.
        """
        text = "\n".join(_texts(body))
        messages = len(body.get("messages") or [])
        overhead = _TOKENS_PER_REQUEST + _TOKENS_PER_MESSAGE * messages
        return min(self.count(text) + overhead, size)


@dataclass(frozen=True)
class Tokens(Tokenizer):
    """A tokenizer of constant density: never more than one token per UTF-8 byte."""

    bytes_per_token: float = 3.6

    def __post_init__(self) -> None:
        if self.bytes_per_token < 1:
            raise ValueError("a token is at least one byte")

    def count(self, text: str) -> int:
        """Count the tokens of `text`, rounded up."""
        return math.ceil(len(_utf8(text)) / self.bytes_per_token)

    def head(self, text: str, tokens: int) -> str:
        """Cut `text` to its first `tokens` tokens, at a character's boundary."""
        head = _utf8(text)[: math.floor(tokens * self.bytes_per_token)]
        return head.decode("utf-8", "ignore")


@dataclass(frozen=True)
class TokensByScript(Tokenizer):
    """A tokenizer with a density for each kind of text, in characters per token.

    Wide characters (Chinese, Japanese, Korean) are `wide` wherever they stand; the
    others are `code` in lines that are full of code's marks, else `prose`.
    """

    prose: float = 4.0
    code: float = 3.0
    wide: float = 1.0

    def __post_init__(self) -> None:
        if min(self.prose, self.code, self.wide * _BYTES_OF_A_WIDE_CHARACTER) < 1:
            raise ValueError("a token is at least one byte")

    def count(self, text: str) -> int:
        """Count the tokens of `text` line by line, rounded up in all."""
        return math.ceil(sum(map(self._line, text.split("\n"))))

    def _line(self, line: str) -> float:
        wide = 0 if line.isascii() else sum(map(_is_wide, line))
        marks = sum(character in _CODE_MARKS for character in line)
        is_code = marks > _CODE_SHARE * len(line)
        narrow = len(line) + 1 - wide  # with the end of the line
        return narrow / (self.code if is_code else self.prose) + wide / self.wide


def strings(content: Any) -> Iterator[str]:
    """Yield the texts of a message's content; other blocks are read as JSON."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") == "text":
                yield str(block.get("text") or "")
            else:
                yield json.dumps(unmarked(block), ensure_ascii=False)


def unmarked(block: Any) -> Any:
    """Return a block or tool without its marker for the prompt cache."""
    if not isinstance(block, dict):
        return block
    return {name: value for name, value in block.items() if name != "cache_control"}


def _texts(body: Body) -> Iterator[str]:
    yield from strings(body.get("system") or [])
    for message in body.get("messages") or []:
        if isinstance(message, dict):
            yield from strings(message.get("content") or [])
    tools = [unmarked(tool) for tool in body.get("tools") or []]
    for extra in (tools, (body.get("output_config") or {}).get("format")):
        if extra:
            yield json.dumps(extra, ensure_ascii=False)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
