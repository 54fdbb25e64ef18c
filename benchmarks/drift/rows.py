"""Candles with what a strategy and a model made of them, as plain columns: what every detector is shown."""

from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.faults import PRICES
from benchmarks.features import HORIZON, WARM_UP, direction, usual_features
from tradai_lifecycle.monitor import Candles
from tradai_lifecycle.strategy.frame import build_frame

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """One pair's n candles in time order: each column `(n,)`, `features` `(n, F)`.

    `prediction` is the model's signed score, NaN where there is none; `realised` the sign of the outcome that the
    prediction was about, NaN where it is not known.
    """

    dates_ns: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    features: Floats
    prediction: Floats
    realised: Floats

    def __len__(self) -> int:
        return len(self.dates_ns)

    @property
    def prices(self) -> Floats:
        """Open, high, low and close, `(n, 4)`."""
        return np.column_stack([self.open, self.high, self.low, self.close])

    @property
    def candles(self) -> Candles:
        """The prices and volumes alone."""
        return Candles(**{field.name: getattr(self, field.name) for field in fields(Candles)})

    def at(self, which: slice | NDArray[np.intp]) -> "Rows":
        """These rows of every column."""
        return Rows(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def followed_by(self, other: "Rows") -> "Rows":
        """These rows, then the other's."""
        names = [field.name for field in fields(self)]
        return Rows(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names})

    def without_outcomes_of_the_end(self) -> "Rows":
        """With the outcomes unknown that were decided by candles after the last row."""
        realised = self.realised.copy()
        realised[len(self) - min(HORIZON, len(self)) :] = np.nan
        return replace(self, realised=realised)

    def priced(self, prices: Floats) -> "Rows":
        """With other prices, `(n, 4)`."""
        return replace(self, **dict(zip(PRICES, prices.T, strict=True)))


def featured(candles: pd.DataFrame) -> tuple[tuple[str, ...], Rows]:
    """The names of the features, and the rows of the candles after the features' warm-up, not predicted yet."""
    strategy: Any = SimpleNamespace(
        horizon_candles=HORIZON,
        populate_features=lambda frame, _: usual_features(frame),
        populate_target=lambda frame, _: direction(frame),
    )
    _, frame = build_frame(strategy, candles.copy(), {"pair": "-"})
    rows = Rows(
        dates_ns=frame.dates_ns,
        features=frame.features,
        prediction=np.full(len(frame), np.nan),
        realised=frame.realised,
        **{column: candles[column].to_numpy(dtype=np.float64) for column in (*PRICES, "volume")},
    )
    return frame.feature_names, rows.at(slice(WARM_UP, None))


def moves(prices: Floats) -> Floats:
    """Logarithms of open, high, low and close over the close before, `(n, 4)`; the first row's over its own open."""
    before = np.concatenate([prices[:1, 0], prices[:-1, 3]])
    logarithms: Floats = np.log(prices / before[:, None])
    return logarithms


def chained(parts: Floats, start: float) -> Floats:
    """The prices `(n, 4)` that make these moves one after another from `start` on: no jump where parts were joined."""
    after = start * np.exp(np.cumsum(parts[:, 3]))
    before = np.concatenate([[start], after[:-1]])
    prices: Floats = before[:, None] * np.exp(parts)
    return prices


__all__ = ["Flags", "Floats", "Rows", "chained", "featured", "moves"]
