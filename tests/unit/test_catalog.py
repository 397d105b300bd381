from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest

from costroute_nb.core.catalog import (
    Catalog,
    Model,
    higher_tier,
    parse_model,
    parse_models,
    tier_rank,
)
from costroute_nb.core.tables import TableError
from costroute_nb.errors import UnknownModelError


def entry(**given: Any) -> dict[str, Any]:
    return {
        "id": "claude-haiku-5-5",
        "provider": "anthropic",
        "tier": "small",
        "line": "haiku",
        "tokenizer": "claude-2026",
        "context_window": 1_000_000,
        "max_output": 128_000,
        **given,
    }


def catalog(*entries: dict[str, Any]) -> Catalog:
    return Catalog(parse_models({"models": list(entries)}))


THREE = catalog(
    entry(aliases=["claude-haiku-5-5-20261007"]),
    entry(id="claude-sonnet-5-5", tier="medium", line="sonnet"),
    entry(id="claude-opus-5-5", tier="large", line="opus"),
    entry(id="claude-fable-5-2", tier="large", line="fable", routed=False),
)


def test_a_model_is_found_by_its_id_and_by_its_alias() -> None:
    assert THREE.find("claude-haiku-5-5").tier == "small"
    assert THREE.find("claude-haiku-5-5-20261007").id == "claude-haiku-5-5"


@pytest.mark.parametrize(
    "close", ["claude-haiku-5-5-20990101", "CLAUDE-HAIKU-5-5", "haiku", ""]
)
def test_an_id_that_only_resembles_one_is_unknown(close: str) -> None:
    assert THREE.get(close) is None
    with pytest.raises(UnknownModelError):
        THREE.find(close)


def test_an_unknown_model_names_the_closest_ids_in_one_line() -> None:
    with pytest.raises(UnknownModelError) as caught:
        THREE.find("claude-sonnet-5.5")
    error = caught.value
    assert error.model == "claude-sonnet-5.5"
    assert error.close[0] == "claude-sonnet-5-5"
    assert "did you mean claude-sonnet-5-5" in str(error)
    assert "tiers.toml" in str(error)
    assert "\n" not in str(error)


def test_an_unknown_model_resembling_none_promises_nothing() -> None:
    with pytest.raises(UnknownModelError) as caught:
        THREE.find("zzz")
    assert caught.value.close == ()
    assert "did you mean" not in str(caught.value)


def test_an_unknown_model_survives_pickling() -> None:
    with pytest.raises(UnknownModelError) as caught:
        THREE.find("claude-sonnet-5.5")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.close) == (str(caught.value), caught.value.close)


def test_tiers_are_ordered() -> None:
    assert [tier_rank(tier) for tier in ("small", "medium", "large")] == [0, 1, 2]
    assert higher_tier("large", "small") == "large"
    assert higher_tier("small", "medium") == "medium"


@pytest.mark.parametrize(
    ("name", "tier"),
    [("small", "small"), ("haiku", "small"), (" Sonnet ", "medium"), ("OPUS", "large")],
)
def test_a_tier_goes_by_its_own_and_its_models_line(name: str, tier: str) -> None:
    assert THREE.tier_named(name) == tier


def test_a_line_that_routing_never_picks_names_no_tier() -> None:
    with pytest.raises(ValueError, match="use small, medium, large, haiku"):
        THREE.tier_named("fable")
    assert THREE.tier_names() == (
        "small", "medium", "large", "haiku", "sonnet", "opus",
    )  # fmt: skip


def test_a_tier_offers_only_routed_models_of_the_provider() -> None:
    assert [m.id for m in THREE.in_tier("large", "anthropic")] == ["claude-opus-5-5"]
    assert THREE.in_tier("large", "other") == ()


def test_a_model_is_retired_from_its_day_on() -> None:
    model = parse_model(entry(lifecycle="deprecated", retires=date(2026, 11, 30)))
    assert not model.is_retired(date(2026, 11, 29))
    assert model.is_retired(date(2026, 11, 30))
    assert parse_model(entry(lifecycle="retired")).is_retired(date(2026, 1, 1))


def test_what_an_entry_leaves_out_is_the_careful_default() -> None:
    assert parse_model(entry()) == Model(
        id="claude-haiku-5-5",
        provider="anthropic",
        tier="small",
        line="haiku",
        tokenizer="claude-2026",
        context_window=1_000_000,
        max_output=128_000,
    )


def test_every_key_of_an_entry_is_read() -> None:
    model = parse_model(
        entry(
            structured_output=False,
            thinks=True,
            thinking_off="between_tools",
            efforts=["low", "high"],
            routed=False,
            lifecycle="deprecated",
            retires=date(2027, 1, 1),
            aliases=["other"],
            source="https://example.com",
        )
    )
    assert (model.structured_output, model.thinks, model.routed) == (False, True, False)
    assert (model.thinking_off, model.efforts) == ("between_tools", ("low", "high"))
    assert (model.lifecycle, model.retires) == ("deprecated", date(2027, 1, 1))
    assert model.aliases == ("other",)


@pytest.mark.parametrize(
    ("given", "key", "complaint"),
    [
        ({"tier": "huge"}, "tier", "one of small, medium, large"),
        ({"efforts": ["low", "max"]}, "efforts", "'max' is not one of low"),
        ({"thinking_off": "off"}, "thinking_off", "one of disabled"),
        ({"tokenizer": "cl100k"}, "tokenizer", "one of claude-2026"),
        ({"retires": "2026-11-30"}, "retires", "must be a date"),
        ({"retires": datetime(2026, 11, 30, tzinfo=UTC)}, "retires", "must be a date"),
        ({"context_window": 0}, "context_window", "1 or more"),
        ({"max_output": 2_000_000}, "max_output", "above the context window"),
        ({"routed": 1}, "routed", "true or false"),
        ({"contextwindow": 1}, "contextwindow", "did you mean 'context_window'"),
    ],
)
def test_an_unusable_entry_is_refused_at_its_key(
    given: dict[str, Any], key: str, complaint: str
) -> None:
    with pytest.raises(TableError, match=complaint) as caught:
        parse_models({"models": [entry(id="first"), entry(**given)]})
    assert caught.value.path == ("models", 1, key)


@pytest.mark.parametrize(
    ("second", "key"),
    [
        ({"id": "claude-haiku-5-5"}, "id"),
        ({"id": "new", "aliases": ["claude-haiku-5-5"]}, "aliases"),
        ({"id": "dated"}, "id"),
    ],
)
def test_one_name_cannot_mean_two_models(second: dict[str, Any], key: str) -> None:
    with pytest.raises(TableError, match="names two models") as caught:
        parse_models({"models": [entry(aliases=["dated"]), entry(**second)]})
    assert caught.value.path == ("models", 1, key)
