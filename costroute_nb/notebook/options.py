"""The options of `%%route` and `%route` as one table, from which everything comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from costroute_nb.core.budget import OnLimit
from costroute_nb.core.messages import Effort
from costroute_nb.core.report import GROUPINGS
from costroute_nb.settings import Format

Kind = Literal[
    "flag", "word", "number", "fraction", "usd", "limit", "time", "since", "text",
    "expression", "variable", "tier", "model", "provider", "thread", "task", "effort",
    "format", "grouping", "on_limit",
]  # fmt: skip
FORMATS: tuple[str, ...] = get_args(Format)
ON_LIMIT: tuple[str, ...] = get_args(OnLimit)
EFFORTS: tuple[str, ...] = get_args(Effort)

CHOICES: Mapping[Kind, tuple[str, ...]] = {
    "effort": EFFORTS,
    "format": FORMATS,
    "grouping": GROUPINGS,
    "on_limit": ON_LIMIT,
}
"""The kinds of values of which there are a few, always the same."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: how it is written, what it means, and what it sets.

    `key` is a keyword of `Session.call`, or one of the face's own (`FACE_KEYS`);
    `sets` is what a flag sets it to.
    """

    name: str
    key: str
    kind: Kind
    metavar: str
    help: str
    sets: bool = True

    @property
    def usage(self) -> str:
        """How the option is written."""
        return f"{self.name} {self.metavar}".strip()


OPTIONS = (
    Option("--tier", "tier", "tier", "T", "small, medium or large, or a model line"),
    Option("--floor", "floor", "tier", "T", "at least this tier"),
    Option("--ceiling", "ceiling", "tier", "T", "at most this tier"),
    Option("--model", "model", "model", "ID", "exactly this model"),
    Option("--provider", "provider", "provider", "NAME", "who answers"),
    Option("--raw", "raw", "flag", "", "send {{name}} as it is written"),
    Option("--system", "system", "text", "TEXT", "system prompt: \"text\" or a variable"),
    Option("--context", "context", "variable", "NAME", "what comes before the prompt: "
           "a variable with text or a list of {role, content}"),
    Option("--thread", "thread", "thread", "NAME", "go on with the conversation of that "
           "name"),
    Option("--context-tokens", "context_tokens", "number", "N", "most tokens of the "
           "prompt: older steps of thread and context are left out to fit"),
    Option("--max-tokens", "max_tokens", "number", "N", "cap on the answer's tokens"),
    Option("--effort", "effort", "effort", "E", f"{', '.join(EFFORTS)}: how hard the "
           "model thinks"),
    Option("--schema", "schema", "variable", "NAME", "a variable with a JSON schema or "
           "a type: pydantic model, TypedDict, dataclass, or list[NAME] of one; the "
           "answer's data follows it"),
    Option("--task", "task", "task", "NAME[:N]", "delegate the cell as material: "
           "summarize:200 words, rewrite:60 characters, extract_json with --schema, or "
           "your own"),
    Option("--max-cost", "max_cost", "usd", "USD", "most that all attempts may cost, "
           "0.05 or $0.05"),
    Option("--dry-run", "dry_run", "flag", "", "show the plan, send nothing"),
    Option("--no-cache", "cache", "flag", "", "neither read nor write the cache", False),
    Option("--fresh", "fresh", "flag", "", "ask again and replace the cached answer"),
    Option("--ttl", "ttl", "time", "TIME", "keep and accept answers so long: 90s, 30m, "
           "1h, 2d"),
    Option("--check", "check", "expression", "EXPR", "Python over text, data, result and "
           "your variables; falsy rejects the answer"),
    Option("--no-escalate", "escalate", "flag", "", "stop at the first candidate", False),
    Option("--format", "format", "format", "F", f"{', '.join(FORMATS)}"),
    Option("--no-stream", "stream", "flag", "", "show the answer when it is whole", False),
    Option("--quiet", "quiet", "flag", "", "show nothing; the result is in _"),
    Option("--workflow", "workflow", "word", "W", "what the ledger books it under"),
    Option("--step", "step", "word", "S", "and which step of it"),
)  # fmt: skip

AT_LIMIT: Mapping[OnLimit, str] = {
    "stop": "at the limit calls stop",
    "degrade": "near a limit smaller models answer, at the limit calls stop",
}
"""What a limit does to calls, in the same words wherever it is said."""

_BACK = "so far back or since a day: 5m, 12h, 30d, 2026-11-01"
_SINCE = Option("--since", "since", "since", "TIME", f"only {_BACK}")
LOG_OPTIONS = (
    Option("--today", "today", "flag", "", "all sessions, since midnight"),
    Option("--month", "month", "flag", "", "all sessions, this calendar month"),
    Option("--all", "all", "flag", "", "all sessions on this ledger"),
    replace(_SINCE, help=f"all sessions, only {_BACK}"),
)
BUDGET_OPTIONS = (
    Option("--call", "call", "limit", "USD", "most for one call, or none"),
    Option("--session", "session", "limit", "USD", "most for this session, or none"),
    Option("--day", "day", "limit", "USD", "most a day on this ledger, or none"),
    Option("--month", "month", "limit", "USD", "most a month on this ledger, or none"),
    Option("--alert-at", "alert_at", "fraction", "0.8", "fraction at which to warn"),
    Option(
        "--on-limit",
        "on_limit",
        "on_limit",
        "|".join(ON_LIMIT),
        "; ".join(f"{name}: {what}" for name, what in AT_LIMIT.items()),
    ),
    Option("--stop", "stop", "flag", "", "refuse every new request of this session"),
    Option("--resume", "resume", "flag", "", "let the limits alone decide again"),
)
REPORT_OPTIONS = (
    Option("--by", "by", "grouping", "G", f"{', '.join(GROUPINGS)}"),
    _SINCE,
    Option("--html", "html", "word", "FILE", "also write a page that needs no network"),
    Option("--csv", "csv", "word", "FILE", "also write the table"),
)
ADVISE_OPTIONS = (_SINCE,)

FACE_KEYS = frozenset({"raw", "dry_run", "format", "stream", "quiet"})


def help_lines(options: Sequence[Option] = OPTIONS) -> list[str]:
    """Return one line of help per option, aligned."""
    width = max(len(option.usage) for option in options)
    return [f"{option.usage:<{width}}  {option.help}" for option in options]
