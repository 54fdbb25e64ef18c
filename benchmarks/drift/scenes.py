"""A cheap honest model and the candles it was trained on: what live candles are then compared with."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift.markets import Series
from benchmarks.drift.rows import Floats, Rows

FOLDS = 4
TREES = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What a detector may learn from: the training rows of one series, predicted out of fold, and the model."""

    series: Series
    feature_names: tuple[str, ...]
    reference: Rows
    model: Any

    def predicted(self, rows: Rows) -> Rows:
        """The rows with this model's predictions."""
        return replace(rows, prediction=_scores(self.model, rows.features))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """Live candles after a scene's training; from row `onset` on they are watched, before it they are history."""

    scene: Scene
    live: Rows
    onset: int


def trained_scene(series: Series, feature_names: tuple[str, ...], reference: Rows) -> Scene:
    """Fit the model on the reference, and predict the reference by models of other folds, so as unsure as when live."""
    edges = np.linspace(0, len(reference), FOLDS + 1).astype(np.intp)
    rows = np.arange(len(reference))
    prediction = np.empty(len(reference))
    for first, end in pairwise(edges):
        inside = (rows >= first) & (rows < end)
        prediction[inside] = _scores(_fitted(reference, ~inside), reference.features[inside])
    return Scene(
        series=series,
        feature_names=feature_names,
        reference=replace(reference, prediction=prediction),
        model=_fitted(reference, np.ones(len(reference), dtype=np.bool_)),
    )


def _fitted(rows: Rows, chosen: NDArray[np.bool_]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - heavy

    chosen = chosen & np.isfinite(rows.features).all(axis=1) & np.isfinite(rows.realised) & (rows.realised != 0.0)
    model = HistGradientBoostingClassifier(max_iter=TREES, max_leaf_nodes=15, early_stopping=False, random_state=0)
    return model.fit(rows.features[chosen], rows.realised[chosen])


# signed, positive is up; a row with a feature that is not finite gets none, as in the package
def _scores(model: Any, features: Floats) -> Floats:
    finite = np.isfinite(features).all(axis=1)
    scores = np.full(len(features), np.nan)
    if finite.any():
        scores[finite] = 2.0 * model.predict_proba(features[finite])[:, 1] - 1.0
    return scores


__all__ = ["Run", "Scene", "trained_scene"]
