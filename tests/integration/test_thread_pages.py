"""`%route thread` over a real session: what is listed, shown and cleared."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.error import UsageError

from costroute_nb.core.thread import Thread
from costroute_nb.notebook.threads import Transcript, thread, transcript
from costroute_nb.notebook.views import Page
from costroute_nb.session import Session


@pytest.fixture
def session(home: object) -> Iterator[Session]:
    """Give the test a session whose answers are simulated, and its notebook's part."""
    with Session(provider="simulated") as session:
        yield session


def run(session: Session, line: str) -> Any:
    """Return what a line of `%route thread` shows."""
    face: Any = SimpleNamespace(session=lambda: session)
    return thread(face, line)


def ask(session: Session, prompt: str, name: str = "trip", **options: Any) -> None:
    session.route(prompt, thread=name, **options)


def test_without_threads_the_list_says_how_to_begin_one(session: Session) -> None:
    assert "%%route --thread NAME" in str(run(session, ""))
    assert str(run(session, "clear --all")) == "no threads to clear"


def test_the_list_has_each_thread_with_its_size_and_last_model(
    session: Session,
) -> None:
    ask(session, "Summarize: Oslo is cold in winter.")
    ask(session, "Summarize: Lima is mild.", tier="large")
    ask(session, "Summarize: the other one.", name="other talk")
    page = run(session, "list")
    assert page.columns[:4] == ("thread", "messages", "about tokens", "left out")
    first, second = page.rows
    assert (first[0], first[1], first[4]) == ("trip", "4", "claude-opus-5-5")
    assert (second[0], second[1], second[5]) == ("other talk", "2", "nothing")
    assert 10 < int(first[2]) < 500


def test_a_thread_shows_every_message_and_marks_what_is_left_out() -> None:
    found = Thread(
        "t",
        (
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "one"},
            {"role": "user", "content": "second"},
            {"role": "assistant", "content": "two"},
        ),
        frozenset({0, 1}),
    )
    shown = transcript(found)
    assert str(shown) == (
        "thread t: 4 messages, 2 left out of the last call\n\n[1 user, left out]\nfirst\n\n"
        "[2 assistant, left out]\none\n\n[3 user]\nsecond\n\n[4 assistant]\ntwo"
    )


def said(text: Any, role: str = "assistant") -> Transcript:
    """Return the transcript of one message."""
    return transcript(Thread("t", ({"role": role, "content": text},)))


def test_what_a_model_said_is_disarmed_and_what_was_typed_is_shown_as_typed() -> None:
    model = said("*Hi* <script>x</script>\x1b[1m").bundle()
    assert "*Hi* &lt;script>" in model["text/markdown"]
    assert "\x1b" not in "".join(model.values())
    typed = said("*Hi* <b>\n```\n$x$", "user").bundle()["text/markdown"]
    assert "````text\n*Hi* <b>\n```\n$x$\n````" in typed


def test_a_long_message_is_shown_by_its_ends() -> None:
    text = "a" * 5_000 + "z"
    shown = str(said(text))
    assert "[3,801 characters not shown]" in shown
    assert shown.endswith("az")
    assert len(shown) < 1_400


def test_blocks_of_a_message_are_told_apart() -> None:
    content = [
        {"type": "text", "text": "look"},
        {"type": "tool_use", "id": "1", "name": "search", "input": {"q": "é"}},
        {"type": "tool_result", "tool_use_id": "1", "content": "found"},
        {"type": "tool_result", "content": [{"type": "text", "text": "more"}]},
    ]
    assert str(said(content)).endswith(
        'look\n\n[uses the tool search: {"q": "é"}]\n\n[result of a tool] found\n\n'
        "[result of a tool] more"
    )


def test_the_name_of_a_thread_means_itself() -> None:
    found = transcript(Thread("<b>*x*</b>"))
    assert "<b>" not in found.bundle()["text/markdown"]
    assert "*x*" not in found.bundle()["text/markdown"]


@pytest.mark.parametrize("name", ["trip", '"trip"', "'trip'"])
def test_a_thread_is_named_with_quotes_or_without(session: Session, name: str) -> None:
    ask(session, "Summarize: Oslo is cold.")
    assert run(session, f"show {name}").head == "thread trip: 2 messages"


def test_one_thread_is_cleared_and_the_others_stay(session: Session) -> None:
    ask(session, "Summarize: Oslo is cold.")
    ask(session, "Summarize: Lima is mild.", name="the other")
    cleared = run(session, "clear the other")
    assert isinstance(cleared, Page)
    assert str(cleared) == "thread the other: 2 messages forgotten"
    assert session.threads() == ("trip",)
    assert str(run(session, "clear --all")) == "thread trip: 2 messages forgotten"
    assert session.threads() == ()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("clear", "thread clear NAME or --all; there are trip"),
        ("show", "thread show NAME; there are trip"),
        ("show tripp", r"no thread 'tripp' \(did you mean trip\?\)"),
        ("clear tri", r"no thread 'tri' \(did you mean trip\?\)"),
        ("show --all", "no thread '--all'"),
        ("lst", r"thread 'lst' \(did you mean list\?\): list, show or clear"),
        ("list trip", "takes nothing more"),
    ],
)
def test_nothing_is_cleared_by_mistake(
    session: Session, line: str, complaint: str
) -> None:
    ask(session, "Summarize: Oslo is cold.")
    with pytest.raises(UsageError, match=complaint):
        run(session, line)
    assert session.threads() == ("trip",)
