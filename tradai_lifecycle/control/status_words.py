"""The status as lines of plain text for a phone: what holds first, what it rests on below."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from tradai_lifecycle.control.accuracy_words import accuracy_warnings
from tradai_lifecycle.control.delays import measured_with
from tradai_lifecycle.control.phrases import (
    accuracy_words,
    clock,
    figure,
    percent,
    reason_words,
    series_name,
    series_words,
    several,
    shift_words,
    span,
)
from tradai_lifecycle.control.reports import (
    BotFacts,
    OperatorWord,
    PairStatus,
    Persistence,
    Position,
    StatusReport,
)
from tradai_lifecycle.monitor.limits import ENOUGH_TRAINING_WINDOWS
from tradai_lifecycle.states import Reason, TradingState

#: A running bot says something every minute; after this silence it may be off.
SILENCE = timedelta(minutes=3)
NAMED = 6
#: Characters that the pairs may take of a message.
PAIRS_LENGTH = 1_700
#: Open positions that are listed.
LISTED_POSITIONS = 8


def status_lines(report: StatusReport) -> list[str]:
    """What a person asks first, in the order in which it matters."""
    return [*headline(report), *warnings(report), *_pairs(report), *_positions(report), *_background(report)]


def headline(report: StatusReport) -> Iterator[str]:
    """The strictest state, since when and why; the model."""
    if report.state is None:
        yield "no candle was judged yet"
    else:
        strictest = [pair for pair in report.pairs.values() if pair.state is report.state]
        reasons = Reason.NONE
        for pair in strictest:
            reasons |= pair.reasons
        oldest = min(strictest, key=lambda pair: pair.since)
        yield f"{report.state.label.upper()} {since_words(oldest)}: {reason_words(reasons)}"
        counted = Counter(pair.state for pair in report.pairs.values())
        yield (
            ", ".join(f"{counted[state]} {state.label}" for state in reversed(TradingState) if counted[state])
            + f" of {several(len(report.pairs), 'pair')}"
        )
    yield model_line(report)


def model_line(report: StatusReport) -> str:
    """The model in charge and its age."""
    if report.version is None:
        return f"model {report.model}: none in charge yet"
    age = f", in charge for {span(report.at - report.adopted_at)}" if report.adopted_at is not None else ""
    pinned = f", pinned to {report.pinned}" if report.pinned is not None else ""
    dry = ", dry run" if report.bot is not None and report.bot.dry_run else ""
    return f"model {report.model} {report.version}{age}{pinned}, mode {report.mode}{dry}"


def warnings(report: StatusReport) -> Iterator[str]:
    """What a person should do something about, or has said."""
    bot = report.bot
    if bot is not None and bot.freqtrade_state != "running":
        yield f"! freqtrade itself is {bot.freqtrade_state}: no entries, whatever else stands here; /start lifts that"
    yield from (f"! {finding}" for finding in report.features_differ)
    yield from (operator_line(word) for word in report.operator)
    if report.model_command is not None:
        waiting = report.model_command
        yield (
            f"! {waiting.command.value} {waiting.version} by {waiting.who} at {clock(waiting.at)}: "
            f"{waiting.outcome.value}: {waiting.detail}"
        )
    if report.awaiting is not None:
        yield f"! {report.awaiting} passed the checks and waits for a person: adopt {report.awaiting}"
    yield from (
        f"! retraining wanted for {wish.version} since {clock(wish.candle)} ({wish.pair}): {wish.detail}"
        for wish in report.retraining_requests
    )
    yield from _loose_limits(report)
    yield from accuracy_warnings({pair: held.accuracy for pair, held in report.pairs.items()})
    if report.incident_since is not None:
        muted = f", muted until {clock(report.muted_until)}" if report.muted_until is not None else ""
        yield f"incident open since {clock(report.incident_since)}{muted}"
    elif report.muted_until is not None:
        yield f"muted until {clock(report.muted_until)}"
    yield from _ages(report)


def operator_line(word: OperatorWord) -> str:
    """What an operator said."""
    ratio = f" to {word.ratio:g}" if word.ratio is not None else ""
    until = f", over drift until {clock(word.expires_at)}" if word.expires_at is not None else ""
    note = f': "{word.note}"' if word.note else ""
    return f"{word.action.replace('_', ' ')}{ratio} by {word.who} at {clock(word.at)}{until}{note}"


def since_words(pair: PairStatus) -> str:
    """Since when a pair's state holds."""
    return f"since {clock(pair.since)}{' or before' if pair.since_at_least else ''}"


def unwatched_words(pair: PairStatus) -> str | None:
    """Which series cannot be monitored at this window; None where all are."""
    if not pair.unmonitorable:
        return None
    named = ", ".join(series_name(name) for name in pair.unmonitorable[:NAMED])
    more = len(pair.unmonitorable) - NAMED
    total = pair.monitorable_series + len(pair.unmonitorable)
    return f"not watched at this window, {len(pair.unmonitorable)} of {total}: {named}" + (
        f" and {more} more" if more > 0 else ""
    )


def position_words(position: Position, currency: str) -> str:
    """One open trade."""
    stake = f"{figure(position.stake)} {currency}".strip()
    opened = clock(position.opened_at)
    return (
        f"{position.pair} {position.side} {stake} {percent(position.profit_ratio)} since {opened}, {position.version}"
    )


def persistence_words(held: dict[str, Persistence]) -> str:
    """How long drift must hold before it counts."""
    parts = (f"{length.candles} candles{_days(length.days)} before a pair is {state}" for state, length in held.items())
    return f"drift must fill the window and hold {', '.join(parts)}"


def _days(days: float | None) -> str:
    return "" if days is None else f" ({days:g} days)"


def delay_lines(report: StatusReport) -> Iterator[str]:
    """How often and how soon faults of each kind were seen where that was measured."""
    if report.fault_delays:
        others = measured_with(report.fault_delays_other_settings)
        yield f"measured until a fault is seen{others} (share of cases, median days):"
    for delay in report.fault_delays:
        reduced = _seen("reduced", delay.reduced_share, delay.reduced_days)
        yield f"  {delay.fault}: {reduced}, {_seen('paused', delay.paused_share, delay.paused_days)}"


def _seen(state: str, share: float, days: float | None) -> str:
    return f"{state} {share:.0%}" + (f" after {days:g} d" if days is not None else "")


def _loose_limits(report: StatusReport) -> Iterator[str]:
    loose = {
        pair: held.training_windows
        for pair, held in report.pairs.items()
        if math.isfinite(held.training_windows) and held.training_windows < ENOUGH_TRAINING_WINDOWS
    }
    if loose:
        named = ", ".join(f"{pair} {windows:.1f}" for pair, windows in list(loose.items())[:NAMED])
        yield f"! fewer than {ENOUGH_TRAINING_WINDOWS:g} training windows, so limits are loose: {named}"


def _ages(report: StatusReport) -> Iterator[str]:
    parts = []
    if report.candle_age_minutes is not None:
        parts.append(f"newest candle closed {_ago(timedelta(minutes=report.candle_age_minutes))}")
    if report.bot is None:
        yield "; ".join([*parts, "the bot has not said anything of itself yet"])
        return
    if report.at - report.bot.at > SILENCE:
        yield f"! the bot has said nothing for {span(report.at - report.bot.at)}: is it running?"
    yield "; ".join([*parts, registry_words(report.bot, report.at)])


def registry_words(bot: BotFacts, now: datetime) -> str:
    """When the registry was last reached, and what is wrong with it."""
    problem = f" ({bot.registry_problem})" if bot.registry_problem else ""
    if bot.registry_seen_at is None:
        return f"registry not seen since the start{problem}"
    return f"registry seen {_ago(now - bot.registry_seen_at)}{problem}"


def _ago(length: timedelta) -> str:
    return f"{span(max(length, timedelta()))} ago"


# As many pairs as fit, the strictest first: what stands below them must stay in the message.
def _pairs(report: StatusReport) -> Iterator[str]:
    strictest_first = sorted(report.pairs.items(), key=lambda item: (-item[1].state, item[0]))
    length = 0
    for number, (pair, held) in enumerate(strictest_first):
        lines = list(_pair(pair, held))
        length += sum(len(line) + 1 for line in lines)
        if length > PAIRS_LENGTH:
            left = Counter(held.state for _, held in strictest_first[number:])
            yield ""
            yield f"and {_counted(left)} more: why PAIR, drift PAIR, accuracy PAIR"
            return
        yield from lines


def _pair(pair: str, held: PairStatus) -> Iterator[str]:
    yield ""
    yield f"{pair} {held.state.label} {since_words(held)}, stake x{held.stake_ratio:g}"
    if held.reasons:
        yield f"  why: {reason_words(held.reasons)}"
    yield f"  accuracy {accuracy_words(held.accuracy)}"
    if held.worst_series:
        yield f"  PSI/limit: {', '.join(series_words(series) for series in held.worst_series)}"
    elif math.isfinite(held.psi_over_limit):
        yield f"  PSI {figure(held.psi_max)}, {figure(held.psi_over_limit)} of its limit"
    yield from (f"  shift, {shift_words(shift)}" for shift in held.shifts[:NAMED])
    unwatched = unwatched_words(held)
    if unwatched is not None:
        yield f"  {unwatched}"


def _counted(states: Counter[TradingState]) -> str:
    return ", ".join(f"{states[state]} {state.label}" for state in reversed(TradingState) if states[state])


def _positions(report: StatusReport) -> Iterator[str]:
    if not report.positions:
        return
    currency = report.bot.stake_currency if report.bot is not None else ""
    yield ""
    yield f"{several(len(report.positions), 'open position')}:"
    yield from (f"  {position_words(position, currency)}" for position in report.positions[:LISTED_POSITIONS])
    if len(report.positions) > LISTED_POSITIONS:
        yield f"  and {len(report.positions) - LISTED_POSITIONS} more"


def _background(report: StatusReport) -> Iterator[str]:
    yield ""
    yield persistence_words(dict(report.drift_must_hold))
    yield from delay_lines(report)


__all__ = [
    "delay_lines",
    "headline",
    "model_line",
    "operator_line",
    "persistence_words",
    "position_words",
    "registry_words",
    "since_words",
    "status_lines",
    "unwatched_words",
    "warnings",
]
