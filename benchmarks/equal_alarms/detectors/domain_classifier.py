"""A domain classifier: how well can candles of the window be told from those of training?

A linear discriminant on normal scores of the features, their squares and products, so that shifts, spreads and
relations between two features can be told. Window and training are cut into contiguous folds; each fold of both is
scored by what the others taught, because neighbouring candles would give each other away. The area under the curve is
taken in probits and over what held-out windows of training reach.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import ndtri

from benchmarks.drift.rows import Floats, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.drift.streams.stream import WINDOW
from benchmarks.equal_alarms.scaling import BareRatio

EVERY, FOLDS, BLOCKS = 125, 4, 8
#: Of each block every so many training rows is scored.
THINNED = 5
#: Two standard deviations above the mean of the training windows.
DEVIATIONS = 2.0
_RIDGE, _LEAST_LIMIT, _PERFECT = 1e-2, 0.05, 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainClassifier:
    """The area under the curve of a classifier between window and training."""

    name: str = "domain classifier"
    about: str = (
        "area under the curve, in probits, of a linear discriminant (normal scores, squares, products; four contiguous "
        "folds) between window and training, beyond two standard deviations above the mean of held-out training "
        "windows; judged every 125 candles"
    )

    def fit(self, scene: Scene) -> "DomainClassifierWatch":
        """Learn the scores, the spread of training, and what its windows reach when they are held out."""
        scores = NormalScores.of(scene.reference.features)
        blocks = np.array_split(scores.expanded(scene.reference.features), BLOCKS)
        told = [area for held_out in range(BLOCKS) for area in _held_out_areas(blocks, held_out)]
        limit = max(float(np.mean(told) + DEVIATIONS * np.std(told)), _LEAST_LIMIT)
        return DomainClassifierWatch(scores=scores, folds=_discriminant(blocks, None), limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainClassifierWatch:
    """The folds of training that a window is told from, and the area that is too large, in probits."""

    scores: "NormalScores"
    folds: tuple["Fold", ...]
    limit: float

    def evidence(self, live: Rows, from_row: int) -> BareRatio:
        """The area over the limit, judged every 125 candles and held in between; 0 before."""
        first = max(from_row, WINDOW - 1)
        expanded = self.scores.expanded(live.features[first - WINDOW + 1 :])
        starts = range(0, len(expanded) - WINDOW + 1, EVERY)
        judged = np.array([_probit(self.folds, expanded[start : start + WINDOW]) for start in starts])
        ratio = np.zeros(len(live))
        ratio[first:] = np.repeat(judged / self.limit, EVERY)[: len(live) - first]
        return BareRatio(ratio=ratio)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalScores:
    """The training values of every feature in order: a value's rank among them gives its score."""

    features: tuple[Floats, ...]

    @classmethod
    def of(cls, features: Floats) -> "NormalScores":
        """From training rows `(m, F)`; what is not finite is left out."""
        return cls(features=tuple(np.sort(column[np.isfinite(column)]) for column in features.T))

    def expanded(self, features: Floats) -> Floats:
        """Scores, their squares and their products `(n, F + F (F + 1) / 2)`; what is not finite scores lowest."""
        scores = np.column_stack(
            [_scores(known, column) for known, column in zip(self.features, features.T, strict=True)]
        )
        left, right = np.triu_indices(scores.shape[1])
        return np.concatenate([scores, scores[:, left] * scores[:, right]], axis=1)


def _scores(known: Floats, column: Floats) -> Floats:
    finite = np.where(np.isfinite(column), column, -np.inf)
    below = np.searchsorted(known, finite, side="left") + np.searchsorted(known, finite, side="right")
    scores: Floats = ndtri((below / 2.0 + 0.5) / (len(known) + 1.0))
    return scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """What the other folds of training taught, and this fold's own rows, to be scored."""

    mean: Floats
    spread: tuple[Floats, bool]
    scored: Floats


# the folds of training without the block that is held out
def _discriminant(blocks: list[Floats], held_out: int | None) -> tuple[Fold, ...]:
    kept = [number for number in range(len(blocks)) if number != held_out]
    return tuple(_fold(blocks, kept, fold) for fold in range(FOLDS))


def _fold(blocks: list[Floats], kept: list[int], fold: int) -> Fold:
    own = [number for number in kept if number * FOLDS // len(blocks) == fold]
    teaching = np.concatenate([blocks[number][::THINNED] for number in kept if number not in own])
    spread = np.cov(teaching, rowvar=False)
    spread[np.diag_indices_from(spread)] += _RIDGE * np.trace(spread) / len(spread)
    scored = np.concatenate([blocks[number][::THINNED] for number in own])
    return Fold(mean=teaching.mean(axis=0), spread=linalg.cho_factor(spread, lower=True), scored=scored)


# of the windows of one block, a quarter of a window apart, against the others
def _held_out_areas(blocks: list[Floats], held_out: int) -> list[float]:
    folds, block = _discriminant(blocks, held_out), blocks[held_out]
    return [_probit(folds, block[start : start + WINDOW]) for start in range(0, len(block) - WINDOW + 1, EVERY)]


def _probit(folds: tuple[Fold, ...], window: Floats) -> float:
    parts = np.array_split(window, len(folds))
    total = window.sum(axis=0)
    areas = []
    for part, fold in zip(parts, folds, strict=True):
        others = (total - part.sum(axis=0)) / (len(window) - len(part))
        weights = linalg.cho_solve(fold.spread, others - fold.mean)
        areas.append(_area(fold.scored @ weights, part @ weights))
    return float(ndtri(np.clip(np.mean(areas), _PERFECT, 1.0 - _PERFECT)))


# the share of pairs in which the window's row scores higher
def _area(known: Floats, seen: Floats) -> float:
    ordered = np.sort(known)
    below = np.searchsorted(ordered, seen, side="left") + np.searchsorted(ordered, seen, side="right")
    return float(below.mean() / (2.0 * len(ordered)))


__all__ = ["DomainClassifier", "DomainClassifierWatch"]
