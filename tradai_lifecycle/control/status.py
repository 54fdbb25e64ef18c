"""The bot at a glance: what holds now, since when, and the figures behind it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.delays import FaultDelay, measured_delays, other_settings
from tradai_lifecycle.control.diagnosis import features_findings
from tradai_lifecycle.control.figures import accuracy_of, pair_drift
from tradai_lifecycle.control.incident import incident_opened_at, muted_until
from tradai_lifecycle.control.phrases import noteworthy
from tradai_lifecycle.control.progress import INTENT, follow_of, newest_answers, progress_of
from tradai_lifecycle.control.reports import (
    BotFacts,
    ModelCommand,
    OperatorWord,
    PairStatus,
    Persistence,
    Position,
    RetrainingWish,
    StatusReport,
)
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import (
    awaiting_version,
    decision_now,
    newest_adoption,
    pinned_version,
    stale_since,
    stance_of,
)
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord, OperatorRecord, PairSeries, StateRecord

#: How many candles back the beginning of a pair's state is looked for.
SEARCHED_CANDLES = 500
#: Series shown of each pair.
WORST_SERIES = 3


def status(request: Request) -> Answer:
    """Everything a person asks first."""
    return request.shown(status_report(request.ledger, request.config, request.now))


def status_report(ledger: Ledger, config: LifecycleConfig, now: datetime) -> StatusReport:
    """The bot as its ledger knows it at `now`. What operators have said since the newest batch already counts."""
    states, bot, batch = ledger.watched_states(), ledger.bot(), ledger.last_batch()
    adoption, pairs = newest_adoption(ledger), pair_statuses(ledger, config, states, now)
    held = list(pairs.values())
    step = candle_length(ledger, bot)
    newest = max((state.candle for state in states.values()), default=None)
    return StatusReport(
        at=now,
        model=config.model_name,
        mode=config.mode.value,
        state=max((pair.state for pair in held), default=None),
        since=_strictest_since(held),
        version=adoption.version if adoption is not None else (batch.version if batch is not None else None),
        adopted_at=adoption.adopted_at if adoption is not None else None,
        last_batch=batch.candle if batch is not None else None,
        candle_age_minutes=_minutes(now - newest - step) if newest is not None and step is not None else None,
        pinned=_pinned(ledger),
        awaiting=f"v{awaiting}" if (awaiting := awaiting_version(ledger)) is not None else None,
        bot=_facts(bot),
        operator=tuple(operator_word(record) for record in ledger.operator()),
        model_command=_model_command(ledger),
        incident_since=incident_opened_at(ledger),
        muted_until=muted_until(ledger, now),
        pairs=pairs,
        positions=_positions(bot),
        retraining_requests=_wishes(ledger),
        drift_must_hold=_persistence(config, step),
        fault_delays=_delays(bot),
        fault_delays_other_settings=other_settings(config),
        features_differ=_features_differ(ledger, pairs),
    )


def pair_statuses(
    ledger: Ledger, config: LifecycleConfig, states: Mapping[str, StateRecord], now: datetime
) -> dict[str, PairStatus]:
    """Each pair's state now and its newest figures, by name."""
    records, series, bot = ledger.operator(), ledger.series(), ledger.bot()
    step = candle_length(ledger, bot)
    return {
        pair: _pair(ledger, config, states[pair], records=records, series=series.get(pair), bot=bot, step=step, now=now)
        for pair in sorted(states)
    }


def candle_length(ledger: Ledger, bot: BotRecord | None) -> timedelta | None:
    """How long a candle is: what the bot says, or the shortest step between recorded candles; None unknown."""
    if bot is not None:
        return timedelta(seconds=candle_seconds(bot.timeframe))
    opened = sorted({state.candle for state in ledger.states(limit=50)})
    return min((later - earlier for earlier, later in pairwise(opened)), default=None)


def operator_word(record: OperatorRecord) -> OperatorWord:
    """An operator's record as it is shown."""
    return OperatorWord(
        action=record.action.value,
        who=record.who,
        at=record.at,
        note=record.note,
        ratio=record.ratio,
        expires_at=record.expires_at,
    )


def unchanged_since(
    ledger: Ledger, newest: StateRecord, state: TradingState, changed_at: datetime | None
) -> tuple[datetime, bool]:
    """Since when a pair's effective state is `state`, and whether it may have been so before that, too.

    `changed_at` is what happened last beside its candles: where the newest batch was told another state, that has
    changed it.
    """
    if newest.effective is not state:
        return max(newest.candle, changed_at or newest.candle), False
    since = newest.candle
    for record in reversed(ledger.states(newest.pair, limit=SEARCHED_CANDLES)):
        if record.effective is not state:
            return since, False
        since = record.candle
    return since, True


def changed_at(
    newest: StateRecord, records: Iterable[OperatorRecord], step: timedelta | None, now: datetime
) -> datetime | None:
    """When a pair became stale, else when an operator spoke last, of what still counts; None: neither."""
    return stale_since(newest, step, now) or max((record.at for record in records), default=None)


def _pair(
    ledger: Ledger,
    config: LifecycleConfig,
    newest: StateRecord,
    *,
    records: Sequence[OperatorRecord],
    series: PairSeries | None,
    bot: BotRecord | None,
    step: timedelta | None,
    now: datetime,
) -> PairStatus:
    drift = pair_drift(series, bot) if series is not None else None
    decision = decision_now(newest, stance_of(records), config, step, now)
    since, at_least = unchanged_since(ledger, newest, decision.state, changed_at(newest, records, step, now))
    watched = [figure for figure in drift.series if figure.monitorable] if drift is not None else []
    return PairStatus(
        state=decision.state,
        since=since,
        since_at_least=at_least,
        automatic_state=newest.state,
        severity=newest.severity,
        reasons=decision.reasons,
        stake_ratio=decision.stake_ratio,
        version=newest.version,
        candle=newest.candle,
        psi_max=newest.psi_max,
        psi_over_limit=newest.significant_ratio,
        accuracy=accuracy_of(newest, config, series, bot),
        worst_series=tuple(watched[:WORST_SERIES]),
        shifts=noteworthy(drift.shifts if drift is not None else ()),
        unmonitorable=tuple(figure.name for figure in drift.series if not figure.monitorable) if drift else (),
        monitorable_series=len(watched),
        training_windows=drift.training_windows if drift is not None else math.nan,
    )


def _strictest_since(pairs: list[PairStatus]) -> datetime | None:
    strictest = max((pair.state for pair in pairs), default=None)
    return min((pair.since for pair in pairs if pair.state is strictest), default=None)


def _facts(bot: BotRecord | None) -> BotFacts | None:
    if bot is None:
        return None
    return BotFacts(
        at=bot.at,
        started_at=bot.started_at,
        timeframe=bot.timeframe,
        horizon_candles=bot.horizon_candles,
        window_candles=bot.window_candles,
        freqtrade_state=bot.freqtrade_state,
        dry_run=bot.dry_run,
        stake_currency=bot.stake_currency,
        registry_seen_at=bot.registry_seen_at,
        registry_problem=bot.registry_problem,
    )


def _positions(bot: BotRecord | None) -> tuple[Position, ...]:
    return tuple(
        Position(
            pair=record.pair,
            side=record.side,
            stake=record.stake,
            profit_ratio=record.profit_ratio,
            opened_at=record.opened_at,
            version=record.version,
        )
        for record in (bot.positions if bot is not None else ())
    )


def _pinned(ledger: Ledger) -> str | None:
    found = pinned_version(ledger)
    return None if found is None else (f"v{found[1]}" if found[1] is not None else "current")


# The last word on the model that came to something, where that is pending: what came before was replaced by it.
def _model_command(ledger: Ledger) -> ModelCommand | None:
    counting = (CommandOutcome.PENDING, CommandOutcome.DONE)
    last = next((event for event in newest_answers(ledger) if event.outcome in counting), None)
    return _pending_command(ledger, last) if last is not None and last.outcome is CommandOutcome.PENDING else None


def _pending_command(ledger: Ledger, event: CommandAnswered) -> ModelCommand | None:
    follow = follow_of(event)
    progress = progress_of(ledger, follow)
    # the bot may have that version in charge already, by a pin, and the registry still another one
    unfinished = event.command is CommandName.PROMOTE and event.detail == INTENT
    if progress.outcome is CommandOutcome.DONE and not unfinished:
        return None
    return ModelCommand(
        command=event.command,
        version=f"v{follow.version}",
        who=event.who,
        at=event.at,
        outcome=CommandOutcome.PENDING if unfinished else progress.outcome,
        detail="begun and not finished: repeat it" if unfinished else progress.detail,
        unfinished=unfinished,
    )


def _wishes(ledger: Ledger) -> tuple[RetrainingWish, ...]:
    return tuple(
        RetrainingWish(version=request.version, pair=request.pair, candle=request.candle, detail=request.detail)
        for request in ledger.open_retraining_requests()
    )


def _persistence(config: LifecycleConfig, step: timedelta | None) -> dict[str, Persistence]:
    held = {"reduced": config.moderate_persistence, "paused": config.significant_persistence}
    return {
        state: Persistence(
            candles=candles,
            days=round(candles * step.total_seconds() / 86_400.0, 2) if step is not None else None,
        )
        for state, candles in held.items()
    }


def _delays(bot: BotRecord | None) -> tuple[FaultDelay, ...]:
    return measured_delays(bot.timeframe) if bot is not None else ()


def _features_differ(ledger: Ledger, pairs: Mapping[str, PairStatus]) -> tuple[str, ...]:
    held = [pair for pair, status in pairs.items() if Reason.FEATURES_DIFFER in status.reasons]
    return features_findings(ledger, held) if held else ()


def _minutes(span: timedelta) -> float:
    return round(span.total_seconds() / 60.0, 1)


__all__ = [
    "SEARCHED_CANDLES",
    "candle_length",
    "changed_at",
    "operator_word",
    "pair_statuses",
    "status",
    "status_report",
    "unchanged_since",
]
