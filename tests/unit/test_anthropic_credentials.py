"""Which credentials are in force, in the SDK's order, without the SDK."""

import json
import subprocess
import sys
from pathlib import Path

import anthropic
import pytest

from costroute_nb.errors import ConfigurationError, MissingKeyError
from costroute_nb.providers.anthropic import AnthropicProvider
from costroute_nb.providers.anthropic.credentials import find_credentials, normal_url
from costroute_nb.providers.anthropic.provider import API_VERSION


def account() -> str:
    return find_credentials(None, None).account


def source() -> str:
    return find_credentials(None, None).source


def write_config(home: Path, name: str, **config: str) -> None:
    folder = home / ".config" / "anthropic" / "configs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"authentication": {"type": "user_oauth"}, **config}))
    path.chmod(0o644)


def test_each_source_gives_way_to_the_one_before_it(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    found = [source()]
    write_config(home, "default")
    found.append(source())
    for name in ("FEDERATION_RULE_ID", "ORGANIZATION_ID", "IDENTITY_TOKEN"):
        monkeypatch.setenv(f"ANTHROPIC_{name}", "x")
    found.append(source())
    for name in ("PROFILE", "AUTH_TOKEN", "API_KEY"):
        monkeypatch.setenv(f"ANTHROPIC_{name}", "x")
        found.append(source())
    assert found == ["none", "profile", "identity token", "profile", "token", "key"]
    given = find_credentials("sk-given", None)
    assert given.api_key == "sk-given"


def test_accounts_are_told_apart_without_telling_the_key(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    accounts = set()
    for key in ("sk-ant-one", "sk-ant-two"):
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        accounts.add(account())
        assert key not in repr(find_credentials(None, None))
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-ant-one")
    accounts.add(account())
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN")
    for name in ("work", "play"):
        monkeypatch.setenv("ANTHROPIC_PROFILE", name)
        accounts.add(account())
    write_config(home, "play", workspace_id="wrkspc_1")
    accounts.add(account())
    assert len(accounts) == 6


def test_active_profile_is_the_one_its_file_names(home: Path) -> None:
    write_config(home, "work", base_url="https://gateway.example/claude/")
    (home / ".config" / "anthropic" / "active_config").write_text("work\n")
    credentials = find_credentials(None, None)
    assert credentials.source == "profile"
    assert normal_url(credentials.base_url) == "https://gateway.example/claude"


def test_environment_wins_over_the_url_of_a_profile(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    write_config(home, "default", base_url="https://gateway.example")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://other.example")
    assert find_credentials(None, None).host == "other.example"


def test_header_that_authenticates_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Team: red")
    assert source() == "none"
    before = find_credentials(None, None).headers
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Team: red\nX-Api-Key: k")
    assert source() == "headers"
    assert find_credentials(None, None).headers != before
    AnthropicProvider().check_credentials()


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://API.Anthropic.com/", "https://api.anthropic.com"),
        ("https://api.anthropic.com:443", "https://api.anthropic.com"),
        ("http://user:pw@host:8080/path//", "http://host:8080/path"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_url_has_one_spelling_without_secrets(given: str, normal: str) -> None:
    assert normal_url(given) == normal


@pytest.mark.parametrize(
    "url", ["api.anthropic.com", "ftp://x", "http://", "http://x:y"]
)
def test_what_is_no_url_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
    with pytest.raises(ConfigurationError, match="ANTHROPIC_BASE_URL"):
        AnthropicProvider().scope()


@pytest.mark.parametrize("key", ["sk ant", "sk-ant\nx", "sk-änt", "“sk-ant”"])
def test_mangled_key_is_told_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(MissingKeyError, match="characters that no key has") as caught:
        AnthropicProvider().check_credentials()
    assert key not in str(caught.value)


def test_blanks_around_a_key_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", " sk-ant-x\n")
    assert find_credentials(None, None).api_key == "sk-ant-x"


def test_version_of_the_scope_is_the_one_the_sdk_sends() -> None:
    client = anthropic.Anthropic(api_key="sk-ant-x")
    assert client.default_headers["anthropic-version"] == API_VERSION


def test_looking_imports_no_sdk() -> None:
    script = (
        "import sys\n"
        "from costroute_nb.providers.anthropic import AnthropicProvider\n"
        "from tests.support.models import SMALL, ask_for\n"
        "provider = AnthropicProvider(api_key='sk-ant-x')\n"
        "provider.check_credentials(), provider.scope()\n"
        "provider.body(SMALL, ask_for(schema={'type': 'string'}))\n"
        "assert not {'anthropic', 'httpx2', 'pydantic', 'jsonschema'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
