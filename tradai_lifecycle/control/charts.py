"""Drift and accuracy over the recorded candles, as PNG pictures."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.standing import meant_pairs
from tradai_lifecycle.states import TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import StateRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Candles of a pair that are drawn.
DRAWN_CANDLES = 2_000
#: Pairs drawn together, those that drift most.
DRAWN_PAIRS = 6
_STATE_COLOURS = {TradingState.REDUCED: "#f2c14e", TradingState.PAUSED: "#d1495b"}


def drift_chart(ledger: Ledger, pair: str | None) -> bytes | None:
    """PSI over its significant limit at each candle of a pair, or of the pairs that drift most; None without any.

    The line at 1 is the limit; candles that were reduced or paused are shaded, in the strictest state of those drawn.
    Raises UnknownPairError.
    """
    newest = ledger.latest_states()
    asked = meant_pairs(newest, pair)
    worst_first = sorted(asked, key=lambda name: -_or_zero(newest[name].significant_ratio))
    lines = {name: ledger.states(name, limit=DRAWN_CANDLES) for name in worst_first[:DRAWN_PAIRS]}
    drawn = {name: states for name, states in lines.items() if _has_figures(s.significant_ratio for s in states)}
    if not drawn:
        return None
    figure, axes = _canvas("largest PSI over its significant limit", "times the limit")
    _shade(axes, _strictest(drawn.values()))
    for name, states in drawn.items():
        axes.plot(_dates(states), [state.significant_ratio for state in states], linewidth=1.4, label=name)
    axes.axhline(1.0, color="black", linestyle="--", linewidth=1.0)
    axes.set_ylim(bottom=0.0)
    return _png(figure, axes)


def accuracy_chart(ledger: Ledger, config: LifecycleConfig, pair: str | None) -> bytes | None:
    """The directional accuracy of a pair at each candle with its 95 % interval and the floor; None without any.

    Without a pair, that of the pair whose accuracy is the lowest. Raises UnknownPairError.
    """
    newest = ledger.latest_states()
    known = [name for name in meant_pairs(newest, pair) if math.isfinite(newest[name].accuracy)]
    if not known:
        return None
    name = min(known, key=lambda one: newest[one].accuracy)
    states = ledger.states(name, limit=DRAWN_CANDLES)
    figure, axes = _canvas(f"directional accuracy of {name}", "share of right directions")
    lower, upper = [state.accuracy_lower for state in states], [state.accuracy_upper for state in states]
    axes.fill_between(_dates(states), lower, upper, alpha=0.25, linewidth=0.0, label="95 % interval")
    axes.plot(_dates(states), [state.accuracy for state in states], linewidth=1.4, label="accuracy")
    axes.axhline(config.accuracy_floor, color="black", linestyle="--", linewidth=1.0, label="floor")
    return _png(figure, axes)


# the object API with a canvas of its own: pyplot keeps figures and a backend for the whole process
def _canvas(title: str, unit: str) -> tuple["Figure", "Axes"]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    figure = Figure(figsize=(8.0, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _png(figure: "Figure", axes: "Axes") -> bytes:
    axes.set_xlabel("UTC")
    figure.autofmt_xdate()
    axes.legend(loc="upper left", fontsize="small")
    written = BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _shade(axes: "Axes", spans: Iterable[tuple[TradingState, datetime, datetime]]) -> None:
    named = set[TradingState]()
    for state, start, end in spans:
        label = None if state in named else state.label
        named.add(state)
        axes.axvspan(_utc(start), _utc(end), color=_STATE_COLOURS[state], alpha=0.25, linewidth=0.0, label=label)  # type: ignore[arg-type]


# Runs of candles whose strictest effective state was not active, from their first candle to that after their last.
def _strictest(lines: Iterable[Sequence[StateRecord]]) -> list[tuple[TradingState, datetime, datetime]]:
    strictest = dict[datetime, TradingState]()
    for states in lines:
        for state in states:
            strictest[state.candle] = max(state.effective, strictest.get(state.candle, TradingState.ACTIVE))
    in_order = groupby(sorted(strictest.items()), lambda item: item[1])
    runs = [(state, [candle for candle, _ in run]) for state, run in in_order]
    # a candle lasts until the next one opens, the newest one as long as the one before it
    *_, earlier, newest = [min(strictest), *sorted(strictest)]
    ends = [candles[0] for _, candles in runs[1:]] + [newest + (newest - earlier)]
    return [(state, run[0], end) for (state, run), end in zip(runs, ends, strict=True) if state in _STATE_COLOURS]


def _dates(states: Sequence[StateRecord]) -> NDArray[np.datetime64]:
    return np.array([_utc(state.candle) for state in states])


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "s")


def _has_figures(values: Iterable[float]) -> bool:
    return any(math.isfinite(value) for value in values)


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0


__all__ = ["accuracy_chart", "drift_chart"]
