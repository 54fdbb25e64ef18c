"""From a detector's alarms to what came of a run."""

from dataclasses import dataclass

import numpy as np

from benchmarks.drift.rows import Flags

#: A trigger is an alarm at least so many candles after the trigger before: always on is 4 per 1,000.
COOL_DOWN = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of the `candles` watched in one run: the triggers, the candles in alarm, and how soon the alarm began.

    `delay` counts candles from the onset to the first in alarm, that one included; None if there is none. A run that
    was `already_on` at the candle before the onset tells nothing about the delay.
    """

    candles: int
    triggers: int
    alarmed: int
    already_on: bool
    delay: int | None


def outcome_of(alarm: Flags, onset: int) -> Outcome:
    """What an alarm `(n,)` did from the row `onset` on."""
    watched = alarm[onset:]
    return Outcome(
        candles=len(watched),
        triggers=_triggers(watched),
        alarmed=int(watched.sum()),
        already_on=bool(alarm[onset - 1]) if onset else False,
        delay=int(watched.argmax()) + 1 if watched.any() else None,
    )


def _triggers(alarm: Flags) -> int:
    count, last = 0, -COOL_DOWN
    for row in np.flatnonzero(alarm).tolist():
        if row - last >= COOL_DOWN:
            count, last = count + 1, row
    return count


__all__ = ["COOL_DOWN", "Outcome", "outcome_of"]
