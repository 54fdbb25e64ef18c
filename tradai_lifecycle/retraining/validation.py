"""What held-out candles say of a model: its accuracy, scored as a running bot scores it, and what that is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.model.validation import VALIDATION_DEAD_BAND, pair_metrics
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.effective import Bools, Share, pooled_share, share_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """One pair's held-out candles in time order, each (n,): scores and outcomes, NaN where there is none."""

    pair: str
    dates_ns: NDArray[np.int64]
    scores: FloatArray
    outcomes: FloatArray


def validation_metrics(
    held_out: Sequence[HeldOut], *, horizon_candles: int, candle_ns: int, dead_band: float
) -> dict[str, float]:
    """Accuracy, predictions, effective predictions and candles of all pairs together and of each; always-up beside it.

    Scored are rows with a score beyond `dead_band` and an outcome that is not zero. A pair without one has no figures;
    without any there are no metrics at all.
    """
    first = min(int(part.dates_ns[0]) for part in held_out if len(part.dates_ns))
    last = max(int(part.dates_ns[-1]) for part in held_out if len(part.dates_ns))
    columns = [_Column.of(part, first, (last - first) // candle_ns + 1, candle_ns, dead_band) for part in held_out]
    lags = 2 * horizon_candles
    pooled = pooled_share([(column.scored, column.hits) for column in columns], lags)
    if not pooled.predictions:
        return {}
    metrics = pair_metrics(_validated(pooled, sum(column.candles for column in columns)))
    ups = sum(int(np.count_nonzero(column.scored & column.up)) for column in columns)
    metrics |= {"validation_always_up_accuracy": ups / pooled.predictions, VALIDATION_DEAD_BAND: dead_band}
    for part, column in zip(held_out, columns, strict=True):
        share = share_of(column.scored, column.hits, lags)
        if share.predictions:
            metrics |= pair_metrics(_validated(share, column.candles), part.pair)
    return metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A pair's rows laid on the candles of all pairs: what is missing is not scored."""

    scored: Bools
    hits: Bools
    up: Bools
    candles: int

    @classmethod
    def of(cls, part: HeldOut, first: int, rows: int, candle_ns: int, dead_band: float) -> "_Column":
        """On `rows` candles from `first` (ns) on; all rows of `part` must lie on them. Columns are `(rows,)`."""
        laid = np.zeros((3, rows), dtype=np.bool_)
        scored = np.isfinite(part.scores) & np.isfinite(part.outcomes) & (part.outcomes != 0.0)
        scored &= np.abs(part.scores) > dead_band
        hits = np.sign(part.scores) == np.sign(part.outcomes)
        laid[:, (part.dates_ns - first) // candle_ns] = scored, hits, part.outcomes > 0.0
        return cls(scored=laid[0], hits=laid[1], up=laid[2], candles=len(part.dates_ns))


def _validated(share: Share, candles: int) -> Validated:
    return Validated(
        accuracy=share.accuracy,
        predictions=share.predictions,
        effective_predictions=share.effective_predictions,
        candles=candles,
    )


__all__ = ["HeldOut", "validation_metrics"]
