"""Types whose annotations are only text, as the future import leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import typing_extensions


class LateDict(TypedDict):
    """A place."""

    town: str
    zip_code: NotRequired[str]


class Twin(typing_extensions.TypedDict):
    """A place as pydantic takes it inside of a dataclass, on any Python."""

    town: str


@dataclass
class LateCity:
    """A town with another."""

    name: str
    twin: Twin
