"""Put a text into a prompt as material: between tags that it cannot close."""

import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from costroute_nb.errors import ConfigurationError

_DIGITS = 8
_ALL_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A text between its tags; `text` is the whole, each tag and the text in it."""

    opening: str
    closing: str
    text: str

    @property
    def where(self) -> str:
        """How an instruction names the place of the text."""
        return f"between {self.opening} and {self.closing}"


def enclose(text: str, *, name: str = "text", digits: int = _DIGITS) -> Enclosed:
    """Return a text between tags that do not occur in it.

    `name` is what the user calls the text. The tags' name ends in hexadecimal digits
    of the text's own hash: the same text always has the same tags, so that the
    request is found in the cache, and nobody can write a text that closes them.
    Should the text hold these `digits` all the same, more are taken.

    Raises
    ------
    ConfigurationError
        If there is nothing to read in the text, or it is not Unicode text.
    """
    whole, lowered = sha256(readable(text, name)).hexdigest(), text.lower()
    lengths = range(digits, _ALL_DIGITS + 1)
    suffix = next(whole[:n] for n in lengths if whole[:n] not in lowered)
    opening, closing = f"<text-{suffix}>", f"</text-{suffix}>"
    return Enclosed(opening, closing, f"{opening}\n{text}\n{closing}")


def readable(text: object, name: str = "text") -> bytes:
    """Return a text's UTF-8 bytes if there is anything in it to read.

    Raises
    ------
    ConfigurationError
        If it is not text, holds half a surrogate pair, or only blanks and
        characters that nobody sees.
    """
    if not isinstance(text, str):
        message = f"the {name} is text, not {type(text).__name__}"
        raise ConfigurationError(message)
    if not any(_seen(character) for character in text):
        message = f"the {name} is empty: there is nothing to work on"
        raise ConfigurationError(message)
    return encoded(text, name)


def encoded(text: str, name: str) -> bytes:
    """Return a text's UTF-8 bytes.

    Raises
    ------
    ConfigurationError
        If it holds half a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = (
            f"the {name} holds half a surrogate pair at character {error.start}, "
            "which is not Unicode text"
        )
        raise ConfigurationError(message) from None


def _seen(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZCM"
