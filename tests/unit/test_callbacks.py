"""Whoever asked is called back, until they end it, whatever the others do."""

import logging

import pytest

from costroute_nb.callbacks import Callbacks


def test_each_subscription_is_called_until_it_is_ended() -> None:
    heard: list[int] = []
    callbacks = Callbacks[int]("a test")
    end = callbacks.add(heard.append)
    callbacks.add(heard.append)
    callbacks.tell(1)
    end()
    end()
    callbacks.tell(2)
    assert heard == [1, 1, 2]


def test_a_callback_that_raises_is_logged_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[int] = []

    def fails(_: int) -> None:
        raise ValueError

    callbacks = Callbacks[int]("a test")
    callbacks.add(fails)
    callbacks.add(heard.append)
    with caplog.at_level(logging.WARNING, "costroute_nb.callbacks"):
        callbacks.tell(3)
    assert heard == [3]
    assert "a callback of a test raised" in caplog.text


def test_a_callback_may_end_itself() -> None:
    heard: list[int] = []
    callbacks = Callbacks[int]("a test")

    def once(value: int) -> None:
        heard.append(value)
        end()

    end = callbacks.add(once)
    callbacks.tell(1)
    callbacks.tell(2)
    assert heard == [1]
