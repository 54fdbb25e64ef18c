"""What stands beside an accuracy, in words: each direction, baselines, validation, and what keeps its rule mute."""

import math
from collections.abc import Iterator, Mapping

from tradai_lifecycle.control.phrases import figure
from tradai_lifecycle.control.reports import AccuracyBeside, AccuracyFigure, DirectionFigure

NAMED = 6


def beside_lines(accuracy: AccuracyFigure) -> Iterator[str]:
    """Over what the accuracy is taken, each direction, the baselines, the validation; nothing where none is known."""
    beside = accuracy.beside
    if beside is None:
        return
    covered = f", {beside.coverage:.0%} of the candles outside the dead band" if math.isfinite(beside.coverage) else ""
    yield f"over {_length(beside.window_days, beside.window_candles)}: {beside.predictions:,} predictions{covered}"
    yield f"up {_direction_words(beside.up)}; down {_direction_words(beside.down)}"
    yield f"always up {figure(beside.always_up)}; {_chance_words(beside)}"
    yield _validation_words(beside)
    if beside.cannot_be_judged:
        yield _needs_words(beside)


def accuracy_warnings(pairs: Mapping[str, AccuracyFigure]) -> Iterator[str]:
    """Where an accuracy rule is mute whatever happens: too few predictions for the widest window, or no validation."""
    known = {pair: one.beside for pair, one in pairs.items() if one.beside is not None}
    blind = {pair: beside for pair, beside in known.items() if beside.cannot_be_judged}
    if blind:
        worst = max(blind.values(), key=lambda beside: beside.needed_candles)
        yield f"! {_needs_words(worst)}: {_named(list(blind))}"
    unknown = [pair for pair, beside in known.items() if not math.isfinite(beside.validated_accuracy)]
    if unknown:
        yield f"! the model has no validation to compare with, so a fall of accuracy is not seen: {_named(unknown)}"


def _named(pairs: list[str]) -> str:
    more = len(pairs) - NAMED
    return ", ".join(pairs[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _length(days: float, candles: float) -> str:
    return f"{days:.1f} days" if math.isfinite(days) else f"{candles:,.0f} candles"


def _needs_words(beside: AccuracyBeside) -> str:
    needed = _length(beside.needed_days, beside.needed_candles)
    if not math.isfinite(beside.needed_candles):
        needed = "more predictions than it gets"
    widest = _length(beside.widest_window_days, beside.widest_window_candles)
    return f"accuracy cannot be judged at this timeframe: needs {needed}, {widest} are looked at"


def _direction_words(direction: DirectionFigure) -> str:
    if not direction.predictions:
        return "never said"
    interval = f"[{direction.lower:.3f}, {direction.upper:.3f}]"
    worth = f"{direction.predictions:,} predictions, {direction.effective_predictions:.0f} effective"
    return f"{direction.accuracy:.3f} {interval} of {worth}"


def _chance_words(beside: AccuracyBeside) -> str:
    if not math.isfinite(beside.pesaran_timmermann):
        return "not to be told from chance: one direction only"
    return f"Pesaran-Timmermann {beside.pesaran_timmermann:.2f}, by chance in {beside.p_value:.1%} of cases"


def _validation_words(beside: AccuracyBeside) -> str:
    if not math.isfinite(beside.validated_accuracy):
        return "no validation to compare with: a fall cannot be seen until a model is trained anew"
    return f"validation {beside.validated_accuracy:.3f} of {beside.validated_effective_predictions:,.0f} effective"


__all__ = ["accuracy_warnings", "beside_lines"]
