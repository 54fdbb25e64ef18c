"""Days from a fault to the stake cut and to the pause, by the package's defaults."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from statistics import median

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.faults import CANDLE_FAULTS, FEATURE_FAULTS, CandleFault, FeatureFault
from benchmarks.features import WARM_UP
from benchmarks.judging import judge_settings
from benchmarks.latency_market import Market, load_market
from benchmarks.models import BOOSTED, frame_of, trained
from benchmarks.rows import Row
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.model import ModelBundle
from tradai_lifecycle.monitor import series_limits
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement, JudgeSettings, judge_frame

TIMEFRAMES = ("5m", "1h")
TRAINED_CANDLES, WATCHED_CANDLES, ONSETS, SEED = 20_000, 1_500, 20, 7
NO_FAULT = "no fault"

#: Makes the frame around an onset as the fault would have it.
Runner = Callable[[int, np.random.Generator], Frame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A trained model and the candles after its training."""

    market: Market
    bundle: ModelBundle
    settings: JudgeSettings
    startup: int
    trained: int
    deviations: NDArray[np.float64]

    def candles(self, onset: int, watched: int = WATCHED_CANDLES) -> pd.DataFrame:
        """What a bot would have had at the onset, and the candles that are watched; the onset is row `startup`."""
        rows = slice(onset - self.startup, onset + watched)
        return self.market.candles.iloc[rows].reset_index(drop=True)

    def frame(self, candles: pd.DataFrame) -> Frame:
        """The arrays to judge of candles of this market."""
        return frame_of(candles, self.market.pair)

    def judge(self, frame: Frame, settings: JudgeSettings | None = None) -> Judgement:
        """By this model alone, all along; by the package's defaults without other settings."""
        return judge_frame(frame, (ActiveVersion(bundle=self.bundle),), settings or self.settings)

    def days(self, candles: float) -> float:
        """How many days so many candles are."""
        return candles * self.market.candle_seconds / timedelta(days=1).total_seconds()


def rows() -> list[Row]:
    """Each timeframe: without a fault, then each fault."""
    return [row for timeframe in TIMEFRAMES for row in _timeframe_rows(timeframe)]


def _timeframe_rows(timeframe: str) -> list[Row]:
    bench = bench_of(load_market(timeframe))
    whole = bench.judge(bench.frame(bench.market.candles))
    onsets = onsets_of(bench, whole)
    shares = [_share_row(bench, whole, state) for state in (TradingState.REDUCED, TradingState.PAUSED)]
    return [*shares, *(_fault_row(bench, name, run, onsets) for name, run in runners(bench).items())]


def runners(bench: Bench, watched: int = WATCHED_CANDLES) -> dict[str, Runner]:
    """Each fault by its name, "no fault" first, watched for so many candles."""
    made: dict[str, Runner] = {NO_FAULT: lambda onset, _: bench.frame(bench.candles(onset, watched))}
    made |= {name: partial(_with_candle_fault, bench, fault, watched) for name, fault in CANDLE_FAULTS.items()}
    return made | {name: partial(_with_feature_fault, bench, fault, watched) for name, fault in FEATURE_FAULTS.items()}


def bench_of(market: Market) -> Bench:
    """A model trained on the oldest 20,000 candles of a market, or on half of them where there are fewer."""
    settings, startup = judge_settings(market.timeframe)
    # the newest part stays unseen: the market after the training is what a bot would meet
    rows_trained = WARM_UP + min(TRAINED_CANDLES, len(market.candles) // 2)
    frame = frame_of(market.candles.iloc[:rows_trained], market.pair)
    bundle = trained([frame], BOOSTED, timeframe=market.timeframe, window_candles=settings.health.window_candles)
    return Bench(
        market=market,
        bundle=bundle,
        settings=settings,
        startup=startup,
        trained=rows_trained,
        deviations=np.nanstd(frame.features[WARM_UP:], axis=0),
    )


def onsets_of(bench: Bench, whole: Judgement) -> NDArray[np.int64]:
    """Random candles after the training at which the pair is active: only there can a stake be cut."""
    first = max(bench.trained + bench.settings.health.window_candles, bench.startup)
    last = len(whole) - WATCHED_CANDLES
    active = first + np.flatnonzero(whole.states.state[first:last] == TradingState.ACTIVE)
    if not len(active):
        return np.empty(0, dtype=np.int64)
    chosen = np.random.default_rng(SEED).choice(active, size=min(ONSETS, len(active)), replace=False)
    return np.sort(chosen)


def _with_candle_fault(
    bench: Bench, fault: CandleFault, watched: int, onset: int, generator: np.random.Generator
) -> Frame:
    return bench.frame(fault(bench.candles(onset, watched), bench.startup, generator))


def _with_feature_fault(
    bench: Bench, fault: FeatureFault, watched: int, onset: int, generator: np.random.Generator
) -> Frame:
    frame = bench.frame(bench.candles(onset, watched))
    features, column = frame.features.copy(), int(generator.integers(frame.features.shape[1]))
    features[bench.startup :, column] = fault(
        features[bench.startup :, column], float(bench.deviations[column]), generator
    )
    return replace(frame, features=features)


def seeded(onset: int) -> np.random.Generator:
    """The chance of one run: the same for every fault and policy."""
    return np.random.default_rng([SEED, onset])


def _fault_row(bench: Bench, name: str, run: Runner, onsets: NDArray[np.int64]) -> Row:
    judged = [bench.judge(run(int(onset), seeded(int(onset)))) for onset in onsets]
    states = [judgement.states.state[bench.startup :] for judgement in judged]
    reduced, paused = (delays_to(state, states) for state in (TradingState.REDUCED, TradingState.PAUSED))
    found = 100 * len(reduced) / len(onsets) if len(onsets) else float("nan")
    return Row(
        name=f"{bench.market.timeframe}: {name}",
        figure=found,
        unit=" % found",
        digits=0,
        measured=_measured(bench),
        details={
            "timeframe": bench.market.timeframe,
            "pair": bench.market.pair,
            "real": bench.market.real,
            "fault": name,
            "onsets": len(onsets),
            "watched_candles": WATCHED_CANDLES,
            "watched_days": bench.days(WATCHED_CANDLES),
            "found_reduced": _ratio(reduced, onsets),
            "median_days_to_reduced": _median_days(bench, reduced),
            "found_paused": _ratio(paused, onsets),
            "median_days_to_paused": _median_days(bench, paused),
            "first_reasons": _first_reasons(judged, bench.startup),
        },
    )


def _share_row(bench: Bench, whole: Judgement, state: TradingState) -> Row:
    after = slice(max(bench.trained, bench.startup), None)
    in_state = whole.states.state[after] == state
    reasons = whole.states.reasons[after][in_state]
    by_reason = {
        reason.name.lower(): float((reasons & reason != 0).sum() / len(in_state))
        for reason in Reason
        if (reasons & reason != 0).any()
    }
    return Row(
        name=f"{bench.market.timeframe}: {NO_FAULT}, share of time {state.label}",
        figure=100 * float(in_state.mean()),
        unit=" %",
        digits=1,
        measured=f"{_measured(bench)}; {len(in_state):,} candles after training",
        details={
            "timeframe": bench.market.timeframe,
            "fault": NO_FAULT,
            "state": state.label,
            "share": float(in_state.mean()),
            "candles": len(in_state),
            "share_by_reason": by_reason,
        },
    )


def _measured(bench: Bench) -> str:
    known = LifecycleConfig(model_name="benchmark")
    limits = series_limits(bench.bundle.profile.pairs[0], bench.settings.health)
    return (
        f"{bench.market.origin} of {bench.market.pair} from {bench.market.candles['date'].iloc[0]:%Y-%m}, trained on "
        f"{bench.trained - WARM_UP:,}, window {known.window_candles}, {known.thresholds.value} limits, "
        f"{sum(limit.monitorable for limit in limits)} of {len(limits)} series monitorable, validation accuracy "
        f"{bench.bundle.metrics['validation_accuracy']:.3f}"
    )


def delays_to(state: TradingState, states: Sequence[NDArray[np.int8]]) -> list[int]:
    """Candles from each onset to the first row in `state` or a stricter one, that row included.

    `states` begin at their onsets; runs without such a row are left out.
    """
    return [int(np.argmax(run >= state)) + 1 for run in states if (run >= state).any()]


def _first_reasons(judged: Sequence[Judgement], startup: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for judgement in judged:
        held_back = np.flatnonzero(judgement.states.state[startup:] >= TradingState.REDUCED)
        if len(held_back):
            for words in Reason(int(judgement.states.reasons[startup + held_back[0]])).words:
                counts[words] = counts.get(words, 0) + 1
    return counts


def _ratio(found: Sequence[int], onsets: NDArray[np.int64]) -> float | None:
    return len(found) / len(onsets) if len(onsets) else None


def _median_days(bench: Bench, delays: Sequence[int]) -> float | None:
    return bench.days(median(delays)) if delays else None


__all__ = [
    "NO_FAULT",
    "ONSETS",
    "WATCHED_CANDLES",
    "Bench",
    "Runner",
    "bench_of",
    "delays_to",
    "onsets_of",
    "rows",
    "runners",
    "seeded",
]
