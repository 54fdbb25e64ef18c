"""A bot walked forward over real candles: trained on what was known, judged on what came next, renewed, and so on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.features import HORIZON, WARM_UP
from benchmarks.judging import POLICIES, judge_settings
from benchmarks.latency_market import Market
from benchmarks.models import frame_of, trained
from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.model import ModelBundle
from tradai_lifecycle.states import TradingState
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement, JudgeSettings, judge_frame, moment
from tradai_lifecycle.strategy.frame import dates_in_ns

#: The fold of a model that is never renewed.
FOR_EVER = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkPlan:
    """How often, and on how many of the newest candles of each pair, which kind of model is trained.

    A bot starts as soon as each of its pairs has `fewest_candles` behind it. No model is renewed for a rest of the
    candles that is shorter than a window. `section` overrides the package's defaults in every policy.
    """

    timeframe: str
    model: str
    trained_candles: int
    fewest_candles: int
    fold_candles: int
    section: Mapping[str, object]

    @property
    def candle_ns(self) -> int:
        """The length of a candle."""
        return candle_seconds(self.timeframe) * 10**9

    @property
    def fold_days(self) -> float:
        """How long a model is in charge."""
        return self.fold_candles * candle_seconds(self.timeframe) / timedelta(days=1).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyColumns:
    """What a policy decided at each watched candle, each `(n,)`."""

    state: NDArray[np.int8]
    severity: NDArray[np.int8]
    reasons: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One pair's candles while the bot ran, each `(n,)`, and what each policy made of them.

    `score` is the model's at the candle's close, NaN where there is none; `outcome` the sign of the return over the
    next HORIZON candles, NaN at the end. Scores at or below `sure_down` and at or above `sure_up` lie in the outer
    tenths of the out-of-fold scores of the training. `adopted` and `validation` have one entry per model.
    """

    pair: str
    dates_ns: NDArray[np.int64]
    close: NDArray[np.float64]
    outcome: NDArray[np.float64]
    score: NDArray[np.float64]
    sure_down: NDArray[np.float64]
    sure_up: NDArray[np.float64]
    policies: Mapping[str, PolicyColumns]
    adopted: tuple[str, ...]
    validation: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One pair during one fold."""

    frame: Frame
    bundle: ModelBundle
    judged: Mapping[str, Judgement]
    rows: slice


def walk(markets: Sequence[Market], plan: WalkPlan, starts_with: Sequence[Market] | None = None) -> list[Watched]:
    """Every pair of one bot, by one model for all of them, under each of POLICIES.

    Each model is trained on candles that had closed when it took over, targets included, and adopted by a bot that
    knows the states before. The bot runs on the candles that a bot of the markets `starts_with` (its own without them)
    could run on. Raises ValueError where the candles are too short for a single fold.
    """
    settings = {
        name: judge_settings(plan.timeframe, **{**plan.section, **rules})[0] for name, rules in POLICIES.items()
    }
    predecessors = _predecessors(settings)
    before: dict[str, dict[str, TradingState]] = {name: {} for name in settings}
    parts: dict[str, list[_Part]] = {market.pair: [] for market in markets}
    for number, (start, end) in enumerate(spans(starts_with or markets, plan, predecessors), start=1):
        bundle = replace(model_at(markets, start, plan), version=str(number))
        for market in markets:
            part = _fold(market, bundle, start, end, settings, before)
            parts[market.pair].append(part)
        for name, states in before.items():
            states |= {pair: _last_state(own[-1].judged[name]) for pair, own in parts.items()}
    return [_watched(pair, own) for pair, own in parts.items()]


def spans(markets: Sequence[Market], plan: WalkPlan, predecessors: int) -> list[tuple[int, int]]:
    """Open time of the first candle of each fold and of the first after it, in ns."""
    dates = [dates_in_ns(market.candles["date"]) for market in markets]
    needed = max(plan.fewest_candles + WARM_UP, predecessors)
    if any(len(known) <= needed for known in dates):
        raise ValueError(f"{plan.timeframe}: a pair has no more than the {needed:,} candles that come before a start")
    first = max(int(known[needed]) for known in dates)
    last = min(int(known[-1]) for known in dates) + plan.candle_ns
    shortest = judge_settings(plan.timeframe, **plan.section)[0].health.window_candles * plan.candle_ns
    starts = range(first, max(last - shortest, first) + 1, plan.fold_candles * plan.candle_ns)
    return list(pairwise([*starts, last]))


def model_at(markets: Sequence[Market], start: int, plan: WalkPlan) -> ModelBundle:
    """The model trained on the newest candles that had closed when the candle at `start` (ns) opened."""
    frames = []
    for market in markets:
        known = int(np.searchsorted(dates_in_ns(market.candles["date"]), start))
        rows = slice(max(known - plan.trained_candles - WARM_UP, 0), known)
        frames.append(frame_of(market.candles.iloc[rows], market.pair))
    window = judge_settings(plan.timeframe, **plan.section)[0].health.window_candles
    return trained(frames, plan.model, timeframe=plan.timeframe, window_candles=window)


def _fold(
    market: Market,
    bundle: ModelBundle,
    start: int,
    end: int,
    settings: Mapping[str, JudgeSettings],
    before: Mapping[str, Mapping[str, TradingState]],
) -> _Part:
    first, last = np.searchsorted(dates_in_ns(market.candles["date"]), (start, end))
    predecessors = _predecessors(settings)
    frame = frame_of(market.candles.iloc[first - predecessors : last], market.pair)
    judged = {
        name: judge_frame(
            frame, (ActiveVersion(bundle=bundle, adopted_ns=start, state_before=dict(before[name])),), one
        )
        for name, one in settings.items()
    }
    return _Part(frame=frame, bundle=bundle, judged=judged, rows=slice(predecessors, len(frame)))


# enough for the policy that looks back furthest
def _predecessors(settings: Mapping[str, JudgeSettings]) -> int:
    return max(one.predecessors for one in settings.values())


def _last_state(judgement: Judgement) -> TradingState:
    return TradingState(int(judgement.states.state[-1]))


def _watched(pair: str, parts: Sequence[_Part]) -> Watched:
    close = _joined(parts, lambda part: part.frame.close)
    return Watched(
        pair=pair,
        dates_ns=_joined(parts, lambda part: part.frame.dates_ns),
        close=close,
        outcome=outcomes(close),
        score=_joined(parts, lambda part: _scores(next(iter(part.judged.values())))),
        sure_down=_joined(parts, lambda part: np.full(len(part.frame), _edges(part, pair)[0])),
        sure_up=_joined(parts, lambda part: np.full(len(part.frame), _edges(part, pair)[-1])),
        policies={name: _policy(parts, name) for name in parts[0].judged},
        adopted=tuple(moment(int(part.frame.dates_ns[part.rows.start])).isoformat() for part in parts),
        validation=tuple(float(part.bundle.metrics["validation_accuracy"]) for part in parts),
    )


def outcomes(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sign of the return over the next HORIZON candles, NaN where the candles end before."""
    found = np.full(len(close), np.nan)
    found[:-HORIZON] = np.sign(close[HORIZON:] / close[:-HORIZON] - 1.0)
    return found


def _policy(parts: Sequence[_Part], name: str) -> PolicyColumns:
    return PolicyColumns(
        state=_joined(parts, lambda part: part.judged[name].states.state),
        severity=_joined(parts, lambda part: part.judged[name].states.severity),
        reasons=_joined(parts, lambda part: part.judged[name].states.reasons),
    )


def _joined(parts: Sequence[_Part], column: Callable[[_Part], NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([column(part)[part.rows] for part in parts])


def _scores(judgement: Judgement) -> NDArray[np.float64]:
    return np.where(judgement.do_predict == 1, judgement.prediction, np.nan)


# The deciles of the out-of-fold scores, as the bundle's own reference has them.
def _edges(part: _Part, pair: str) -> tuple[float, ...]:
    reference = part.bundle.profile.pair(pair)
    assert reference is not None
    return reference.prediction.edges


__all__ = ["FOR_EVER", "PolicyColumns", "WalkPlan", "Watched", "model_at", "outcomes", "spans", "walk"]
