"""How many tokens a text is: an estimate, and an upper bound that always holds."""

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from costroute_nb.core.messages import Message

# Characters per token by tokenizer and kind of text. Measured by others on public
# texts: the tokenizer of the newest models gives 3.60 for English prose and 2.69
# for source code, its predecessor 4.33 and 3.66; both about 1 for CJK.
RATIOS: Mapping[str, tuple[float, float, float]] = {
    "claude-2026": (3.5, 2.7, 1.0),
    "claude-2024": (4.3, 3.6, 1.0),
}
DEFAULT_TOKENIZER = "claude-2026"
REQUEST_OVERHEAD = 8
MESSAGE_OVERHEAD = 4

_ASCII_LETTERS = (string.ascii_letters + string.digits).encode()
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_NOT_LEADS = bytes(range(0xC0))
# The first byte of a character in UTF-8 tells its script nearly enough. Greek,
# Cyrillic, Hebrew, Arabic and their like take about twice the tokens of Latin
# letters (0xE2 are dashes, quotation marks and symbols, which do too). Indic scripts,
# Thai, Vietnamese accents, Hangul and CJK take about one token per character; what
# needs four bytes, such as emoji, about two.
_COSTLY_LEADS = bytes([*range(0xCA, 0xE0), 0xE2])
_WIDE_LEADS = bytes([0xE0, 0xE1, *range(0xE3, 0xF0)])
_FOUR_BYTE_LEADS = bytes(range(0xF0, 0xF5))

# Text is judged window by window, so that prose may turn into code midway. Quotation
# marks and apostrophes are no sign of code: dialogue is full of them. Of a text longer
# than 256 KB evenly spread windows stand for the rest.
_WINDOW = 1024
_MOST_WINDOWS = 256
_CODE_MARKS = b"{}[]()<>=;_/\\|+*#:$&@"
_DIGITS = string.digits.encode()
# Prose has 1 % marks and indented lines, rarely 2.5 %; most code and JSON is over 5 %.
_PROSE_SHARE = 0.025
_CODE_SHARE = 0.05
# Tables of numbers are as dense as code; a date or a year in prose says nothing.
_DIGIT_WEIGHT = 0.2
# Characters of prose that are imagined around a window, lest the colon of a short
# question make it code.
_DOUBT = 32


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated tokens, apart by what a tokenizer treats differently.

    Attributes
    ----------
    prose
        Tokens of running text in an alphabet.
    code
        Tokens of source code, JSON and tables of numbers.
    wide
        Tokens of scripts whose characters are about a token each, such as CJK.
    overhead
        Tokens that a provider adds around the texts of a request.
    """

    prose: int = 0
    code: int = 0
    wide: int = 0
    overhead: int = 0

    @property
    def total(self) -> int:
        """All tokens together."""
        return self.prose + self.code + self.wide + self.overhead

    def __add__(self, other: "Estimate") -> "Estimate":
        """Return the estimate of both texts together."""
        return Estimate(
            self.prose + other.prose,
            self.code + other.code,
            self.wide + other.wide,
            self.overhead + other.overhead,
        )


def split_text(text: str, tokenizer: str = DEFAULT_TOKENIZER) -> Estimate:
    """Estimate a text's tokens from its length, scripts and share of code marks.

    The error is typically 10-20 %, less after `calibration`; never use it where a
    limit must hold. An unknown tokenizer is taken as the default one.
    """
    if not text:
        return Estimate()
    data = text.encode("utf-8", "surrogatepass")
    letters, wide, among_wide = 0, 0, 0.0
    if len(data) > len(text):
        data, letters, wide = _beyond_ascii(data)
        among_wide = _spaces_among_wide(data, letters, wide)
    own = len(data) - among_wide
    code = _code_characters(data) * own / len(data) if data else 0.0
    ratios = RATIOS.get(tokenizer, RATIOS[DEFAULT_TOKENIZER])
    prose_tokens = (own - code + letters) / ratios[0]
    code_tokens = code / ratios[1]
    wide_tokens = wide / ratios[2] + among_wide / ratios[0]
    # Rounded so that the parts add up to the rounded total, which is at least 1.
    total = max(1, round(prose_tokens + code_tokens + wide_tokens))
    whole_wide = min(total, round(wide_tokens))
    whole_code = min(total - whole_wide, round(code_tokens))
    return Estimate(total - whole_wide - whole_code, whole_code, whole_wide)


def _beyond_ascii(data: bytes) -> tuple[bytes, int, int]:
    """Return the ASCII part, the rest in Latin letters' worth, and wide characters."""
    leads = data.translate(None, _NOT_LEADS)
    not_wide = leads.translate(None, _WIDE_LEADS)
    cheap = not_wide.translate(None, _COSTLY_LEADS)
    latin = cheap.translate(None, _FOUR_BYTE_LEADS)
    letters = len(latin) + 2 * (len(not_wide) - len(cheap))
    wide = len(leads) - len(not_wide) + 2 * (len(cheap) - len(latin))
    return data.translate(None, _BEYOND_ASCII), letters, wide


def _spaces_among_wide(data: bytes, letters: int, wide: int) -> float:
    """Return how many ASCII spaces and signs belong to the wide script.

    Korean puts spaces between its words, which say nothing about prose; there is at
    most one for each character.
    """
    if not wide:
        return 0.0
    spaces = len(data.translate(None, _ASCII_LETTERS))
    return min(spaces * wide / (wide + letters + len(data) - spaces), wide)


def _code_characters(data: bytes) -> float:
    """Return how many characters of an ASCII text count as code."""
    code, judged = 0.0, 0
    step = _WINDOW * (1 + len(data) // (_WINDOW * _MOST_WINDOWS))
    for start in range(0, len(data), step):
        window = data[start : start + _WINDOW]
        size = len(window)
        judged += size
        marks = size - len(window.translate(None, _CODE_MARKS))
        digits = size - len(window.translate(None, _DIGITS))
        signs = marks + window.count(b"\n  ") + _DIGIT_WEIGHT * digits
        share = signs / (size + _DOUBT)
        if share > _PROSE_SHARE:
            certainty = (share - _PROSE_SHARE) / (_CODE_SHARE - _PROSE_SHARE)
            code += size * min(certainty, 1.0)
    return code if judged == len(data) else code * len(data) / judged


def estimate_tokens(text: str, tokenizer: str = DEFAULT_TOKENIZER) -> int:
    """Return the estimated tokens of a text, all scripts together."""
    return split_text(text, tokenizer).total


def message_text(message: Message) -> Iterable[str]:
    """Yield the texts of one message, whatever form its content has."""
    content = message.get("content", "")
    if isinstance(content, str):
        yield content
        return
    for block in content:
        yield from _block_texts(block)


def _block_texts(block: Any) -> Iterable[str]:
    if isinstance(block, str):
        yield block
    elif isinstance(block, Mapping):
        for value in block.values():
            yield from _block_texts(value)
    elif isinstance(block, list | tuple):
        for value in block:
            yield from _block_texts(value)


def split_messages(
    messages: Iterable[Message],
    system: str | None = None,
    tokenizer: str = DEFAULT_TOKENIZER,
) -> Estimate:
    """Estimate the prompt tokens of a whole request, overhead apart."""
    prose, code, wide, overhead = 0, 0, 0, REQUEST_OVERHEAD
    texts = [system or ""]
    for message in messages:
        overhead += MESSAGE_OVERHEAD
        texts.extend(message_text(message))
    for text in texts:
        part = split_text(text, tokenizer)
        prose += part.prose
        code += part.code
        wide += part.wide
    return Estimate(prose, code, wide, overhead)


def estimate_messages(
    messages: Iterable[Message],
    system: str | None = None,
    tokenizer: str = DEFAULT_TOKENIZER,
) -> int:
    """Return the estimated prompt tokens of a whole request, overhead included."""
    return split_messages(messages, system, tokenizer).total


def token_bound(body: str | bytes) -> int:
    """Return an upper bound of the prompt tokens of a request body.

    No byte-level tokenizer makes more tokens than bytes, and the body's own JSON
    outweighs what a provider adds around the messages.
    """
    return len(body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body)
