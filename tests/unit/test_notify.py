"""The URLs that alerts go to: how they are separated, and that they stay hidden."""

import logging
import sys

import pytest

from costroute_nb.notify import AppriseNotifier, split_urls
from costroute_nb.settings import Settings, parse

SECRET = "json://127.0.0.1:1/CANARY"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (None, ()),
        ("  ", ()),
        ("json://a", ("json://a",)),
        ("json://a tgram://b/c\nslack://d", ("json://a", "tgram://b/c", "slack://d")),
        ("json://a,tgram://b/c, slack://d,", ("json://a", "tgram://b/c", "slack://d")),
        ("mailto://u:p@x?to=a,b,json://c", ("mailto://u:p@x?to=a,b", "json://c")),
    ],
)
def test_urls_are_separated_by_blanks_and_commas(
    text: str | None, urls: tuple[str, ...]
) -> None:
    assert split_urls(text) == urls


def test_a_list_of_urls_is_taken_too() -> None:
    assert split_urls(parse("alert_urls", ["json://a", "json://b"])) == (
        "json://a",
        "json://b",
    )


def test_no_repr_shows_a_url() -> None:
    settings = Settings(alert_urls=SECRET)
    for shown in (repr(settings), repr(settings.alert_urls), str([settings])):
        assert "CANARY" not in shown
    assert "CANARY" not in repr(AppriseNotifier([SECRET]))
    assert split_urls(settings.alert_urls) == (SECRET,)


def test_without_apprise_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with caplog.at_level(logging.DEBUG):
        AppriseNotifier([SECRET, SECRET])
    assert caplog.text.count("pip install costroute_nb[alerts]") == 1
    assert "CANARY" not in caplog.text


def test_apprise_is_not_imported_before_the_first_alert() -> None:
    import subprocess

    code = (
        "import sys, costroute_nb as cr;"
        f"cr.Session(provider='simulated', alert_urls={SECRET!r})"
        ".plan('Rename a to b.');"
        "print('apprise' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
