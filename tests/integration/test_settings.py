"""Settings from real files and a real environment."""

import subprocess
import sys
from pathlib import Path

import pytest

from costroute_nb.errors import ConfigurationError
from costroute_nb.settings import DEFAULTS, NAMES, Settings, parse, seconds
from costroute_nb.sources import resolve


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory inside a repository."""
    folder = tmp_path / "repo" / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder.parent


def write_config(home: Path, text: str) -> None:
    folder = home / ".config" / "costroute"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)


def write_project(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.costroute]\n{text}")


def test_without_any_source_the_defaults_hold(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COSTROUTE_CLASSIFIER")
    # The suite itself points the home at a directory of its own.
    assert resolve() == Settings(home=resolve().home)
    assert (DEFAULTS.call_limit, DEFAULTS.session_limit) == (1.0, 10.0)
    assert (DEFAULTS.day_limit, DEFAULTS.month_limit) == (None, None)


def test_each_source_is_stronger_than_the_one_before(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, 'workflow = "config"')
    write_project(project, 'workflow = "project"')
    monkeypatch.setenv("COSTROUTE_WORKFLOW", "environment")
    assert resolve(session={"workflow": "session"}).workflow == "session"
    assert resolve(config={"workflow": "%config"}).workflow == "%config"
    assert resolve(ipython={"workflow": "ipython"}).workflow == "environment"
    monkeypatch.delenv("COSTROUTE_WORKFLOW")
    assert resolve(ipython={"workflow": "ipython"}).workflow == "ipython"
    assert resolve().workflow == "project"
    (project / "pyproject.toml").unlink()
    assert resolve().workflow == "config"


def test_a_project_may_lower_a_limit(project: Path, home: Path) -> None:
    write_config(home, "session_limit = 5")
    write_project(project, "session_limit = 2\nday_limit = 3\nmax_tokens = 100")
    settings = resolve()
    assert (settings.session_limit, settings.day_limit) == (2.0, 3.0)
    assert settings.max_tokens == 100


def test_a_project_cannot_raise_or_remove_a_limit(
    project: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_config(home, "session_limit = 5")
    write_project(project, 'session_limit = 500\ncall_limit = "none"')
    assert (resolve().session_limit, resolve().call_limit) == (5.0, 1.0)
    assert caplog.text.count("may only lower session_limit") == 1


@pytest.mark.parametrize(
    "line",
    [
        'ledger_url = "/tmp/x"',
        'cache_url = "/tmp/x"',
        'home = "/tmp/x"',
        'provider = "anthropic"',
        'alert_urls = "json://x"',
        'classifier = "rules"',
        "max_failure = 0.9",
        "attempts = 99",
    ],
)
def test_a_project_is_refused_anything_else_by_name(project: Path, line: str) -> None:
    write_project(project, line)
    with pytest.raises(ConfigurationError, match=line.split()[0]):
        resolve()


def test_the_nearest_pyproject_above_the_working_directory_counts(
    project: Path,
) -> None:
    write_project(project, 'workflow = "outer"')
    (project / "notebooks" / "pyproject.toml").write_text("[project]\nname='x'\n")
    assert resolve().workflow is None


def test_an_unknown_name_is_refused_with_the_closest(home: Path) -> None:
    write_config(home, "sesion_limit = 3")
    with pytest.raises(ConfigurationError, match=r"config\.toml.*session_limit"):
        resolve()


def test_an_unknown_variable_of_the_environment_is_somebody_elses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COSTROUTE_SOMETHING", "1")
    resolve()
    assert caplog.text == ""


def test_a_near_miss_in_the_environment_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COSTROUTE_DAY_LIMT", "5")
    resolve()
    resolve()
    assert caplog.text.count("COSTROUTE_DAY_LIMT is not read") == 1
    assert "COSTROUTE_DAY_LIMIT?" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("call_limit", "-1"),
        ("call_limit", "lots"),
        ("max_tokens", "0"),
        ("max_tokens", "1.5"),
        ("attempts", "none"),
        ("ttl", "soon"),
        ("timeout", "0"),
        ("cache_size", "-3"),
        ("stream", "maybe"),
        ("format", "html"),
        ("provider", "acme"),
        ("on_limit", "shout"),
        ("alert_at", "80"),
        ("timezone", "Mars/Olympus"),
    ],
)
def test_a_bad_value_names_its_source(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"COSTROUTE_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match="environment: ") as caught:
        resolve()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["= nonsense", "a = \n"])
def test_a_file_that_is_no_toml_is_named(home: Path, text: str) -> None:
    write_config(home, text)
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read"):
        resolve()


def test_an_unreadable_file_shows_no_directory(home: Path) -> None:
    (home / ".config" / "costroute" / "config.toml").mkdir(parents=True)
    with pytest.raises(ConfigurationError) as caught:
        resolve()
    assert str(home) not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("call_limit", "$0.05", 0.05),
        ("day_limit", "none", None),
        ("day_limit", "", None),
        ("max_tokens", "12", 12),
        ("stream", "no", False),
        ("stream", True, True),
        ("ttl", "1h", 3600.0),
        ("provider", "simulated", "simulated"),
    ],
)
def test_text_becomes_the_settings_type(name: str, text: object, value: object) -> None:
    assert parse(name, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172800), (5, 5), (".5h", 1800)],
)
def test_durations(text: str | float, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "-1", "h", "1w", "1.2.3", "."])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


def test_every_setting_has_its_help() -> None:
    fields = Settings.__dataclass_fields__
    assert all(fields[name].metadata["help"] for name in NAMES)


def test_places_follow_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(home=str(tmp_path))
    assert settings.cache_path == tmp_path / "cache"
    assert settings.ledger_path == tmp_path / "ledger.sqlite3"
    apart = Settings(home="~/x", cache_url="~/c", ledger_url="~/l.db")
    assert apart.home_path == Path.home() / "x"
    assert (apart.cache_path, apart.ledger_path) == (
        Path.home() / "c",
        Path.home() / "l.db",
    )
    assert "costroute" in str(Settings().home_path)


def test_the_zone_is_the_systems_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    # Asked once per process, so another process is asked, and prints it.
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    code = "from costroute_nb.settings import Settings as S; print(S().zone.key)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "Asia/Kolkata"
    assert Settings(timezone="Europe/Berlin").zone.key == "Europe/Berlin"


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan"])
def test_how_much_may_fail_is_a_share(
    share: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTROUTE_MAX_FAILURE", share)
    with pytest.raises(ConfigurationError, match="max_failure is a share from 0 to 1"):
        resolve()


def test_the_classifier_and_what_may_fail_have_their_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COSTROUTE_CLASSIFIER", "learned")
    monkeypatch.setenv("COSTROUTE_MAX_FAILURE", "0.35")
    assert (resolve().classifier, resolve().max_failure) == ("learned", 0.35)
    assert (DEFAULTS.classifier, DEFAULTS.max_failure) == ("both", 0.2)
