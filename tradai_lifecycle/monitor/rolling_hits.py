"""The accuracy of one pair's live frames, one after another: what newly known outcomes change, no more."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.accuracy import AccuracyColumns, AccuracyRule, accuracy_memory_candles
from tradai_lifecycle.monitor.effective import Bools
from tradai_lifecycle.monitor.rolling_columns import KeptColumns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    rule: AccuracyRule
    scored: Bools
    hits: Bools
    columns: KeptColumns[AccuracyColumns]


class RememberedAccuracy:
    """The columns of `AccuracyRule.of`, to the last bit of every row asked for."""

    def __init__(self) -> None:
        self._last: _Known | None = None

    def next(self, scored: Bools, hit: Bools, rule: AccuracyRule, gone: int, from_row: int) -> AccuracyColumns:
        """The columns of a frame that lacks the last one's first `gone` rows; -1: it does not go on from it.

        Good until the next frame.
        """
        last, self._last = self._last, None
        hits = scored & hit
        if last is None or gone < 0 or last.rule != rule:
            columns = rule.of(scored, hit, from_row)
            kept = KeptColumns(columns, len(scored), partial(AccuracyColumns.unknown, window=rule.windows[-1]))
        else:
            kept = last.columns
            columns = _going_on(last, gone, scored, hits, from_row)
        self._last = _Known(rule=rule, scored=scored, hits=hits, columns=kept)
        return columns


def _going_on(last: _Known, gone: int, scored: Bools, hits: Bools, from_row: int) -> AccuracyColumns:
    known, rows, rule = len(last.scored) - gone, len(scored), last.rule
    columns = last.columns.go_on(gone, rows, from_row)
    again = _changed(last, gone, scored[:known], hits[:known], from_row)
    for part in (again, range(max(known, from_row), rows)):
        rule.put(columns, scored, hits, part)
    return columns


# The rows known before, from the first to the last one whose windows hold a row that is scored otherwise now.
def _changed(last: _Known, gone: int, scored: Bools, hits: Bools, from_row: int) -> range:
    horizon, widest, known = last.rule.horizon_candles, last.rule.windows[-1], len(scored)
    changed: NDArray[np.intp] = np.flatnonzero((scored != last.scored[gone:]) | (hits != last.hits[gone:])) + horizon
    # whose outcomes only new rows know, and which no row asked for looks back at
    changed = changed[(changed < known) & (changed + widest > from_row)]
    start, stop = (int(changed[0]), int(changed[-1]) + widest) if len(changed) else (known, 0)
    memory = accuracy_memory_candles(horizon, last.rule.windows)
    if gone and from_row < memory:
        # windows that reached into the rows that are gone
        start, stop = from_row, max(stop, memory)
    return range(max(start, from_row), min(stop, known))


__all__ = ["RememberedAccuracy"]
