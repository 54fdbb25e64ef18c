"""Figures of drift and accuracy, out of what the bot wrote at its newest candles."""

import math

from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.reports import (
    AccuracyBeside,
    AccuracyFigure,
    AccuracyReport,
    DirectionFigure,
    DriftReport,
    PairDrift,
    SeriesFigure,
    ShiftFigure,
)
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import meant_pairs
from tradai_lifecycle.monitor.accuracy import verdict_of
from tradai_lifecycle.states import AccuracyVerdict, Reason
from tradai_lifecycle.store.records import (
    AccuracyRecord,
    BotRecord,
    DirectionRecord,
    PairSeries,
    ShiftRecord,
    StateRecord,
)

DAY_SECONDS = 86_400


def drift(request: Request) -> Answer:
    """PSI of each series against its limit, of one pair or of all."""
    found, bot = request.ledger.series(), request.ledger.bot()
    asked = meant_pairs(found, request.command.pair)
    pairs = {pair: pair_drift(found[pair], bot) for pair in asked}
    return request.shown(DriftReport(pairs=pairs, whole=request.command.pair is not None))


def accuracy(request: Request) -> Answer:
    """Directional accuracy with its interval, of one pair or of all."""
    found, series = request.ledger.latest_states(), request.ledger.series()
    asked, bot = meant_pairs(found, request.command.pair), request.ledger.bot()
    figures = {pair: accuracy_of(found[pair], request.config, series.get(pair), bot) for pair in asked}
    return request.shown(AccuracyReport(pairs=figures))


def pair_drift(series: PairSeries, bot: BotRecord | None) -> PairDrift:
    """The monitored series of a pair, the one that is furthest beyond its limit first; those without a PSI last."""
    figures = (
        SeriesFigure(
            name=record.name,
            psi=record.psi,
            limit=record.significant_limit,
            moderate_limit=record.moderate_limit,
            ratio=record.psi / record.significant_limit if record.significant_limit > 0.0 else math.nan,
            monitorable=record.monitorable,
        )
        for record in series.series
    )
    return PairDrift(
        candle=series.candle,
        version=series.version,
        training_windows=series.training_windows,
        series=tuple(sorted(figures, key=_furthest_first)),
        shifts=tuple(sorted((_shift(record) for record in series.shifts), key=_furthest_shift_first)),
        expected_alarms_per_1000=series.expected_alarms_per_1000,
        days_per_alarm=_days_per_alarm(series.expected_alarms_per_1000, bot),
    )


def _shift(record: ShiftRecord) -> ShiftFigure:
    return ShiftFigure(
        name=record.name,
        group=record.group,
        strayed=record.ratio,
        limit=record.limit,
        ratio=record.ratio / record.limit,
    )


def _furthest_shift_first(figure: ShiftFigure) -> float:
    return math.inf if math.isnan(figure.ratio) else -figure.ratio


def _days_per_alarm(per_1000: float, bot: BotRecord | None) -> float:
    if bot is None or not per_1000 > 0.0:
        return math.nan
    return 1_000.0 / per_1000 * candle_seconds(bot.timeframe) / DAY_SECONDS


def accuracy_of(
    state: StateRecord, config: LifecycleConfig, series: PairSeries | None, bot: BotRecord | None
) -> AccuracyFigure:
    """The accuracy that was known at a pair's newest candle, and what was written beside it for the same model."""
    beside = series.accuracy if series is not None and series.version == state.version else None
    candle_days = candle_seconds(bot.timeframe) / DAY_SECONDS if bot is not None else math.nan
    return AccuracyFigure(
        pair=state.pair,
        version=state.version,
        candle=state.candle,
        accuracy=state.accuracy,
        lower=state.accuracy_lower,
        upper=state.accuracy_upper,
        effective_predictions=state.effective_predictions,
        minimum=config.minimum_effective_predictions,
        floor=config.accuracy_floor,
        verdict=_verdict(state, config),
        beside=_beside(beside, candle_days) if beside is not None else None,
    )


def _beside(record: AccuracyRecord, candle_days: float) -> AccuracyBeside:
    return AccuracyBeside(
        window_candles=record.window_candles,
        window_days=record.window_candles * candle_days,
        predictions=record.predictions,
        up=_direction(record.up),
        down=_direction(record.down),
        always_up=record.always_up,
        pesaran_timmermann=record.pesaran_timmermann,
        p_value=record.p_value,
        coverage=record.coverage,
        validated_accuracy=record.validated_accuracy,
        validated_effective_predictions=record.validated_effective_predictions,
        needed_candles=record.needed_candles,
        needed_days=record.needed_candles * candle_days,
        widest_window_candles=record.widest_window_candles,
        widest_window_days=record.widest_window_candles * candle_days,
    )


def _direction(record: DirectionRecord) -> DirectionFigure:
    return DirectionFigure(
        accuracy=record.accuracy,
        predictions=record.predictions,
        effective_predictions=record.effective_predictions,
        lower=record.lower,
        upper=record.upper,
    )


def _verdict(state: StateRecord, config: LifecycleConfig) -> AccuracyVerdict:
    share, upper = state.accuracy, state.accuracy_upper
    if math.isnan(upper):  # written before the interval was kept: the reason stands for both
        share = upper = -math.inf if Reason.ACCURACY_BREACH in state.reasons else math.inf
    return verdict_of(
        share,
        upper,
        state.effective_predictions,
        minimum_effective=config.minimum_effective_predictions,
        floor=config.accuracy_floor,
        fell=Reason.ACCURACY_FELL in state.reasons,
    )


def _furthest_first(figure: SeriesFigure) -> tuple[bool, float, str]:
    return math.isnan(figure.ratio), -figure.ratio if math.isfinite(figure.ratio) else 0.0, figure.name


__all__ = ["accuracy", "accuracy_of", "drift", "pair_drift"]
