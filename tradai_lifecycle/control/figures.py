"""Figures of drift and accuracy, out of what the bot wrote at its newest candles."""

import math

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.reports import AccuracyFigure, AccuracyReport, DriftReport, PairDrift, SeriesFigure
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import meant_pairs
from tradai_lifecycle.states import AccuracyVerdict, Reason
from tradai_lifecycle.store.records import PairSeries, StateRecord


def drift(request: Request) -> Answer:
    """PSI of each series against its limit, of one pair or of all."""
    found = request.ledger.series()
    asked = meant_pairs(found, request.command.pair)
    pairs = {pair: pair_drift(found[pair]) for pair in asked}
    return request.shown(DriftReport(pairs=pairs, whole=request.command.pair is not None))


def accuracy(request: Request) -> Answer:
    """Directional accuracy with its interval, of one pair or of all."""
    found = request.ledger.latest_states()
    asked = meant_pairs(found, request.command.pair)
    return request.shown(AccuracyReport(pairs={pair: accuracy_of(found[pair], request.config) for pair in asked}))


def pair_drift(series: PairSeries) -> PairDrift:
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
    )


def accuracy_of(state: StateRecord, config: LifecycleConfig) -> AccuracyFigure:
    """The accuracy that was known at a pair's newest candle."""
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
    )


# keep in sync with tradai_lifecycle/monitor/accuracy.py: _verdicts
def _verdict(state: StateRecord, config: LifecycleConfig) -> AccuracyVerdict:
    if not state.effective_predictions >= config.minimum_effective_predictions:
        return AccuracyVerdict.INSUFFICIENT_DATA
    if math.isnan(state.accuracy_upper):  # written before the interval was kept
        breached = Reason.ACCURACY_BREACH in state.reasons
    else:
        breached = state.accuracy < config.accuracy_floor and state.accuracy_upper < config.accuracy_floor
    return AccuracyVerdict.BREACHED if breached else AccuracyVerdict.HEALTHY


def _furthest_first(figure: SeriesFigure) -> tuple[bool, float, str]:
    return math.isnan(figure.ratio), -figure.ratio if math.isfinite(figure.ratio) else 0.0, figure.name


__all__ = ["accuracy", "accuracy_of", "drift", "pair_drift"]
