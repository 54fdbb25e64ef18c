"""Rolling PSI of a whole history against recomputing each of its rows."""

import numpy as np

from benchmarks.monitor import CANDLES, FEATURES, WINDOW, fitted, synthetic_features
from benchmarks.rows import Bound, Row
from benchmarks.timing import in_turns
from tradai_lifecycle.monitor import bin_codes, rolling_psi, window_psi

SAMPLED = 50


def rows() -> list[Row]:
    """The whole history at once, binning included, in turns with a sample of rows that is scaled to all of them."""
    features = synthetic_features(CANDLES, FEATURES)
    references = fitted(features).features
    ends = np.linspace(WINDOW, CANDLES, SAMPLED).astype(int)

    def recompute() -> None:
        for end in ends:
            window_psi(bin_codes(features[end - WINDOW : end], references), references)

    paired = in_turns(
        lambda: rolling_psi(bin_codes(features, references), references, WINDOW), recompute, turns=5, warm_up=1
    )
    scale = (CANDLES - WINDOW + 1) / SAMPLED
    return [
        Row(
            name=f"each row anew / rolling PSI, {CANDLES:,} x {FEATURES}, window {WINDOW}",
            figure=paired.ratio * scale,
            unit="x",
            digits=0,
            bound=Bound(least=100),
            measured=f"rolling with binning {paired.base:.2f} s; {SAMPLED} rows anew, scaled to all: "
            f"{paired.other * scale:.0f} s; median of {paired.turns} turns",
            details={"rolling_seconds": paired.base, "scaled_seconds": paired.other * scale, "sampled_rows": SAMPLED},
        )
    ]


__all__ = ["rows"]
