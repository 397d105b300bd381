"""The classifier's file: nothing in it runs, and a bad one is named."""

import io
import json
import zipfile
from contextlib import suppress
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costroute_nb.artifact import NAME, read_from, read_model, write_model
from costroute_nb.core.features import BITS, MEASURES, VERSION
from costroute_nb.core.learned import (
    HEADS,
    KIND_BITS,
    WORD_BITS,
    About,
    LearnedModel,
    Parameters,
)
from costroute_nb.errors import ConfigurationError

SHIPPED = files("costroute_nb") / "data" / NAME
MOST_BYTES = 2_000_000
PROMPTS = ("", "Who wrote it?", "What is 17 * 23? Think first.", "那艘船叫什么名字")
ABOUT = "about.json"


def small_model() -> LearnedModel:
    """Return a model of one kind, whose file is soon read."""
    chance = np.random.default_rng(3)
    heads, one = len(HEADS), np.ones(1)
    bytes_ = {
        "weights": (2**BITS, heads),
        "kind_weights": (2**KIND_BITS, 2),
        "centroids": (2**WORD_BITS, 1),
    }
    arrays: dict[str, Any] = {
        name: chance.integers(-127, 127, shape, np.int8)
        for name, shape in bytes_.items()
    }
    return LearnedModel(
        Parameters(
            **arrays,
            tf=np.arange(256),
            idf=np.ones(2**BITS, np.uint8),
            word_idf=np.ones(2**WORD_BITS, np.uint8),
            scales=np.full(heads, 0.001),
            mean=np.zeros(len(MEASURES)),
            spread=np.ones(len(MEASURES)),
            measure_weights=np.ones((len(MEASURES), heads), np.int32),
            intercepts=np.full((heads, 1), 0.3),
            kind_scales=np.ones(2),
            kind_measures=np.ones((len(MEASURES), 2), np.int32),
            kind_intercepts=np.ones(2),
            centroid_norms=one,
            usual=one,
            usual_spread=one,
            specialist=np.zeros(1, np.int64),
        ),
        About(("riddles",), (True,), 2.5, 0.4, {"date": "2026-01-02"}),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a small classifier as bytes."""
    file = tmp_path_factory.mktemp("model") / "model.npz"
    write_model(small_model(), file)
    return file.read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "broken.npz"


def rewritten(whole: bytes, change: dict[str, bytes | None]) -> bytes:
    """Return the file with other contents in some of its parts, or without them."""
    to = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as before,
        zipfile.ZipFile(to, "w") as after,
    ):
        for name in before.namelist():
            content = change.get(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return to.getvalue()


def said(whole: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        found: dict[str, Any] = json.loads(archive.read(ABOUT))
        return found


def refused(content: bytes, place: Path) -> str:
    place.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"broken\.npz") as raised:
        read_from(place)
    return str(raised.value)


def test_what_is_written_is_read_as_it_was(whole: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    file.write_bytes(whole)
    model, again = small_model(), read_from(file)
    for field in fields(About):
        assert getattr(again.about, field.name) == getattr(model.about, field.name)
    for field in fields(Parameters):
        one, other = (getattr(m.parameters, field.name) for m in (model, again))
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    for text in PROMPTS:
        assert again.estimate(text) == model.estimate(text)


def test_the_same_model_gives_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    write_model(small_model(), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == whole


def test_facts_cannot_take_the_place_of_what_is_needed(tmp_path: Path) -> None:
    model = small_model()
    facts = {"domains": ["none"], "features": 0, "licence": "MIT"}
    about = replace(model.about, facts=facts)
    write_model(LearnedModel(model.parameters, about), tmp_path / "model.npz")
    found = read_from(tmp_path / "model.npz").about
    assert found.domains == ("riddles",)
    assert found.facts == {"licence": "MIT"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.npz cannot be read"):
        read_from(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file", bytes(100)])
def test_what_is_no_archive_is_refused(content: bytes, place: Path) -> None:
    assert 'classifier = "rules"' in refused(content, place)


@given(st.data())
@settings(max_examples=30)
def test_a_truncated_file_is_refused(
    whole: bytes, place: Path, data: st.DataObject
) -> None:
    refused(whole[: data.draw(st.integers(0, len(whole) - 1))], place)


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_byte_is_refused_or_changes_nothing(
    whole: bytes, place: Path, data: st.DataObject
) -> None:
    """Most bytes are checked; some of an archive's, such as dates, mean nothing."""
    near_the_end = st.integers(len(whole) - 2_500, len(whole) - 1)
    where = data.draw(st.one_of(near_the_end, st.integers(0, len(whole) - 1)))
    damaged = bytearray(whole)
    damaged[where] ^= data.draw(st.integers(1, 255))
    place.write_bytes(damaged)
    with suppress(ConfigurationError):
        model = small_model()
        assert read_from(place).estimate(PROMPTS[2]) == model.estimate(PROMPTS[2])


@pytest.mark.parametrize(
    ("mark", "distance"),
    [(b"PK\x01\x02", 6), (b"PK\x01\x02", 8), (b"PK\x01\x02", 10)],
    ids=["a later zip", "a password", "another compression"],
)
@pytest.mark.parametrize("bit", [1, 8, 128])
def test_a_file_that_asks_for_more_is_no_worse_than_damaged(
    whole: bytes, place: Path, mark: bytes, distance: int, bit: int
) -> None:
    damaged = bytearray(whole)
    damaged[whole.index(mark) + distance] ^= bit
    place.write_bytes(damaged)
    with suppress(ConfigurationError):
        assert read_from(place).about.domains == ("riddles",)


@pytest.mark.parametrize("name", ["weights.npy", "specialist.npy", ABOUT])
def test_a_file_without_one_of_its_parts_is_refused(
    whole: bytes, place: Path, name: str
) -> None:
    assert "cannot be read" in refused(rewritten(whole, {name: None}), place)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"features": 1}', "\xff"])
def test_a_file_that_says_nothing_of_itself_is_refused(
    whole: bytes, place: Path, text: str
) -> None:
    refused(rewritten(whole, {ABOUT: text.encode("latin-1")}), place)


def test_a_file_of_another_version_is_refused(whole: bytes, place: Path) -> None:
    other = json.dumps({**said(whole), "features": VERSION + 1}).encode()
    why = refused(rewritten(whole, {ABOUT: other}), place)
    assert f"reads features of version {VERSION + 1}, not {VERSION}" in why


def test_a_pickle_in_a_file_is_not_loaded(whole: bytes, place: Path) -> None:
    objects = io.BytesIO()
    np.lib.format.write_array(
        objects, np.array([{"a": 1}], dtype=object), allow_pickle=True
    )
    content = rewritten(whole, {"mean.npy": objects.getvalue()})
    assert "allow_pickle" in refused(content, place)


def test_the_shipped_file_is_under_two_megabytes() -> None:
    assert len(SHIPPED.read_bytes()) < MOST_BYTES


def test_the_shipped_file_has_arrays_of_numbers_and_one_text() -> None:
    with zipfile.ZipFile(io.BytesIO(SHIPPED.read_bytes())) as archive:
        names = archive.namelist()
        assert set(names) == {ABOUT, *(f"{f.name}.npy" for f in fields(Parameters))}
        for name in set(names) - {ABOUT}:
            array = np.lib.format.read_array(
                io.BytesIO(archive.read(name)), allow_pickle=False
            )
            assert array.dtype.kind in "iuf"
            assert np.isfinite(array).all()


def test_the_shipped_file_is_as_it_would_be_written(tmp_path: Path) -> None:
    write_model(read_model(), tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == SHIPPED.read_bytes()


def test_the_shipped_file_says_what_it_is_from() -> None:
    facts = read_model().about.facts
    for source in facts["sources"]:
        assert {"name", "about", "origin", "licence", "weak", "strong"} <= set(source)
        assert "Apache-2.0" in source["licence"] or "MIT" in source["licence"]
        assert source["rows"] > 0
    assert len(facts["sources"]) == 7
    assert facts["trained_on"] == "train and dev"
    assert facts["date"].startswith("20")
    assert facts["command"].startswith("python -m costroute_nb.training ")


def test_the_shipped_file_has_its_held_out_figures() -> None:
    figures = read_model().about.facts["figures"]
    on_dev = figures["trained on train, measured on dev"]
    value, low, high = figures["five folds of train and dev"]["apgr"]["mean"]
    assert value >= 0.65
    assert 0.5 < low < value < high
    assert on_dev["small fails"]["expected calibration error"] < 0.05
    assert on_dev["apgr"]["mean"][0] > 0.5
