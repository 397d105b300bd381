from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price, data_snapshot
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

import costroute_nb
from costroute_nb.core.messages import Usage
from costroute_nb.core.money import usd_to_pico
from costroute_nb.core.overrides import parse_overrides
from costroute_nb.core.prices import Price, cost
from costroute_nb.pricing import PriceBook
from costroute_nb.pricing.published import read_published
from costroute_nb.tables import load_tables
from costroute_nb.training.figures import WEAK_PRICE

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
THEIRS = f"genai-prices {version('genai-prices')}"
TABLES = load_tables()
PUBLISHED = sorted(read_published("anthropic"))
# What genai-prices prices by a rule of its own, where we follow Anthropic's: models
# without a published price for cache writes.
WITHOUT_CACHE = {"claude-2", "claude-v1"}


@pytest.fixture
def book() -> PriceBook:
    return PriceBook(TABLES.overrides)


def found(book: PriceBook, model: str, at: datetime = NOW) -> Price:
    price = book.price(model, "anthropic", at)
    assert price is not None
    return price


# The shipped catalog


@pytest.mark.parametrize("model", [model.id for model in TABLES.catalog.models])
def test_every_shipped_model_has_a_price(book: PriceBook, model: str) -> None:
    price = found(book, model)
    assert price.model == model
    assert min(price.base.input, price.base.output, price.base.cache_read) > 0
    assert price.web_search == usd_to_pico("0.01")


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("claude-haiku-5-5", ("0.10", "0.50", "0.01", "0.125", "0.20")),
        ("claude-sonnet-5-5", ("2", "10", "0.10", "2.5", "4")),
        ("claude-opus-5-5", ("4", "20", "0.20", "5", "8")),
        ("claude-haiku-4-5", ("1", "5", "0.10", "1.25", "2")),
        ("claude-sonnet-4-6", ("3", "15", "0.30", "3.75", "6")),
        ("claude-opus-4-7", ("5", "25", "0.50", "6.25", "10")),
        ("claude-fable-5-2", ("8", "40", "0.20", "10", "16")),
    ],
)
def test_the_rates_are_those_published(
    book: PriceBook, model: str, usd: tuple[str, ...]
) -> None:
    base = found(book, model).base
    assert (
        base.input, base.output, base.cache_read, base.cache_write_5m,
        base.cache_write_1h,
    ) == tuple(int(Decimal(x) * 10**6) for x in usd)  # fmt: skip


def test_a_long_prompt_to_haiku_costs_five_times_as_much(book: PriceBook) -> None:
    price = found(book, "claude-haiku-5-5")
    assert [above for above, _ in price.steps] == [100_000]
    assert cost(Usage(100_001, output_tokens=1000), price) == usd_to_pico("0.0525005")


def test_fast_mode_of_opus_is_priced(book: PriceBook) -> None:
    fast = found(book, "claude-opus-5-5").fast
    assert fast is not None
    assert (fast.input, fast.output) == (8_000_000, 40_000_000)


def test_a_model_without_a_fast_mode_has_no_fast_price(book: PriceBook) -> None:
    assert found(book, "claude-haiku-5-5").fast is None


# Agreement with genai-prices


@given(
    model=st.sampled_from([m for m in PUBLISHED if m not in WITHOUT_CACHE]),
    counts=st.tuples(*[st.integers(0, 150_000)] * 5),
    batch=st.booleans(),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 -- made aware below
)
def test_costs_agree_with_genai_prices_own_sum(
    model: str, counts: tuple[int, ...], batch: bool, at: datetime
) -> None:
    # It knows the half price of batches only from this day on, for current models.
    at = (
        max(at.replace(tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC))
        if batch
        else (at.replace(tzinfo=UTC))
    )
    batch = batch and any(m.id == model and m.price_variants for m in _their_models())
    plain, read, short, long, output = counts
    ours = Usage(
        plain, read, short, long, output, service_tier="batch" if batch else "standard"
    )
    theirs = calc_price(
        TheirUsage(
            input_tokens=plain + read + short + long,
            cache_read_tokens=read,
            cache_write_tokens=short + long,
            cache_write_5m_tokens=short,
            cache_write_1h_tokens=long,
            output_tokens=output,
        ),
        model,
        provider_id="anthropic",
        genai_request_timestamp=at,
        price_context={"processing": "batch"} if batch else None,
    )
    assert cost(ours, found(PLAIN, model, at)) == theirs.total_price * 10**12


PLAIN = PriceBook()


def _their_models() -> Iterator[Any]:
    for provider in providers:
        if provider.id == "anthropic":
            yield from provider.models


def test_fast_costs_agree_with_genai_prices(book: PriceBook) -> None:
    theirs = calc_price(
        TheirUsage(input_tokens=1000, output_tokens=500),
        "claude-fable-5-2",
        provider_id="anthropic",
        genai_request_timestamp=NOW,
        price_context={"speed": "fast"},
    )
    ours = cost(
        Usage(1000, output_tokens=500, speed="fast"), found(book, "claude-fable-5-2")
    )
    assert ours == theirs.total_price * 10**12


# Exact ids


@pytest.mark.parametrize(
    "loose",
    [
        "claude-haiku-4-5-20990101",
        "claude-haiku-4-5-20251001",
        "claude-opus-5-5-20990101",
        "claude-haiku-4.5",
        "CLAUDE-HAIKU-4-5",
    ],
)
def test_an_id_that_genai_prices_only_guesses_has_no_price(
    book: PriceBook, loose: str
) -> None:
    calc_price(TheirUsage(input_tokens=1), loose, provider_id="anthropic")
    assert book.price(loose, "anthropic", NOW) is None


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-haiku-6", "anthropic"),
        ("anthropic/claude-haiku-4-5", "anthropic"),
        ("", "anthropic"),
        ("claude-haiku-4-5", "nobody"),
        ("claude-haiku-4-5", "openai"),
    ],
)
def test_what_nobody_prices_is_unknown(
    book: PriceBook, model: str, provider: str
) -> None:
    assert book.price(model, provider, NOW) is None


def test_an_id_listed_literally_beside_the_first_has_the_same_price(
    book: PriceBook,
) -> None:
    listed = found(book, "claude-opus-4-20250514")
    assert listed.base == found(book, "claude-opus-4-0").base


def test_a_price_that_changes_within_a_day_is_unknown() -> None:
    # deepseek's off-peak rates depend on the hour, which a day's price cannot say.
    assert read_published("deepseek")["deepseek-chat"] == []


def test_a_price_with_a_fee_per_request_is_unknown() -> None:
    # A `Usage` counts tokens, so the fee would be forgotten.
    assert read_published("perplexity")["sonar"][0].base is None
    assert PriceBook().price("sonar", "perplexity", NOW) is None


# Days


def test_the_cache_read_of_sonnet_was_cut_on_october_7(book: PriceBook) -> None:
    sixth = datetime(2026, 10, 6, 23, 59, 59, tzinfo=UTC)
    before = found(book, "claude-sonnet-5-5", sixth)
    after = found(book, "claude-sonnet-5-5", sixth + timedelta(seconds=1))
    assert (before.base.cache_read, after.base.cache_read) == (200_000, 100_000)
    assert before.base.input == after.base.input


def test_the_day_is_the_one_in_utc(book: PriceBook) -> None:
    evening = datetime(2026, 10, 6, 20, tzinfo=timezone(timedelta(hours=-5)))
    assert found(book, "claude-sonnet-5-5", evening).base.cache_read == 100_000


def test_a_price_says_which_tables_it_comes_from(book: PriceBook) -> None:
    old = found(book, "claude-sonnet-5-5", datetime(2026, 10, 6, tzinfo=UTC))
    assert old.as_of == f"prices.toml 2026-09-28, {THEIRS}"
    assert found(book, "claude-sonnet-5-5").as_of == THEIRS


def test_a_historic_price_is_found_by_its_day(book: PriceBook) -> None:
    winter = found(book, "claude-sonnet-4-6", datetime(2026, 3, 12, tzinfo=UTC))
    spring = found(book, "claude-sonnet-4-6", datetime(2026, 3, 13, tzinfo=UTC))
    assert [above for above, _ in winter.steps] == [200_000]
    assert spring.steps == ()


def test_a_moment_without_a_zone_is_refused(book: PriceBook) -> None:
    with pytest.raises(ValueError, match="aware"):
        book.price("claude-haiku-5-5", "anthropic", NOW.replace(tzinfo=None))


# Overrides


def overriding(**given: Any) -> PriceBook:
    row = {
        "model": "claude-haiku-5-5",
        "from": date(2026, 11, 1),
        "source": "https://example.com",
        **given,
    }
    return PriceBook(parse_overrides({"prices": [row]}))


def test_an_override_wins_and_inherits_the_rest(book: PriceBook) -> None:
    price = found(overriding(input=3), "claude-haiku-5-5")
    assert price.base.input == 3_000_000
    assert price.base.output == found(book, "claude-haiku-5-5").base.output
    assert price.steps == found(book, "claude-haiku-5-5").steps


def test_an_override_gives_a_model_of_ones_own_a_price() -> None:
    own = overriding(model="mine", provider="local", input=1, output=2)
    price = own.price("mine", "local", NOW)
    assert price is not None
    assert (price.base.input, price.base.output) == (1_000_000, 2_000_000)
    assert price.as_of == "prices.toml 2026-11-01"
    assert own.price("mine", "anthropic", NOW) is None


def test_half_a_price_of_an_unknown_model_is_unknown_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert overriding(model="mine", input=1).price("mine", "anthropic", NOW) is None
    assert "give at least input and output" in caplog.text


def test_a_downloaded_table_is_never_applied(book: PriceBook) -> None:
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot([], True))
    try:
        assert found(book, "claude-haiku-5-5").base.input == 100_000
    finally:
        data_snapshot.set_custom_snapshot(None)


# The file of integers

LOOK_UP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from costroute_nb.pricing import PriceBook
from costroute_nb.training.figures import WEAK_PRICE
book = PriceBook(cache_file=Path(sys.argv[1]))
price = book.price("claude-haiku-5-5", "anthropic", datetime(2026, 11, 22, tzinfo=UTC))
print(price.base.input, "genai_prices" in sys.modules)  # read by the test
"""


def in_a_fresh_process(code: str, *arguments: str) -> str:
    """Run code against the same copy of the package; return what it prints."""
    root = Path(next(iter(costroute_nb.__path__))).parent
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    return done.stdout.strip()


def test_a_second_process_reads_the_file_instead_of_importing(tmp_path: Path) -> None:
    file = str(tmp_path / "deep" / "prices.json")
    assert in_a_fresh_process(LOOK_UP, file) == "100000 True"
    assert in_a_fresh_process(LOOK_UP, file) == "100000 False"


def test_importing_the_package_does_not_import_genai_prices() -> None:
    # What another process prints is how the test learns what was imported there.
    code = "import sys, costroute_nb.pricing; print('genai_prices' in sys.modules)"
    assert in_a_fresh_process(code) == "False"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    found(PriceBook(cache_file=file), "claude-haiku-5-5")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["prices.json"]


def test_prices_from_the_file_are_those_from_the_package(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    first, second = PriceBook(cache_file=file), PriceBook(cache_file=file)
    for model in PUBLISHED:
        wanted = first.price(model, "anthropic", NOW)
        assert second.price(model, "anthropic", NOW) == wanted


def _flipped(text: str) -> str:
    return text.replace("100000", "900000", 1)


def _signed(body: str) -> str:
    return f"{sha256(body.encode()).hexdigest()}\n{body}"


def _outdated(text: str) -> str:
    held = json.loads(text.partition("\n")[2])
    return _signed(_flipped(json.dumps(held | {"version": "0.0.1"})))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-100],
        _flipped,
        _outdated,
        lambda text: _signed("not JSON"),
        lambda text: "\0" * len(text),
    ],
    ids=["empty", "cut", "one digit", "other version", "not JSON", "zeros"],
)
def test_a_damaged_or_outdated_file_is_rebuilt(tmp_path: Path, damage: Any) -> None:
    file = tmp_path / "prices.json"
    found(PriceBook(cache_file=file), "claude-haiku-5-5")
    good = file.read_text()
    file.write_text(damage(good))
    price = found(PriceBook(cache_file=file), "claude-haiku-5-5")
    assert price.base.input == 100_000
    assert file.read_text() == good


def test_a_place_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    price = found(
        PriceBook(cache_file=tmp_path / "file" / "prices.json"), "claude-haiku-5-5"
    )
    assert price.base.input == 100_000


def test_many_threads_get_one_and_the_same_price(book: PriceBook) -> None:
    prices: list[Price | None] = []
    ready = threading.Barrier(16)

    def look_up() -> None:
        ready.wait()
        prices.append(book.price("claude-opus-5-5", "anthropic", NOW))

    threads = [threading.Thread(target=look_up) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(prices) == 16
    assert len({id(price) for price in prices}) == 1


def test_the_log_names_no_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "prices.json").mkdir()
    found(PriceBook(cache_file=tmp_path / "prices.json"), "claude-haiku-5-5")
    assert "not kept on disk" in caplog.text
    assert str(tmp_path) not in caplog.text


def test_routing_is_measured_at_the_prices_of_the_tiers_it_names(
    tmp_path: Path,
) -> None:
    book = PriceBook(cache_file=tmp_path / "prices.json")
    small, large = (
        book.price(model, "anthropic", datetime(2026, 11, 22, tzinfo=UTC))
        for model in ("claude-haiku-5-5", "claude-opus-5-5")
    )
    assert small is not None
    assert large is not None
    assert small.base.input == WEAK_PRICE * large.base.input
    assert small.base.output == WEAK_PRICE * large.base.output
