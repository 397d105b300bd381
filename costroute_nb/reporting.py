"""What a session tells of its ledger: frames, summaries, advice, replays and reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.lever import baseline_in_words
from costroute_nb.core.policy import baseline_model
from costroute_nb.frames import records_frame
from costroute_nb.reports import Scope, build_report, grouped, summary_frame
from costroute_nb.since import beginning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from costroute_nb.core.lever import Levers
    from costroute_nb.core.replay import Policy
    from costroute_nb.core.report import GroupedBy, Report
    from costroute_nb.core.repricing import Repricing
    from costroute_nb.ports import Clock, LedgerStore
    from costroute_nb.reports import By
    from costroute_nb.settings import Settings
    from costroute_nb.since import Since
    from costroute_nb.what_if import ReplayedBy
    from costroute_nb.wiring import Parts

_LOOKS = 3
"""How often a report is drawn up at most, until its parts are of the same moment."""


class Reporting:
    """The part of a session that reads its ledger.

    Every sum is of the session's own pot, simulated or real, and says which. In all
    methods `since` is a day or moment, also as text such as `2026-11-01` (without a
    zone: in the budget's), or how far back: seconds, or text such as `30d`; None is
    everything. Unless `all_sessions` is False, every session on this ledger counts.
    """

    session_id: str
    # Replaced as a whole when settings change: every method looks at it once.
    _parts: Parts
    _clock: Clock

    @property
    def settings(self) -> Settings:
        """The settings in force; `configure` changes them."""
        return self._parts.settings

    @property
    def ledger(self) -> pd.DataFrame:
        """The session's attempts, one row each, in the columns of the ledger."""
        ledger = self._expired(self._parts)
        return records_frame(ledger.records(session_id=self.session_id))

    def history(self, since: Since = None) -> pd.DataFrame:
        """Return the attempts of all sessions on this ledger, of both pots.

        Parameters
        ----------
        since
            A day or moment (without a zone: in the budget's), also as text, or how far
            back: seconds, or text such as `30d`. None is everything.
        """
        parts = self._parts
        start = self._moment(since, parts)
        return records_frame(self._expired(parts).records(since=start))

    def summary(
        self,
        by: By = "workflow",
        since: Since = None,
        *,
        all_sessions: bool = True,
    ) -> pd.DataFrame:
        """Return calls, cost, average, cache-hit rate, models and savings by group.

        The dearest group comes first, days in order; calls without a name are a group
        whose name is missing. `attrs` has `baseline`, which savings are measured
        against, in words, `baseline_model`, which that is today, `simulated` and
        `sessions`.

        Parameters
        ----------
        by
            `workflow`, `step`, `model`, `tier`, `notebook` or `day` of the budget's zone,
            or a list of several, such as `["workflow", "step"]`.

        Raises
        ------
        ValueError
            If there is no such grouping.
        """
        parts = self._parts
        scope = self._scope(since, all_sessions, parts)
        groups = grouped(self._expired(parts), by, scope, parts.settings.zone)
        return _told(summary_frame(groups, by), scope, parts)

    def advise(self, since: Since = None, *, all_sessions: bool = True) -> pd.DataFrame:
        """Return the workflows and steps that cost most, and what would have cost less.

        Each advice names what it would have saved over the period, in USD, and the
        assumption under which it holds. Where the ledger supports none, none is given.
        Every attempt of the period is read, which takes some seconds for 300,000.
        """
        from costroute_nb.advice import advise

        parts = self._parts
        scope = self._scope(since, all_sessions, parts)
        frame = advise(
            self._expired(parts),
            scope,
            catalog=parts.catalog,
            prices=parts.prices,
            rules=parts.rules,
        )
        return _told(frame, scope, parts)

    def what_if(
        self,
        *,
        tiers: Mapping[str, str] | None = None,
        prices: Repricing | None = None,
        policy: Policy | None = None,
        by: ReplayedBy = "tier",
        since: Since = None,
        all_sessions: bool = True,
    ) -> pd.DataFrame:
        """Return what the recorded attempts would have cost under other choices.

        Nothing is called. What the choices do not concern keeps its recorded cost,
        exactly; `attrs` has both sums, and in `notes` what is assumed.

        Parameters
        ----------
        tiers
            Model ids or lines by tier, such as `{"large": "sonnet"}`.
        prices
            A day (of UTC, also as text such as `2026-10-01`), whose prices then hold for
            everything; or USD per million tokens by model id, such as
            `{"claude-opus-5-5": {"input": 3, "output": 15}}`, with the keys of
            prices.toml.
        policy
            `all-large`, `all-small`, or a function of a ledger record that returns the
            id of the model to ask, or None where nothing would have been asked. Of use
            to it are `tier, model, provider, task, reason, status, workflow, step,
            notebook, at, attempt, cost` (pico-USD), `usage.input_tokens` and
            `usage.output_tokens`, such as `lambda record: record.model`.
        by
            `tier`, `model`, `workflow`, `step`, `task` or `notebook`, as recorded.

        Raises
        ------
        ValueError
            If a choice cannot be used.
        ConfigurationError
            If prices are neither a day nor rates, or the function fails.
        UnknownModelError
            If one names a model that no table knows.
        """
        from costroute_nb.reports import records_in
        from costroute_nb.what_if import what_if

        parts = self._parts
        scope = self._scope(since, all_sessions, parts)
        frame = what_if(
            records_in(self._expired(parts), scope),
            catalog=parts.catalog,
            prices=parts.prices,
            tiers=tiers,
            repricing=prices,
            policy=policy,
            by=by,
        )
        return _told(frame, scope, parts)

    def levers(self, since: Since = None, *, all_sessions: bool = True) -> pd.DataFrame:
        """Return what each way to spend less came to, one row each, and against what.

        Answer cache and routing (`counts` is `part`) add up to `attrs["saved_usd"]`,
        what was saved against `attrs["baseline"]`. Prompt caching and trimming come on
        top of that, against the same model; thinking has what it cost, and of
        answers with and without a schema, or of other effort, averages are compared.
        What did nothing has no row; `attrs["notes"]` says what the sums are.
        """
        from costroute_nb.levers import levers_frame

        parts = self._parts
        scope = self._scope(since, all_sessions, parts)
        frame = levers_frame(self._levers(scope, parts))
        frame.attrs["period"] = scope.period
        return _told(frame, scope, parts)

    def report(
        self,
        by: GroupedBy = "workflow",
        since: Since = None,
        *,
        html: str | Path | None = None,
        csv: str | Path | None = None,
        all_sessions: bool = True,
    ) -> Report:
        """Return the report of a period, and write it to the files that are named.

        Parameters
        ----------
        by
            As in `summary`.
        html
            Where to put one page that opens without a network, instead of what is
            there; its directory must exist.
        csv
            Where to put the table of the groups; that of the levers goes beside it,
            into `NAME-levers.csv`.

        Raises
        ------
        ValueError
            If there is no such grouping.
        ConfigurationError
            If a file cannot be written.
        """
        parts = self._parts
        scope = self._scope(since, all_sessions, parts)
        ledger = self._expired(parts)
        for _ in range(_LOOKS):
            report = build_report(
                ledger,
                by,
                scope,
                zone=parts.settings.zone,
                baseline_model=baseline_model(parts.catalog).id,
                until=self._clock.now(),
            )
            report = replace(report, levers=self._levers(scope, parts))
            # Calls may end in between, and one page has to agree with itself.
            if report.levers.saved == report.totals.known_saving:
                break
        if html is not None or csv is not None:
            from costroute_nb.export.files import write_report

            write_report(report, html=html, csv=csv)
        return report

    def _levers(self, scope: Scope, parts: Parts) -> Levers:
        from costroute_nb.levers import read_levers

        return read_levers(
            self._expired(parts),
            scope,
            catalog=parts.catalog,
            prices=parts.prices,
            now=self._clock.now(),
        )

    def _scope(self, since: Since, all_sessions: bool, parts: Parts) -> Scope:
        return Scope(
            simulated=parts.simulated,
            since=self._moment(since, parts),
            session_id=None if all_sessions else self.session_id,
        )

    def _moment(self, since: Since, parts: Parts) -> datetime | None:
        return beginning(since, self._clock.now(), parts.settings.zone)

    def _expired(self, parts: Parts) -> LedgerStore:
        """Return the ledger; what a dead process held is a fact once its lease is over."""
        parts.ledger.expire(self._clock.now())
        return parts.ledger


def _told(frame: pd.DataFrame, scope: Scope, parts: Parts) -> pd.DataFrame:
    """Return the frame, which says what its savings and its sums are of."""
    model = baseline_model(parts.catalog).id
    told: dict[str, Any] = {
        "baseline": baseline_in_words(model),
        "baseline_model": model,
        "simulated": scope.simulated,
        "sessions": scope.sessions,
    }
    frame.attrs.update(told)
    return frame
