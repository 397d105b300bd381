"""The tests' own walls: homes, credentials and the network."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st


def test_home_is_empty_of_the_developers_files(home: Path) -> None:
    assert Path.home() == home
    assert [entry.name for entry in home.iterdir()] == [".run"]


def test_no_credential_or_setting_reaches_a_test() -> None:
    kept = {"COSTROUTE_HOME", "COSTROUTE_CLASSIFIER", "ANTHROPIC_CONFIG_DIR"}
    prefixes = ("ANTHROPIC_", "OPENAI_", "MINIMAX_", "COSTROUTE_")
    left = {name for name in os.environ if name.startswith(prefixes)} - kept
    assert not {name for name in left if not name.startswith("COSTROUTE_TEST_")}


def test_a_subprocess_inherits_the_isolated_home(home: Path) -> None:
    code = "import os; print(os.environ['COSTROUTE_HOME'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == home / "costroute"


@pytest.mark.parametrize("address", [("203.0.113.1", 443), ("2001:db8::1", 443)])
def test_a_connection_beyond_loopback_is_refused(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with (
        socket.socket(family) as client,
        pytest.raises(RuntimeError, match="beyond this machine"),
    ):
        client.connect(address)


def test_a_name_beyond_loopback_is_not_even_resolved() -> None:
    with pytest.raises(RuntimeError, match=r"api\.anthropic\.com"):
        socket.create_connection(("api.anthropic.com", 443))


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1])) as client,
    ):
        assert client.getpeername() == server.getsockname()


@given(st.integers())
def test_isolation_holds_inside_property_tests(number: int) -> None:
    assert f"ANTHROPIC_{number}" not in os.environ
    assert Path(os.environ["COSTROUTE_HOME"]).parent == Path.home()
