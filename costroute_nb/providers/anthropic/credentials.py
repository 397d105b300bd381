"""Which Anthropic credentials are in force, found without importing the SDK."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from costroute_nb.errors import ConfigurationError, MissingKeyError

DEFAULT_BASE_URL = "https://api.anthropic.com"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FEDERATION = ("ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_ORGANIZATION_ID")
_IDENTITY = ("ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_IDENTITY_TOKEN_FILE")
_AUTH_HEADERS = frozenset({"authorization", "x-api-key"})
_SHORTEST_SECRET = 6
_NO_KEY = "No Anthropic API key is set; nothing was sent."
_MANGLED_KEY = (
    "The Anthropic API key holds characters that no key has, such as blanks or "
    "line breaks; nothing was sent."
)


@dataclass(frozen=True)
class Credentials:
    """What a call would be authenticated by, and where it would go.

    Attributes
    ----------
    source
        `key`, `token`, `profile`, `identity token`, `headers`, or `none`.
    account
        A digest that differs between accounts and tells nothing about the key.
    base_url
        The API's address as given, for the client.
    headers
        A digest of the custom headers, empty without any.
    betas
        The beta features the custom headers ask for.
    secrets
        What must never be shown: the key, header values, a password in the URL.
    """

    source: str
    account: str
    base_url: str
    headers: str = ""
    betas: str = ""
    api_key: str | None = field(default=None, repr=False)
    auth_token: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def identity(self) -> tuple[str | None, ...]:
        """What a client is built from; another identity needs another client."""
        return (
            self.source, self.account, self.base_url, self.headers,
            self.api_key, self.auth_token,
        )  # fmt: skip

    @property
    def host(self) -> str:
        """Host and port of the API, without any password."""
        return urlsplit(normal_url(self.base_url)).netloc


def find_credentials(api_key: str | None, base_url: str | None) -> Credentials:
    """Return the credentials in force, in the SDK's own order of precedence.

    The environment is read anew each time, so that a key set in a later cell counts.

    Raises
    ------
    ConfigurationError
        If the base URL is none.
    """
    headers = _custom_headers(os.environ.get("ANTHROPIC_CUSTOM_HEADERS", ""))
    key, token = _static_credential(api_key)
    source, known, profile_url = _source(key, token, headers)
    address = base_url or os.environ.get("ANTHROPIC_BASE_URL") or profile_url
    address = (address or DEFAULT_BASE_URL).strip()
    normal_url(address)
    password = urlsplit(address).password
    hidden = (key, token, password, *headers.values())
    return Credentials(
        source=source,
        account="" if source == "none" else _digest(source, *known, password or ""),
        base_url=address,
        headers=_digest(*(f"{k}:{v}" for k, v in sorted(headers.items())))
        if headers
        else "",
        betas=headers.get("anthropic-beta", ""),
        api_key=key,
        auth_token=token,
        secrets=tuple(s for s in hidden if s and len(s) >= _SHORTEST_SECRET),
    )


def require_usable(credentials: Credentials) -> None:
    """Raise MissingKeyError unless the credentials could authenticate a call."""
    if credentials.source == "none":
        raise missing_key(_NO_KEY)
    key = credentials.api_key or credentials.auth_token
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise missing_key(_MANGLED_KEY)


def missing_key(first_line: str) -> MissingKeyError:
    """Return the error that says how to set a key and how to do without one."""
    message = f"""{first_line}
    Set one for this kernel: %env ANTHROPIC_API_KEY=...
    or without showing it:   import os, getpass; \
os.environ["ANTHROPIC_API_KEY"] = getpass.getpass()
    (an Anthropic profile or ANTHROPIC_AUTH_TOKEN works too).
    To try it offline and free: %config CostRoute.provider = 'simulated'
    Docs: the README's section 'A key'."""
    lines = "\n".join(line.strip() for line in message.splitlines())
    return MissingKeyError(lines, provider="anthropic")


def normal_url(url: str) -> str:
    """Return a URL in its one spelling: no user, password, default port or last slash.

    Raises
    ------
    ConfigurationError
        If it is no http or https URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    scheme = parts.scheme.lower()
    if not host or scheme not in _DEFAULT_PORTS:
        message = "ANTHROPIC_BASE_URL is no URL: it must start with https:// or http://"
        raise ConfigurationError(message)
    name = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{name}{shown}{parts.path.rstrip('/')}"


def _static_credential(api_key: str | None) -> tuple[str | None, str | None]:
    key = (api_key or os.environ.get("ANTHROPIC_API_KEY") or "").strip()
    if key:
        return key, None
    return None, os.environ.get("ANTHROPIC_AUTH_TOKEN", "").strip() or None


def _source(
    key: str | None, token: str | None, headers: dict[str, str]
) -> tuple[str, tuple[str, ...], str | None]:
    """Return where the credential comes from, what identifies it, and its URL."""
    if key or token:
        return ("key" if key else "token"), (key or token or "",), None
    if os.environ.get("ANTHROPIC_PROFILE"):
        return _profile(os.environ["ANTHROPIC_PROFILE"])
    rule = [os.environ.get(name, "") for name in _FEDERATION]
    if all(rule) and any(os.environ.get(name) for name in _IDENTITY):
        return (
            "identity token",
            (*rule, os.environ.get("ANTHROPIC_WORKSPACE_ID", "")),
            None,
        )
    name = _active_profile()
    if name is not None:
        return _profile(name)
    if _AUTH_HEADERS & headers.keys():
        return "headers", (), None  # the digest of all headers tells accounts apart
    return "none", (), None


def _config_dir() -> Path:
    given = os.environ.get("ANTHROPIC_CONFIG_DIR")
    if given:
        return Path(given)
    if sys.platform == "win32":
        roaming = os.environ.get("APPDATA")
        home = Path(roaming) if roaming else Path.home() / "AppData" / "Roaming"
        return home / "Anthropic"
    return Path.home() / ".config" / "anthropic"


def _active_profile() -> str | None:
    """Return the profile that is chosen on disk, if its file is there."""
    folder = _config_dir()
    try:
        name = (folder / "active_config").read_text("utf-8").strip() or "default"
    except (OSError, UnicodeDecodeError):
        name = "default"
    try:
        return name if (folder / "configs" / f"{name}.json").is_file() else None
    except (OSError, ValueError):
        return None


def _profile(name: str) -> tuple[str, tuple[str, ...], str | None]:
    config = _profile_config(name)
    fields = ("base_url", "organization_id", "workspace_id")
    url, organization, workspace = (str(config.get(key) or "") for key in fields)
    known = (str(_config_dir()), name, organization, workspace)
    return "profile", known, url or None


def _profile_config(name: str) -> dict[str, Any]:
    """Return a profile's configuration, which holds no secret; empty if unreadable."""
    try:
        text = (_config_dir() / "configs" / f"{name}.json").read_text("utf-8")
        config = json.loads(text)
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _custom_headers(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.split("\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _digest(*parts: str) -> str:
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
