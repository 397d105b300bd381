"""Every setting: its name, its default, and what values it takes."""

import re
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from costroute_nb.core.budget import Limits, OnLimit

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Format = Literal["markdown", "text", "json", "code"]
PROVIDERS = ("anthropic", "simulated")
CLASSIFIERS = ("rules", "learned", "both")
"""What `classifier` may say besides the name of an installed one."""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(value: float | str | timedelta) -> float:
    """Return a duration in seconds: a number, a timedelta, or text such as `30m`, `2d`.

    Raises
    ------
    ValueError
        If it is neither, or negative.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([smhd]?)\s*", str(value))
    if found is None:
        message = f"{value!r} is not a duration: use seconds, or 90s, 30m, 1h, 2d"
        raise ValueError(message)
    return float(found.group(1)) * _UNITS[found.group(2)]


class Secret(str):
    """Text that never shows itself: not in a repr, nor in `%config CostRoute`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'(secret)'"


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting by name; the same names are the traits of `%config CostRoute`."""

    provider: str = _setting("anthropic", "who answers: anthropic or simulated")
    home: str | None = _setting(
        None, "directory of cache and ledger (none: the system's user data directory)"
    )
    cache_url: str | None = _setting(None, "directory of the cache (none: home/cache)")
    ledger_url: str | None = _setting(
        None, "path of the ledger (none: home/ledger.sqlite3)"
    )
    timezone: str | None = _setting(
        None, "IANA zone whose days and months the limits count (none: the system's)"
    )
    call_limit: float | None = _setting(1.0, "most USD for one call, all attempts")
    session_limit: float | None = _setting(10.0, "most USD for one session")
    day_limit: float | None = _setting(None, "most USD a day, for the whole ledger")
    month_limit: float | None = _setting(None, "most USD a month, for the whole ledger")
    alert_at: float = _setting(0.8, "fraction of a limit at which to warn")
    single_call_alert: float | None = _setting(0.5, "USD above which one call alerts")
    alert_urls: str | None = _setting(
        None, "Apprise URLs that alerts go to, separated by blanks or commas"
    )
    on_limit: OnLimit = _setting(  # noqa: RUF009 -- it is dataclasses.field
        "stop", "stop at a limit, or degrade: smaller models answer near it"
    )
    classifier: str = _setting(
        "both",
        "what chooses the tier: rules, learned (floors and your own rules still come "
        "first), both, or the name of an installed classifier",
    )
    max_failure: float = _setting(
        0.2,
        "estimated share of failures up to which a tier is good enough; not used where "
        "a schema or check can reject the answer: there the least expected cost decides",
    )
    max_tokens: int = _setting(4096, "cap on answer tokens when a call names none")
    context_tokens: int | None = _setting(
        None, "most tokens of a prompt: older steps are left out to fit"
    )
    ttl: float = _setting(3600.0, "seconds an answer is kept and accepted")
    cache_size: int = _setting(2**28, "most bytes of cached answers on disk")
    format: Format = _setting(  # noqa: RUF009 -- it is dataclasses.field
        "markdown", "how answers are shown"
    )
    stream: bool = _setting(True, "whether answers are shown while they arrive")
    workflow: str | None = _setting(None, "workflow that calls are booked under")
    step: str | None = _setting(None, "step that calls are booked under")
    attempts: int = _setting(3, "most tries of a call that meets provider failures")
    max_wait: float = _setting(60.0, "most seconds of waiting for such tries")
    budget_wait: float = _setting(30.0, "most seconds to wait for held money to clear")
    timeout: float = _setting(600.0, "seconds without a sign of life from a provider")
    durable: bool = _setting(
        False, "sync the ledger at every row, so that a power cut loses none"
    )

    def __post_init__(self) -> None:
        if self.alert_urls is not None:
            object.__setattr__(self, "alert_urls", Secret(self.alert_urls))
        _ = self.limits
        for complaint in (self._wrong_number(), self._wrong_word()):
            if complaint:
                raise ValueError(complaint)
        if self.timezone is not None:
            _zone(self.timezone)

    def _wrong_number(self) -> str | None:
        for name in ("max_tokens", "attempts", "context_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                return f"{name} must be at least 1, not {value}"
        for name in ("ttl", "cache_size", "max_wait", "budget_wait"):
            if not getattr(self, name) >= 0:
                return f"{name} cannot be negative: {getattr(self, name)}"
        if not 0 <= self.max_failure <= 1:
            return f"max_failure is a share from 0 to 1, not {self.max_failure}"
        if not self.timeout > 0:
            return f"timeout must be above 0 s, not {self.timeout}"
        return None

    def _wrong_word(self) -> str | None:
        if self.provider not in PROVIDERS:
            return f"provider is one of {', '.join(PROVIDERS)}, not {self.provider!r}"
        if self.format not in get_args(Format):
            return f"format is one of {', '.join(get_args(Format))}"
        for name in ("cache_url", "ledger_url", "home"):
            if "://" in (getattr(self, name) or ""):
                # Never repeated: such an address may hold a password.
                return f"{name} is a path on this machine, not an address"
        return None

    @property
    def limits(self) -> Limits:
        """The four limits and what they do."""
        return Limits(
            call=self.call_limit,
            session=self.session_limit,
            day=self.day_limit,
            month=self.month_limit,
            alert_at=self.alert_at,
            on_limit=self.on_limit,
        )

    @property
    def zone(self) -> "ZoneInfo":
        """The time zone of days and months."""
        return _zone(self.timezone) if self.timezone else _system_zone()

    @property
    def home_path(self) -> Path:
        """The directory that holds what is kept."""
        if self.home is not None:
            return Path(self.home).expanduser().absolute()
        import platformdirs

        return Path(platformdirs.user_data_dir("costroute", appauthor=False))

    @property
    def cache_path(self) -> Path:
        """The directory of the cache."""
        if self.cache_url is not None:
            return Path(self.cache_url).expanduser().absolute()
        return self.home_path / "cache"

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger."""
        if self.ledger_url is not None:
            return Path(self.ledger_url).expanduser().absolute()
        return self.home_path / "ledger.sqlite3"


DEFAULTS = Settings()
NAMES = tuple(f.name for f in fields(Settings))
_HINTS = get_type_hints(Settings)


def parse(name: str, value: Any) -> Any:
    """Return a setting's value from text or from a loosely typed source.

    Raises
    ------
    ValueError
        If it is of the wrong type.
    """
    kinds = get_args(_HINTS[name]) or (_HINTS[name],)
    if name == "alert_urls" and isinstance(value, (list, tuple)):
        value = " ".join(map(str, value))
    if value is None or (isinstance(value, str) and value.lower() in ("", "none")):
        if type(None) in kinds:
            return None
        message = f"{name} cannot be none"
        raise ValueError(message)
    if name in ("ttl", "max_wait", "budget_wait", "timeout"):
        return seconds(value)
    for kind, convert in ((bool, _bool), (int, _int), (float, _float)):
        if kind in kinds:
            return convert(name, value)
    return str(value)


def _bool(name: str, value: object) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "0": False,
        "false": False,
        "no": False,
    }
    try:
        return value if isinstance(value, bool) else words[str(value).lower()]
    except KeyError:
        message = f"{name} is true or false, not {value!r}"
        raise ValueError(message) from None


def _int(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        message = f"{name} is a whole number, not {value!r}"
        raise ValueError(message) from None


def _float(name: str, value: object) -> float:
    try:
        return float(str(value).strip().removeprefix("$"))
    except ValueError:
        message = f"{name} is a number, not {value!r}"
        raise ValueError(message) from None


def _zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"timezone {name!r} is not an IANA zone such as Europe/Berlin"
        raise ValueError(message) from None


def _system_zone() -> "ZoneInfo":
    """Return the system's zone by name, so that its daylight saving is known."""
    from zoneinfo import ZoneInfo

    import tzlocal

    return ZoneInfo(tzlocal.get_localzone_name() or "UTC")
