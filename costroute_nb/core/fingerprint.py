"""The key under which an answer is kept: everything that is sent, and where to."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY_VERSION = 1
"""Raised when the same request must no longer find answers kept before."""


def fingerprint(body: Mapping[str, Any], scope: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, of a whole request body and of where it goes.

    The order of keys and the spelling of numbers (`1`, `1.0`, `1e0`) do not
    matter; everything else does. Text is taken as it is, without Unicode
    normalisation: a model may answer two spellings differently.

    Parameters
    ----------
    body
        The request body as it would be sent; JSON values only.
    scope
        What the body does not say: provider, base URL, API version, betas, account.

    Raises
    ------
    TypeError
        If something is no JSON value, or a key is not text.
    ValueError
        If a number is not finite.
    """
    whole = {"body": _plain(body), "scope": _plain(scope), "version": KEY_VERSION}
    # Escaping everything beyond ASCII also spells lone surrogates, which have no UTF-8.
    text = json.dumps(
        whole,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """Return JSON values with each number in the one form that equal numbers share."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        # json would write the keys 1 and "1" alike.
        if not all(isinstance(name, str) for name in value):
            message = "a key of a request is not text"
            raise TypeError(message)
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    message = f"a request holds a {type(value).__name__}, which is not JSON"
    raise TypeError(message)
