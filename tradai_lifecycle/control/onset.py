"""When that began which a pair is diagnosed with, and what else began then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradai_lifecycle.control.phrases import clock, several
from tradai_lifecycle.states import FAULT_REASONS, Reason
from tradai_lifecycle.store.records import AdoptionRecord, StateRecord

#: Pairs began together where they did so at one candle, or one candle apart: a pair's candle may come late.
TOGETHER_CANDLES = 1
#: From this share of the pairs on, what began together is no matter of one market.
COMMON_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The candles up to a pair's newest one that all bear one of some reasons, the first of them opened at `since`.

    `after` is the newest candle before them that was judged and bears none; None where nothing is known of one.
    """

    since: datetime
    after: datetime | None

    def at_least(self, candle: timedelta | None) -> bool:
        """Whether it may have begun before `since`: the `candle` before that was not judged, or is not known."""
        return self.after is None or candle is None or self.since - self.after > candle


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """What was put into place and when: versions, oldest first, and the bot itself, None where it never ran."""

    adoptions: Sequence[AdoptionRecord]
    started_at: datetime | None
    candle: timedelta | None
    window_candles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """When a pair's run began; with `at_least` it may be older.

    `candles_ago` is None where a candle's length is not known. `version` was adopted `candles_after` before it, and it
    began as the bot was started at `started_at`; None where that is not so. `together` of `pairs` began with it, itself
    included; 0 where it may be older.
    """

    since: datetime
    at_least: bool
    candles_ago: int | None
    version: str | None
    candles_after: int | None
    started_at: datetime | None
    together: int
    pairs: int

    @property
    def is_common(self) -> bool:
        """Whether nearly all pairs began together."""
        return self.pairs > 1 and self.together > 1 and self.together >= COMMON_SHARE * self.pairs


def run_of(records: Sequence[StateRecord], meant: Reason) -> Run | None:
    """The present run of the reasons `meant` in a pair's records, oldest first; None where the newest bears none.

    A candle that could not be judged, and one without a record, neither ends a run nor begins one.
    """
    since: datetime | None = None
    for record in reversed(records):
        if record.reasons & meant:
            since = record.candle
        elif since is None:
            return None
        elif not record.reasons & FAULT_REASONS:
            return Run(since=since, after=record.candle)
    return Run(since=since, after=None) if since is not None else None


def onset_of(pair: str, newest: datetime, runs: Mapping[str, Run | None], deployments: Deployments) -> Onset | None:
    """When the present run of some reasons began on `pair`; None where there is none.

    `newest` is the pair's newest candle; `runs` are the runs of these reasons on all pairs that are watched, `pair`
    among them.
    """
    run, candle = runs[pair], deployments.candle
    if run is None:
        return None
    adopted = _adoption(run, deployments)
    return Onset(
        since=run.since,
        at_least=run.at_least(candle),
        candles_ago=_candles(newest - run.since, candle),
        version=adopted.version if adopted is not None else None,
        candles_after=_candles(run.since - adopted.adopted_candle, candle) if adopted is not None else None,
        started_at=deployments.started_at if _began_with_the_bot(run, deployments) else None,
        together=sum(_together(run, other, candle) for other in runs.values() if other is not None),
        pairs=len(runs),
    )


def onset_words(onset: Onset) -> Iterator[str]:
    """When it began, and where that points."""
    when = f"began {clock(onset.since)}{' or before' if onset.at_least else ''}{_ago(onset.candles_ago)}"
    beside = tuple(_beside(onset))
    yield f"{when}, {', '.join(beside)}: look at what was deployed" if beside else when
    if onset.is_common:
        pairs = f"all {onset.pairs}" if onset.together == onset.pairs else f"{onset.together} of {onset.pairs}"
        source = "a common source (feed, exchange, deploy), not one market"
        yield f"began on {pairs} pairs at the same candle, give or take one: {source}"


def _ago(candles: int | None) -> str:
    if candles is None:
        return ""
    return f" ({several(candles, 'candle')} ago)" if candles else " (at this candle)"


def _beside(onset: Onset) -> Iterator[str]:
    if onset.started_at is not None:
        yield f"as the bot was started at {clock(onset.started_at)}"
    if onset.version is not None and onset.candles_after:
        yield f"{several(onset.candles_after, 'candle')} after {onset.version} was adopted"
    elif onset.version is not None:
        yield f"with the first candle that {onset.version} judged"


# The newest adoption before the run, where the run began within a window after it and surely not before it.
def _adoption(run: Run, deployments: Deployments) -> AdoptionRecord | None:
    candle = deployments.candle
    earlier = [one for one in deployments.adoptions if one.adopted_candle <= run.since]
    if not earlier or candle is None:
        return None
    newest = earlier[-1]
    if run.since - newest.adopted_candle > deployments.window_candles * candle:
        return None
    surely = run.after is not None and run.after >= newest.adopted_candle - candle
    return newest if surely or run.since == newest.adopted_candle else None


# What a pair is told follows from its last candles alone: a start by itself changes nothing, what came with it may.
def _began_with_the_bot(run: Run, deployments: Deployments) -> bool:
    started, candle = deployments.started_at, deployments.candle
    if started is None or candle is None or run.after is None:
        return False
    return started - 2 * candle < run.since <= started


# The first recorded candle after a gap is the same for all pairs, whenever each began: it says nothing.
def _together(run: Run, other: Run, candle: timedelta | None) -> bool:
    if candle is None or run.at_least(candle) or other.at_least(candle):
        return False
    return abs(other.since - run.since) <= TOGETHER_CANDLES * candle


def _candles(length: timedelta, candle: timedelta | None) -> int | None:
    return round(length / candle) if candle is not None else None


__all__ = [
    "COMMON_SHARE",
    "TOGETHER_CANDLES",
    "Deployments",
    "Onset",
    "Run",
    "onset_of",
    "onset_words",
    "run_of",
]
