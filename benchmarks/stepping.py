"""How fast a bot can be stepped, with the lifecycle and without it."""

from contextlib import ExitStack

from benchmarks.rows import Row
from benchmarks.stepped import bot_process
from benchmarks.surroundings import PAIRS, TRAINED_CANDLES, surroundings
from benchmarks.timing import taken_in_turns

CANDLES, WARM_UP = 150, 5
FIRST_CANDLE = TRAINED_CANDLES + 100


def rows() -> list[Row]:
    """Two bots take turns on equal candles: the plain strategy and the watched one, frames of one length."""
    place = surroundings().another("stepping")
    with ExitStack() as stack:
        plain = stack.enter_context(bot_process(place, "Plain", FIRST_CANDLE))
        watched = stack.enter_context(
            bot_process(place.another("stepping-watched"), "Watched", FIRST_CANDLE, poll_interval_seconds=86_400)
        )
        taken_in_turns(plain.new_candle, watched.new_candle, WARM_UP)
        paired = taken_in_turns(plain.new_candle, watched.new_candle, CANDLES)
    size = f"{len(PAIRS)} pairs, 1h, frames of {place.startup_candles:,} candles, median of {CANDLES} candles in turns"
    return [
        _row("with the lifecycle", 1 / paired.other, f"{size}; {paired.ratio:.2f} times the plain strategy's loop"),
        _row("with a plain strategy", 1 / paired.base, f"{size}; equal features, model and startup"),
    ]


def _row(what: str, speed: float, measured: str) -> Row:
    return Row(name=f"stepping a bot {what}", figure=speed, unit=" candles/s", digits=1, measured=measured)


__all__ = ["rows"]
