"""Jobs from many threads run in order, one at a time, and nobody waits for another."""

import threading

import pytest

from costroute_nb.notebook.mailbox import Mailbox


def test_a_job_has_run_when_posting_returns() -> None:
    done: list[int] = []
    Mailbox().post(lambda: done.append(1))
    assert done == [1]


def test_a_job_that_posts_is_followed_by_what_it_posted() -> None:
    mailbox = Mailbox()
    order: list[str] = []

    def first() -> None:
        mailbox.post(lambda: order.append("second"))
        order.append("first")

    mailbox.post(first)
    assert order == ["first", "second"]


def test_a_thread_that_posts_into_a_running_job_does_not_wait_for_it() -> None:
    mailbox = Mailbox()
    order: list[str] = []
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        assert go_on.wait(10)
        order.append("slow")

    runner = threading.Thread(target=mailbox.post, args=(slow,))
    runner.start()
    assert began.wait(10)
    mailbox.post(lambda: order.append("posted"))  # would hang if it waited
    assert order == []
    go_on.set()
    runner.join(10)
    assert order == ["slow", "posted"]


def test_jobs_of_many_threads_never_overlap_and_none_is_lost() -> None:
    mailbox = Mailbox()
    inside, overlaps, done = [0], [0], []

    def job(number: int) -> None:
        inside[0] += 1
        overlaps[0] += inside[0] > 1
        done.append(number)
        inside[0] -= 1

    def post(start: int) -> None:
        for number in range(start, start + 200):
            mailbox.post(lambda number=number: job(number))  # type: ignore[misc]

    threads = [threading.Thread(target=post, args=(k * 200,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert overlaps == [0]
    assert sorted(done) == list(range(1600))
    for k in range(8):  # each thread's own jobs kept their order
        mine = [number for number in done if number // 200 == k]
        assert mine == sorted(mine)


def test_a_failing_job_raises_and_the_others_still_run() -> None:
    mailbox = Mailbox()
    done: list[str] = []

    def fails() -> None:
        mailbox.post(lambda: done.append("after"))
        raise ValueError("no such limit")

    with pytest.raises(ValueError, match="no such limit"):
        mailbox.post(fails)
    assert done == ["after"]
    mailbox.post(lambda: done.append("later"))
    assert done == ["after", "later"]
