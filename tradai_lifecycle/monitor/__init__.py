"""What candles say about a model: drift, data quality, accuracy. Arrays in, frozen values out, no world touched."""

from tradai_lifecycle.monitor.accuracy import AccuracyColumns, rolling_accuracy
from tradai_lifecycle.monitor.drift import SeriesLimits
from tradai_lifecycle.monitor.fitting import fit_pair_reference
from tradai_lifecycle.monitor.health import (
    EvidenceAsked,
    HealthColumns,
    SeriesHealth,
    assess,
    health_memory_candles,
    series_health,
)
from tradai_lifecycle.monitor.limits import expected_alarms_per_1000, pair_limits, series_limits
from tradai_lifecycle.monitor.market import MARKET_SERIES, Candles
from tradai_lifecycle.monitor.psi import bin_codes, rolling_psi, window_psi
from tradai_lifecycle.monitor.quality import quality_memory_candles, quality_reasons
from tradai_lifecycle.monitor.reference import FeatureReference, MarketReference, PairReference, ReferenceProfile
from tradai_lifecycle.monitor.rolling_health import RollingHealth
from tradai_lifecycle.monitor.settings import HealthSettings

__all__ = [
    "MARKET_SERIES",
    "AccuracyColumns",
    "Candles",
    "EvidenceAsked",
    "FeatureReference",
    "HealthColumns",
    "HealthSettings",
    "MarketReference",
    "PairReference",
    "ReferenceProfile",
    "RollingHealth",
    "SeriesHealth",
    "SeriesLimits",
    "assess",
    "bin_codes",
    "expected_alarms_per_1000",
    "fit_pair_reference",
    "health_memory_candles",
    "pair_limits",
    "quality_memory_candles",
    "quality_reasons",
    "rolling_accuracy",
    "rolling_psi",
    "series_health",
    "series_limits",
    "window_psi",
]
