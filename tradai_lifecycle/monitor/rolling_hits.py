"""The accuracy of one pair's live frames, one after another: what newly known outcomes change, no more."""

from dataclasses import dataclass
from functools import partial

from tradai_lifecycle.monitor.accuracy import AccuracyColumns, AccuracyRule, accuracy_memory_candles
from tradai_lifecycle.monitor.effective import Bools, HitBits, HitWindow
from tradai_lifecycle.monitor.rolling_columns import KeptColumns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    rule: AccuracyRule
    bits: HitBits
    columns: KeptColumns[AccuracyColumns]
    # what the newest row knows; None where that is to be counted anew
    widest: HitWindow | None


class RememberedAccuracy:
    """The columns of `AccuracyRule.of`, to the last bit of every row asked for."""

    def __init__(self) -> None:
        self._last: _Known | None = None

    def next(self, scored: Bools, hit: Bools, rule: AccuracyRule, gone: int, from_row: int) -> AccuracyColumns:
        """The columns of a frame that lacks the last one's first `gone` rows; -1: it does not go on from it.

        Good until the next frame.
        """
        last, self._last = self._last, None
        bits, widest = HitBits.of(scored, hit), None
        if last is None or gone < 0 or last.rule != rule:
            columns = rule.of(scored, hit, from_row)
            kept = KeptColumns(columns, len(scored), partial(AccuracyColumns.unknown, window=rule.windows[-1]))
        else:
            kept, known = last.columns, last.bits.rows - gone
            columns = kept.go_on(gone, len(scored), from_row)
            again = _changed(last, bits, gone, from_row)
            rule.put(columns, scored, hit, again)
            # what the row before the first new one knows
            widest = None if again or known <= from_row else last.widest
            widest = rule.go_on(columns, bits, range(max(known, from_row), len(scored)), widest)
        self._last = _Known(rule=rule, bits=bits, columns=kept, widest=widest)
        return columns


# The rows known before, from the first to the last one whose windows hold a row that is scored otherwise now.
def _changed(last: _Known, bits: HitBits, gone: int, from_row: int) -> range:
    horizon, widest, known = last.rule.horizon_candles, last.rule.windows[-1], last.bits.rows - gone
    memory, later = accuracy_memory_candles(horizon, last.rule.windows), bits.rows - known
    changed = (bits.scored >> later ^ last.bits.scored) | (bits.hits >> later ^ last.bits.hits)
    # but those that are gone, and those whose outcomes only new rows know
    changed = (changed & ((1 << known) - 1)) >> horizon << horizon
    start, stop = known, 0
    if changed:
        first, newest = known - changed.bit_length(), known - (changed & -changed).bit_length()
        start, stop = first + horizon, newest + horizon + widest
    if gone and from_row < memory:
        # windows that reached into the rows that are gone
        start, stop = from_row, max(stop, memory)
    return range(max(start, from_row), min(stop, known))


__all__ = ["RememberedAccuracy"]
