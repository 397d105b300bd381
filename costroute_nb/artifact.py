"""The learned classifier that comes with the package: one file of arrays, read once."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from costroute_nb.core.features import VERSION
from costroute_nb.core.learned import About, LearnedModel, Parameters
from costroute_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

NAME = "classifier.npz"
_ABOUT = "about.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file knows
_DAMAGE = (  # a damaged byte may also call for a password, or for a later zip
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@cache
def read_model() -> LearnedModel:
    """Return the classifier that the package brings.

    Raises
    ------
    ConfigurationError
        If it is missing, damaged, or made for other features than these.
    """
    return read_from(files("costroute_nb") / "data" / NAME)


def read_from(file: Traversable) -> LearnedModel:
    """Return the classifier of a file; nothing in it is run.

    Raises
    ------
    ConfigurationError
        If it is missing, damaged, or made for other features than these.
    """
    import numpy as np

    try:
        whole = io.BytesIO(file.read_bytes())
        with zipfile.ZipFile(whole) as archive:
            said = json.loads(archive.read(_ABOUT))
            arrays = {
                field.name: np.lib.format.read_array(
                    io.BytesIO(archive.read(f"{field.name}.npy")), allow_pickle=False
                )
                for field in fields(Parameters)
            }
        version = said.pop("features")
        about = About(
            domains=tuple(said.pop("domains")),
            taught=tuple(said.pop("taught")),
            furthest=said.pop("furthest"),
            correlation=said.pop("correlation"),
            facts=said,
        )
    except _DAMAGE as error:
        message = (
            f"the learned classifier {file.name} cannot be read ({error}): install "
            'costroute_nb anew, or set classifier = "rules"'
        )
        raise ConfigurationError(message) from error
    if version != VERSION:
        message = (
            f"the learned classifier {file.name} reads features of version {version}, "
            f'not {VERSION}: train it anew, or set classifier = "rules"'
        )
        raise ConfigurationError(message)
    return LearnedModel(Parameters(**arrays), about)


def write_model(model: LearnedModel, file: Path) -> None:
    """Write a classifier to a file: the same one always gives the same bytes."""
    import numpy as np

    about = model.about
    said: dict[str, Any] = {
        **about.facts,
        "features": VERSION,
        "domains": list(about.domains),
        "taught": list(about.taught),
        "furthest": about.furthest,
        "correlation": about.correlation,
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo(_ABOUT, _EPOCH), text)
        for field in fields(Parameters):
            array = io.BytesIO()
            np.lib.format.write_array(
                array, getattr(model.parameters, field.name), allow_pickle=False
            )
            name = zipfile.ZipInfo(f"{field.name}.npy", _EPOCH)
            archive.writestr(name, array.getvalue())
