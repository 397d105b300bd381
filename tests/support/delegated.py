"""Judge an answer by what a delegated task promised of it."""

from dataclasses import replace

from costroute_nb.core.call import Call
from costroute_nb.core.delegation import DelegatedTask
from costroute_nb.core.result import Result
from costroute_nb.core.validation import Verdict, judge
from tests.support.results import ANSWER


def said(text: str) -> Result:
    """Return a complete answer of this text."""
    return replace(ANSWER, text=text)


def judged(task: DelegatedTask, text: str) -> Verdict:
    """Return what becomes of a complete answer to a task."""
    call = Call(
        prompt=task.prompt, typed=task.typed, promise=task.promise, tidy=task.tidy
    )
    return judge(call, said(text))
