"""Which tier a prompt needs: rules kept as data, floors first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

from costroute_nb.core import tables
from costroute_nb.core.catalog import TIERS, Tier, higher_tier, tier_rank
from costroute_nb.core.messages import Effort, Thinking
from costroute_nb.core.tables import Path, Table, TableError
from costroute_nb.core.vocabulary import Vocabulary, windows

if TYPE_CHECKING:
    from costroute_nb.core.learned import Estimate
    from costroute_nb.core.offsets import Offsets


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that decide a tier; a `floor` may be raised, never lowered by cost.

    `match` and `no_match` are texts for `check_examples`; a `user` rule comes from
    the user's own file.
    """

    name: str
    task: str
    tier: Tier
    floor: bool
    reason: str
    words: tuple[str, ...]
    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()
    user: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """How a kind of work is asked for, and how many tokens its answer may take."""

    name: str
    thinking: Thinking
    effort: Effort | None
    expected_output_tokens: int


@dataclass(frozen=True, slots=True)
class SizeRule:
    """The least tier of prompts with more than `large_context_tokens` tokens."""

    large_context_tokens: int
    tier: Tier
    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What one rules file says; a user's file need not say all of it."""

    rules: tuple[Rule, ...] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    size: SizeRule | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """Which tier a prompt needs and why.

    `confidence` is of rules a convention: 0.9 for a phrase, two entries or a size, 0.7
    for a single word, 0.5 where nothing decided; of an estimate the calibrated chance
    that the tier does not fail (of large nobody estimates it: 0.5, too). `reason` names
    at most three words of the vocabulary, or a domain, never the user's text. Cost or
    an estimate may not lower the tier where `floor` is true. `input_tokens` is the
    estimated size of everything sent.

    Where an estimate decided, `p_..._fails` are the chances that answers of these tiers
    fail, and both at this prompt, after the `offsets`; `estimate` is as it was said,
    before them. `known_domain` tells whether the estimator knows such prompts, None
    where it was not asked.
    """

    tier: Tier
    task: str
    confidence: float
    reason: str
    rule: str | None
    floor: bool
    input_tokens: int
    p_small_fails: float | None = None
    p_medium_fails: float | None = None
    p_both_fail: float | None = None
    known_domain: bool | None = None
    estimate: "Estimate | None" = None
    offsets: "Offsets | None" = None


class RuleClassifier:
    """Classify prompts by rules in the order given (see `arrange`) and by size.

    Raises
    ------
    ValueError
        If an entry of a rule's words cannot be read.
    """

    def __init__(self, rules: Sequence[Rule], size: SizeRule | None) -> None:
        self.rules, self.size = tuple(rules), size
        self._vocabulary = Vocabulary([rule.words for rule in self.rules])

    def classify(
        self, text: str, *, values: Sequence[str] = (), input_tokens: int = 0
    ) -> Classification:
        """Return the class of a prompt as typed, with its placeholders left in.

        `values` are what fills them, read when the text has fewer than four words of
        its own; `input_tokens` is the size of all that is sent.
        """
        found = self._vocabulary.find(windows(text, values))
        hits = [hit for hit in zip(self.rules, found, strict=True) if hit[1]]
        size = self.size
        if size is not None and input_tokens <= size.large_context_tokens:
            size = None
        if not hits:
            if size is not None:
                reason = size.reason
                return Classification(
                    size.tier, size.task, 0.9, reason, size.task, False, input_tokens
                )
            reason = "no rule matched"
            return Classification(
                "medium", "general", 0.5, reason, None, False, input_tokens
            )
        rule, entries = _strongest(hits)
        reason = f"{rule.reason} ({', '.join(entries[:3])})"
        tier = rule.tier
        if size is not None and higher_tier(tier, size.tier) != tier:
            tier, reason = size.tier, f"{reason}; {size.reason}"
        return Classification(
            tier=tier,
            task=rule.task,
            confidence=0.9 if len(entries) > 1 or " " in entries[0] else 0.7,
            reason=reason,
            rule=rule.name,
            floor=any(rule.floor for rule, _ in hits),
            input_tokens=input_tokens,
        )


def _strongest(hits: Sequence[tuple[Rule, list[str]]]) -> tuple[Rule, list[str]]:
    """Return the first hit in order, or a floor that is no weaker than that."""
    best = next((hit for hit in hits if not hit[0].floor), hits[0])
    for hit in reversed(hits):
        if hit[0].floor and tier_rank(hit[0].tier) >= tier_rank(best[0].tier):
            best = hit
    return best


def arrange(builtin: Iterable[Rule], user: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return all rules in order: built-in floors, the user's rules, the other built-in.

    A user's rule stands for the built-in one of its name. In place of a floor it may
    raise the tier and add words; the floor's own words stay.

    Raises
    ------
    TableError
        If a user's rule would lower, lift or hollow out a built-in floor.
    """
    own = {rule.name: (number, rule) for number, rule in enumerate(user)}
    floors, others = [], []
    for rule in builtin:
        if rule.floor:
            floors.append(_raised(rule, *own.pop(rule.name, (0, rule))))
        elif rule.name not in own:
            others.append(rule)
    return (*floors, *(rule for _, rule in own.values()), *others)


def _raised(floor: Rule, number: int, rule: Rule) -> Rule:
    if rule is floor:
        return floor
    if not rule.floor or tier_rank(rule.tier) < tier_rank(floor.tier):
        message = (
            f"{floor.name!r} is a built-in floor at {floor.tier}: a rule of that name "
            f"must say floor = true and a tier of at least {floor.tier}"
        )
        raise TableError(message, ("rules", number))
    if any(entry.startswith("!") for entry in rule.words):
        message = f"{floor.name!r} is a built-in floor: no entry with `!` may weaken it"
        raise TableError(message, ("rules", number, "words"))
    return replace(rule, words=tuple(dict.fromkeys((*floor.words, *rule.words))))


def check_examples(rule: Rule) -> list[str]:
    """Return one complaint for each example that the rule's words get wrong."""
    vocabulary = Vocabulary([rule.words])
    return [
        f"rule {rule.name!r} {'must' if wanted else 'must not'} match {text!r}"
        for wanted, texts in ((True, rule.match), (False, rule.no_match))
        for text in texts
        if any(vocabulary.find(windows(text))) != wanted
    ]


def parse_rules(
    table: Table, *, tasks: Iterable[str] = (), user: bool = False
) -> RuleSet:
    """Return what a parsed rules file says.

    `tasks` are names defined elsewhere that its rules may use; `user` marks the rules
    as the user's own.

    Raises
    ------
    TableError
        At the first entry that cannot be used.
    """
    tables.check_keys(table, ("rules", "tasks", "size"))
    named = tables.get_table(table, "tasks", (), {})
    found = {name: _task(name, named) for name in named}
    known = {*tasks, *found}
    rules: dict[str, Rule] = {}
    for number, entry in enumerate(tables.get_tables(table, "rules")):
        rule = _rule(entry, ("rules", number), user)
        if rule.name in rules:
            message = f"there is a rule named {rule.name!r} already"
            raise TableError(message, ("rules", number, "name"))
        _check_task(rule.task, known, ("rules", number, "task"))
        rules[rule.name] = rule
    size = _size(tables.get_table(table, "size")) if "size" in table else None
    if size:
        _check_task(size.task, known, ("size", "task"))
    return RuleSet(tuple(rules.values()), found, size)


def _rule(table: Table, path: Path, user: bool) -> Rule:
    names = ("name", "task", "tier", "floor", "reason", "words", "match", "no_match")
    tables.check_keys(table, names, path)
    name = tables.get_str(table, "name", path)
    words = tables.get_strings(table, "words", path)
    if not words:
        message = "a rule without words matches nothing: give at least one"
        raise TableError(message, (*path, "words"))
    for number, entry in enumerate(words):
        try:
            Vocabulary([[entry]])
        except ValueError as error:
            raise TableError(str(error), (*path, "words", number)) from None
    return Rule(
        name=name,
        task=tables.get_str(table, "task", path, "general"),
        tier=tables.get_choice(table, "tier", TIERS, path),
        floor=tables.get_bool(table, "floor", path, False),
        reason=tables.get_str(table, "reason", path, name),
        words=words,
        match=tables.get_strings(table, "match", path, ()),
        no_match=tables.get_strings(table, "no_match", path, ()),
        user=user,
    )


def _task(name: str, named: Table) -> Task:
    path: Path = ("tasks", name)
    table = tables.get_table(named, name, ("tasks",))
    tables.check_keys(table, ("thinking", "effort", "expected_output_tokens"), path)
    return Task(
        name=name,
        thinking=tables.get_choice(table, "thinking", get_args(Thinking), path, "auto"),
        effort=tables.get_choice(table, "effort", get_args(Effort), path, None),
        expected_output_tokens=tables.get_int(
            table, "expected_output_tokens", path, minimum=1
        ),
    )


def _size(table: Table) -> SizeRule:
    path: Path = ("size",)
    names = ("large_context_tokens", "tier", "task", "reason")
    tables.check_keys(table, names, path)
    return SizeRule(
        large_context_tokens=tables.get_int(table, "large_context_tokens", path),
        tier=tables.get_choice(table, "tier", TIERS, path),
        task=tables.get_str(table, "task", path),
        reason=tables.get_str(table, "reason", path),
    )


def _check_task(task: str, known: Iterable[str], path: Path) -> None:
    known = set(known)
    if task not in known:
        message = f"there is no task {task!r}{tables.close_to(task, known)}"
        raise TableError(message, path)
