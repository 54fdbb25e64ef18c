"""What candles say about a model: drift, data quality, accuracy. Arrays in, frozen values out, no world touched."""

from tradai_lifecycle.monitor.accuracy import AccuracyColumns, rolling_accuracy
from tradai_lifecycle.monitor.drift import SeriesLimits
from tradai_lifecycle.monitor.health import (
    EvidenceAsked,
    HealthColumns,
    HealthSettings,
    SeriesHealth,
    assess,
    health_memory_candles,
    series_health,
    series_limits,
)
from tradai_lifecycle.monitor.psi import bin_codes, rolling_psi, window_psi
from tradai_lifecycle.monitor.quality import quality_memory_candles, quality_reasons
from tradai_lifecycle.monitor.reference import FeatureReference, PairReference, ReferenceProfile, fit_pair_reference
from tradai_lifecycle.monitor.rolling_health import RollingHealth

__all__ = [
    "AccuracyColumns",
    "EvidenceAsked",
    "FeatureReference",
    "HealthColumns",
    "HealthSettings",
    "PairReference",
    "ReferenceProfile",
    "RollingHealth",
    "SeriesHealth",
    "SeriesLimits",
    "assess",
    "bin_codes",
    "fit_pair_reference",
    "health_memory_candles",
    "quality_memory_candles",
    "quality_reasons",
    "rolling_accuracy",
    "rolling_psi",
    "series_health",
    "series_limits",
    "window_psi",
]
