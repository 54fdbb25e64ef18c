"""Backtest time with the lifecycle against the same strategy without it."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from benchmarks.rows import Bound, Row
from benchmarks.surroundings import CANDLES, PAIRS, Surroundings, market, surroundings
from benchmarks.timing import Paired
from tradai_lifecycle.sandbox import SandboxExchange, load_freqtrade_config

TURNS = 5


class Backtest:
    """freqtrade's own backtest of one strategy in this process, candles loaded once."""

    def __init__(self, place: Surroundings, strategy: str, url: str, **section: Any) -> None:
        from freqtrade.enums import RunMode  # noqa: PLC0415 - freqtrade takes seconds to import
        from freqtrade.optimize.backtesting import Backtesting  # noqa: PLC0415

        file = place.configuration(strategy, url, **section)
        overrides = {"export": "none", "backtest_cache": "none"}
        self._host = Backtesting(load_freqtrade_config([file], overrides, RunMode.BACKTEST))
        self._candles, self._timerange = self._host.load_bt_data()
        self.trades: list[tuple[Any, ...]] = []
        self.indicator_seconds: list[float] = []
        self.loop_seconds: list[float] = []

    def run(self) -> float:
        """Seconds of indicators, signals and loop; the trades are kept."""
        host = self._host
        gc.collect()
        inner = host.backtest
        took: list[float] = []

        def timed(**arguments: Any) -> dict[str, Any]:
            began = perf_counter()
            result = inner(**arguments)
            took.append(perf_counter() - began)
            return result

        host.backtest = timed
        began = perf_counter()
        host.backtest_one_strategy(host.strategylist[0], self._candles, self._timerange)
        whole = perf_counter() - began
        host.backtest = inner
        self.loop_seconds.append(took[0])
        self.indicator_seconds.append(whole - took[0])
        self.trades = _trades(host.all_bt_content[host.strategylist[0].get_strategy_name()]["results"])
        return whole


def rows() -> list[Row]:
    """Without, observing, acting, in turns; observing must trade as without."""
    place = surroundings().another("backtest")
    with _quiet(), SandboxExchange.from_frames(market(), "1h") as exchange:
        plain = Backtest(place, "Plain", exchange.url)
        sides = {mode: Backtest(place, "Watched", exchange.url, mode=mode) for mode in ("observe", "act")}
        for backtest in (plain, *sides.values()):
            backtest.run()
        assert sides["observe"].trades == plain.trades, "observing changed the trades"
        assert plain.trades, "no trade was made"
        turns = [(plain.run(), sides["observe"].run(), sides["act"].run()) for _ in range(TURNS)]
    without = [turn[0] for turn in turns]
    return [
        _row(mode, Paired.of(without, [turn[1 + position] for turn in turns]), plain, sides[mode])
        for position, mode in enumerate(sides)
    ]


def _row(mode: str, paired: Paired, plain: Backtest, watched: Backtest) -> Row:
    words = {"observe": "observing", "act": "acting"}[mode]
    traded = "equal trades" if watched.trades == plain.trades else f"{len(watched.trades):,} trades"
    return Row(
        name=f"backtest with the lifecycle {words} / without",
        figure=paired.ratio,
        unit="x",
        bound=Bound(most=1.3),
        measured=f"{len(PAIRS)} pairs x {CANDLES:,} candles, 1h, indicators and loop, start-up left out, median of "
        f"{paired.turns} turns: {paired.other:.2f} s of {paired.base:.2f} s; {len(plain.trades):,} trades, {traded}",
        details={
            "seconds_without": paired.base,
            "seconds_with": paired.other,
            "indicator_seconds": [min(plain.indicator_seconds), min(watched.indicator_seconds)],
            "loop_seconds": [min(plain.loop_seconds), min(watched.loop_seconds)],
            "trades": [len(plain.trades), len(watched.trades)],
        },
    )


def _trades(results: Any) -> list[tuple[Any, ...]]:
    columns = ["pair", "open_date", "close_date", "open_rate", "close_rate", "stake_amount", "profit_abs"]
    return list(results[columns].itertuples(index=False, name=None))


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


__all__ = ["Backtest", "rows"]
