"""What the SQLite ledger does with its file: its place, its state, its readers."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from costroute_nb.core.budget import Balance
from costroute_nb.errors import ConfigurationError
from costroute_nb.ledger.drives import is_network_drive
from costroute_nb.ledger.schema import VERSION
from costroute_nb.ledger.sqlite import SqliteLedger
from tests.support.ledgers import LEASE, of_day, of_session
from tests.support.records import ended, hold

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions, forks")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "costroute" / "ledger.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    store = SqliteLedger(path)
    yield store
    store.close()


@posix
def test_what_it_creates_is_for_the_user_alone_whatever_the_umask(
    path: Path, ledger: SqliteLedger
) -> None:
    before = os.umask(0)
    try:
        ledger.add(ended(hold()))
    finally:
        os.umask(before)
    modes = {
        place.name: stat.S_IMODE(place.stat().st_mode)
        for place in [path.parent, *path.parent.iterdir()]
    }
    assert modes == {
        "costroute": 0o700,
        "ledger.sqlite3": 0o600,
        "ledger.sqlite3-wal": 0o600,
        "ledger.sqlite3-shm": 0o600,
    }


@posix
def test_permissions_that_the_user_chose_are_left_alone(
    path: Path, ledger: SqliteLedger
) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    path.chmod(0o660)
    ledger.add(ended(hold()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_rows_are_there_when_it_is_opened_again(path: Path) -> None:
    first = SqliteLedger(path)
    first.add(ended(hold()))
    first.close()
    second = SqliteLedger(path)
    assert [found.call_id for found in second.records()] == ["call"]
    second.close()


def test_use_after_close_opens_the_file_again(ledger: SqliteLedger) -> None:
    ledger.reserve(hold(), [], LEASE)
    ledger.close()
    ledger.settle(ended(hold()))
    assert len(list(ledger.records())) == 1


def test_durable_ledger_writes_every_row_to_the_disk(path: Path) -> None:
    ledger = SqliteLedger(path, durable=True)
    ledger.add(ended(hold()))
    assert ledger._shared.fetch("PRAGMA synchronous") == [(2,)]
    ledger.close()


def test_damaged_ledger_is_refused_and_left_as_it_is(
    path: Path, ledger: SqliteLedger
) -> None:
    damaged = b"SQLite format 3\0" + b"\x07" * 8_000
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged)
    with pytest.raises(ConfigurationError, match=r"is damaged.*nothing replaces it"):
        ledger.reserve(hold(), [], LEASE)
    assert path.read_bytes() == damaged


def test_page_damaged_later_is_said_too(path: Path) -> None:
    ledger = SqliteLedger(path)
    for number in range(50):
        ledger.add(ended(hold(str(number))))
    ledger.close()
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4_096)
        file.write(b"\xff" * (size - 4_096))
    with pytest.raises(ConfigurationError, match="is damaged"):
        ledger.add(ended(hold()))
    ledger.close()


def test_ledger_of_a_newer_version_is_refused(path: Path, ledger: SqliteLedger) -> None:
    ledger.latest()
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(
        ConfigurationError, match=r"newer version.*upgrade costroute-nb"
    ):
        ledger.latest()


def test_database_of_another_program_is_refused_and_left_as_it_is(
    path: Path, ledger: SqliteLedger
) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="no ledger"):
        ledger.latest()
    assert path.read_bytes() == before


def test_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = SqliteLedger(tmp_path / "file" / "ledger.sqlite3")
    with pytest.raises(ConfigurationError, match="COSTROUTE_LEDGER_URL") as caught:
        ledger.latest()
    assert len(caught.value._render_traceback_()) == 1


def test_ledger_that_stays_locked_is_given_up_after_a_while(path: Path) -> None:
    ledger = SqliteLedger(path, patience=0.5)
    ledger.latest()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigurationError, match="another process"):
        ledger.add(ended(hold()))
    other.rollback()
    other.close()
    ledger.add(ended(hold()))
    ledger.close()


def test_reading_does_not_wait_for_a_writer(path: Path) -> None:
    ledger = SqliteLedger(path, patience=0.25)
    ledger.add(ended(hold()))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert len(list(ledger.records())) == 1
    other.close()
    ledger.close()


@posix
def test_drive_without_shared_memory_gets_a_rollback_journal_and_a_warning(
    path: Path, ledger: SqliteLedger, caplog: pytest.LogCaptureFixture
) -> None:
    # A directory where SQLite wants its shared memory: it cannot have any.
    shared_memory = path.with_name("ledger.sqlite3-shm")
    shared_memory.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        ledger.reserve(hold(), [of_day()], LEASE)
    assert "has no shared memory" in caplog.text
    assert ledger._shared.fetch("PRAGMA journal_mode") == [("delete",)]
    second = SqliteLedger(path)
    second.settle(ended(hold(), 40))
    second.close()
    assert ledger.balance(of_day(), simulated=False) == Balance(spent=40, held=0)


@pytest.mark.parametrize(
    ("place", "network"),
    [
        ("/home/ada/ledger.sqlite3", True),
        ("/home/ada/local disk/ledger.sqlite3", False),
        ("/content/drive/MyDrive/ledger.sqlite3", True),
        ("/var/ledger.sqlite3", False),
    ],
)
def test_network_drive_is_known_by_the_mount_nearest_to_the_file(
    tmp_path: Path, place: str, network: bool
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\n"
        "server:/export /home nfs4 rw 0 0\n"
        "/dev/sdb1 /home/ada/local\\040disk xfs rw 0 0\n"
        "drive /content/drive fuse.drive rw 0 0\n"
    )
    assert is_network_drive(Path(place), mounts) is network


def test_system_without_a_list_of_mounts_counts_as_local(tmp_path: Path) -> None:
    assert not is_network_drive(tmp_path, tmp_path / "absent")


def test_sum_too_large_for_the_file_is_refused_and_never_rounded(
    ledger: SqliteLedger,
) -> None:
    ledger.add(ended(hold("first"), 2**63 - 1))
    with pytest.raises(ConfigurationError, match="constraint"):
        ledger.add(ended(hold("second"), 1))
    assert ledger.balance(of_session(), simulated=False) == Balance(2**63 - 1, 0)


def test_row_cannot_be_moved_out_of_its_period_by_hand(
    path: Path, ledger: SqliteLedger
) -> None:
    ledger.add(ended(hold()))
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="where it was reserved"):
        connection.execute("UPDATE records SET at = 0")
    connection.close()


@pytest.mark.parametrize("content", [b"x" * 5_000, None], ids=["damaged", "a folder"])
def test_home_is_never_spelled_out(home: Path, content: bytes | None) -> None:
    place = home / "ledger.sqlite3"
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content)
    ledger = SqliteLedger(place)
    with pytest.raises(ConfigurationError) as caught:
        ledger.latest()
    assert "~/ledger.sqlite3" in str(caught.value)
    assert str(home) not in str(caught.value)
