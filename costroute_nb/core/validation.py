"""Whether an answer may be delivered: complete, in its schema, as promised, checked."""

import ast
import builtins
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from costroute_nb.core.call import AnswerCheck, Call
from costroute_nb.core.messages import Message
from costroute_nb.core.result import Result
from costroute_nb.core.schemas import complaint

Outcome = Literal["accepted", "truncated", "refused", "rejected"]

COMPLETE = frozenset({"end_turn", "stop_sequence"})
_CUT = {
    "max_tokens": "the answer was cut at its token cap",
    "model_context_window_exceeded": "the answer was cut: the context window is full",
}
_UNUSABLE = "This answer cannot be used: "
_MOST_DIGITS = 1000
_BY_TYPE = "it breaks a rule of its type"
_BEGINNING = 12
_TOO_SHORT = 3
_FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*)\n```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one answer: the outcome, why, and the result with its data.

    `reason` may quote the answer or the check and is for the user's eyes; `fact` is
    what the ledger keeps of it, without a word of either. `told` is what its model
    may be told to mend it: what the answer says must not come back as the user's words.
    `check_raised` tells of a check that broke, which says nothing of the answer.
    """

    outcome: Outcome
    result: Result
    reason: str = ""
    fact: str = ""
    told: str = ""
    check_raised: bool = False

    @property
    def repairable(self) -> bool:
        """Whether the model may mend its answer."""
        return bool(self.told)


class OffSchemaError(ValueError):
    """An answer off its schema; `told` says why without a word of the answer."""

    def __init__(self, read: str, told: str) -> None:
        super().__init__(_one_line(read))
        self.told = _one_line(told)


def judge(call: Call, result: Result) -> Verdict:
    """Judge an answer by its stop reason, its schema, its promise and the user's check.

    An exception of the check rejects the answer and names itself; an interrupt
    passes through.
    """
    if result.stop_reason == "refusal":
        return Verdict("refused", result, "the model refused", "refused")
    if result.stop_reason in _CUT:
        reason = _CUT[result.stop_reason]
        return Verdict("truncated", result, reason, reason)
    if result.stop_reason not in COMPLETE:
        reason = f"it stopped for {result.stop_reason}"
        return Verdict("rejected", result, reason, "an unfinished turn")
    if call.tidy is not None:
        result = replace(result, text=call.tidy(result.text))
    if not result.text.strip():
        reason = "the answer is empty"
        return Verdict("rejected", result, reason, reason)
    return _judge_content(call, result)


def _judge_content(call: Call, result: Result) -> Verdict:
    """Judge what a complete answer says."""
    if call.schema is not None:
        try:
            data = parse_answer(result.text, call.schema, call.parse)
        except ValueError as error:
            fact = "off its schema"
            told = error.told if isinstance(error, OffSchemaError) else str(error)
            reason, told = f"{fact}: {error}", f"{fact}: {told}"
            return Verdict("rejected", result, reason, fact, told)
        result = replace(result, data=data, columns=call.columns)
    broken = None if call.promise is None else call.promise(result)
    if broken:
        reason = _one_line(broken)
        return Verdict("rejected", result, reason, "broke its promise", reason)
    if call.check is not None:
        return _checked(call.check, call.check_source, result)
    return Verdict("accepted", result)


def repair_messages(
    messages: Sequence[Message], bad_answer: str, complaint: str
) -> tuple[Message, ...]:
    """Return a conversation with an answer to mend and the complaint about it.

    It ends with the user's words, so nothing is put into the model's mouth. An
    answer without text cannot be a message: the complaint then joins the user's
    last one.

    Raises
    ------
    ValueError
        If the conversation does not end with the user's words.
    """
    if not messages or messages[-1]["role"] != "user":
        message = "a conversation to repair ends with the user's words"
        raise ValueError(message)
    demand = (
        f"{_UNUSABLE}{_sendable(complaint)}. Answer once more, in full and by "
        "all that was asked. Give the answer alone: no apology, and not a word about "
        "the correction."
    )
    if bad_answer.strip():
        said = {"role": "assistant", "content": _sendable(bad_answer)}
        return (*messages, said, {"role": "user", "content": demand})
    *earlier, last = messages
    content = last["content"]
    before = (
        [{"type": "text", "text": content}] if isinstance(content, str) else content
    )
    blocks = [*before, {"type": "text", "text": demand}]
    return (*earlier, {**last, "content": blocks})


def _sendable(text: str) -> str:
    """Return what a model said without halves of characters, which are not sent."""
    return text.encode("utf-8", "replace").decode()


def before_repair(messages: Sequence[Message]) -> Sequence[Message]:
    """Return a conversation without the answer to mend and the complaint about it."""
    demand = messages[-1]["content"] if messages else ""
    demanded = isinstance(demand, str) and demand.startswith(_UNUSABLE)
    answered = len(messages) > 2 and messages[-2]["role"] == "assistant"
    return messages[:-2] if demanded and answered else messages


def parse_answer(
    text: str,
    schema: Mapping[str, Any],
    parse: Callable[[str], Any] | None = None,
) -> Any:
    """Return an answer's data once it satisfies a JSON schema.

    One Markdown fence around the JSON is forgiven: models that do not enforce a
    schema themselves like to add it. `parse` turns the JSON text into a typed object.

    Raises
    ------
    ValueError
        In one line: what is wrong, and where in the answer. An `OffSchemaError` where
        that may quote the answer.
    """
    fenced = _FENCE.match(text)
    source = fenced.group(1) if fenced else text
    try:
        data = json.loads(
            source, parse_constant=_no_json, parse_float=_finite, parse_int=_whole
        )
    except json.JSONDecodeError as error:
        message = f"not JSON ({error.msg} at character {error.pos})"
        raise ValueError(message) from None
    except RecursionError:
        message = "not JSON that can be read (nested too deeply)"
        raise ValueError(message) from None
    try:
        wrong = complaint(schema, data)
    except UnicodeEncodeError:
        message = "it holds half of a character (a lone surrogate)"
        raise ValueError(message) from None
    if wrong:
        raise OffSchemaError(*wrong)
    if parse is None:
        return data
    try:
        return parse(source)
    except ValueError as error:
        read = str(error)
        told = _BY_TYPE if _quotes(read, data, schema) else read
        raise OffSchemaError(read, told) from None


def _quotes(message: str, data: Any, schema: Mapping[str, Any]) -> bool:
    """Tell whether a message has words of an answer that the schema does not have.

    The beginning of each text is looked for: a type may quote as little as that.
    """
    said = message.casefold()
    known = json.dumps(schema, ensure_ascii=False).casefold()
    begun = {text.strip()[:_BEGINNING].casefold() for text in _texts(data)}
    return any(
        len(text) > _TOO_SHORT and text in said and text not in known for text in begun
    )


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        yield from data
        data = list(data.values())
    if isinstance(data, list):
        for one in data:
            yield from _texts(one)


def _no_json(name: str) -> float:
    message = f"not JSON that can be read ({name})"
    raise ValueError(message)


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _no_json(_one_line(number, 20))


def _whole(number: str) -> int:
    # Python itself refuses a little more of them, in words about Python.
    if len(number) > _MOST_DIGITS:
        return int(_no_json(f"a number of {len(number):,} digits"))
    return int(number)


def compile_check(source: str, namespace: Mapping[str, Any]) -> AnswerCheck:
    """Return the check that evaluates an expression with `text`, `data`, `result`.

    An expression that gives a function is the verdict of that function on the result.
    `namespace` is read when the check runs, so later definitions count.

    Raises
    ------
    ValueError
        If the source is not one Python expression, or uses a name that nothing
        defines: better now than after every candidate was paid for.
    """
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError as error:
        message = f"--check {source!r} is not a Python expression: {error.msg}"
        raise ValueError(message) from None
    _require_defined(tree, namespace)
    code = compile(tree, "<check>", "eval")

    def check(result: Result) -> object:
        known = {"text": result.text, "data": result.data, "result": result}
        # One namespace, so that comprehensions and lambdas see all the names.
        value = eval(code, {**namespace, **known})  # noqa: S307 -- the user's own code
        # A function's bare name means its verdict, not that there is a function.
        return value(result) if callable(value) else value

    return check


def _require_defined(tree: ast.Expression, namespace: Mapping[str, Any]) -> None:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    arguments = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    known = {*bound, *arguments, *namespace, *dir(builtins), "text", "data", "result"}
    for node in names:
        if node.id not in known:
            close = get_close_matches(node.id, [*namespace, "text", "data", "result"])
            hint = f"; did you mean {close[0]}?" if close else ""
            message = f"--check uses {node.id!r}, which is not defined{hint}"
            raise ValueError(message)


def _checked(check: AnswerCheck, source: str, result: Result) -> Verdict:
    """Return what the user's check says of an answer."""
    name = source or getattr(check, "__name__", "check")
    try:
        passed = bool(check(result))
    except Exception as error:
        kind = type(error).__name__
        reason = _one_line(f"check {name} raised {kind}: {error}")
        fact = f"check raised {kind}"
        return Verdict("rejected", result, reason, fact, check_raised=True)
    if passed:
        return Verdict("accepted", result)
    reason = _one_line(f"check failed: {name}")
    return Verdict("rejected", result, reason, "check failed")


def _one_line(text: str, most: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
