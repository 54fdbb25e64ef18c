"""Golden candles at training time: a short frame that gives the features of the long one, and what it cannot give."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradai_lifecycle.model.bundle import GoldenCandles, GoldenPair
from tradai_lifecycle.model.golden import KEPT_KINDS
from tradai_lifecycle.states import Unchecked
from tradai_lifecycle.strategy.columns import Frame
from tradai_lifecycle.strategy.differences import equal
from tradai_lifecycle.strategy.frame import computed_features
from tradai_lifecycle.strategy.golden import golden_frame

FloatRows = NDArray[np.float64]

#: Newest candles whose features are kept; as many more as the features need to warm up stand before them.
GOLDEN_ROWS = 64
#: A column that misses that of the long frame on the newest rows by more than this share of its spread does not settle.
REPRODUCED_SHARE = 0.1
SETTLED_ROWS = 16


@contextmanager
def inputs_of_features(strategy: Any, rows: int) -> Iterator[Mapping[str, pd.DataFrame]]:
    """While open, the newest `rows` rows that `populate_features` was given last, by pair.

    They may hold more than candles: columns of informative pairs are merged before the features are computed.
    """
    seen: dict[str, pd.DataFrame] = {}
    original = strategy.populate_features

    def noting(dataframe: pd.DataFrame, metadata: dict[str, Any]) -> Any:
        seen[str(metadata["pair"])] = dataframe.iloc[-rows:].copy()
        return original(dataframe, metadata)

    strategy.populate_features = noting
    try:
        yield seen
    finally:
        # the method of the class shows again
        del strategy.populate_features


def golden_by_pair(
    strategy: Any, frames: Sequence[Frame], inputs: Mapping[str, pd.DataFrame]
) -> dict[str, GoldenCandles]:
    """The golden candles of the cheapest and the dearest pair: a number that fits one price may not fit the other.

    Never raises: where there can be none, `problem` says why.
    """
    by_price = sorted(frames, key=lambda frame: float(frame.close[-1]))
    chosen = {frame.pair: frame for frame in (by_price[0], by_price[-1])}
    return {pair: _golden(strategy, frame, inputs[pair]) for pair, frame in chosen.items()}


def _golden(strategy: Any, frame: Frame, given: pd.DataFrame) -> GoldenCandles:
    columns = {name: values for name, values in _columns(given).items() if values.dtype.kind in KEPT_KINDS}
    rows = min(GOLDEN_ROWS, len(given))

    def compute() -> FloatRows:
        """The newest golden rows by the strategy's code. ValueError where its columns are not those of a long frame."""
        _, names, values = computed_features(strategy, golden_frame(columns), {"pair": frame.pair})
        if names != frame.feature_names:
            raise ValueError("it gives other columns there than on a long frame")
        return values[-rows:]

    where = f"on {len(given)} candles of {frame.pair} alone"
    try:
        first, second = compute(), compute()
    except Exception as error:  # noqa: BLE001 - user code raises anything; the model is good without golden candles
        return GoldenCandles(problem=f"populate_features does not work {where}: {error!r}")
    try:
        with _candles_of_another_time(strategy, given):
            elsewhere = compute()
    except Exception as error:  # noqa: BLE001 - the same
        return GoldenCandles(problem=f"populate_features needs other candles of the same time {where}: {error!r}")
    unchecked = _unchecked(frame, len(given), first=first, second=second, elsewhere=elsewhere)
    if len(unchecked) == len(frame.feature_names):
        return GoldenCandles(problem=f"no feature can be computed again {where}")
    return GoldenCandles(pairs=(GoldenPair(pair=frame.pair, columns=columns, features=first),), unchecked=unchecked)


def _columns(given: pd.DataFrame) -> dict[str, NDArray[Any]]:
    return {str(name): _plain(given[name]) for name in given.columns}


def _plain(column: pd.Series) -> NDArray[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    values: NDArray[Any] = column.to_numpy()
    return values


def _unchecked(
    frame: Frame, given: int, *, first: FloatRows, second: FloatRows, elsewhere: FloatRows
) -> dict[str, Unchecked]:
    tests: tuple[tuple[Unchecked, Callable[[int], bool]], ...] = (
        (Unchecked.NOT_REPEATABLE, lambda column: _same(first, second, column)),
        (Unchecked.OTHER_CANDLES, lambda column: _same(first, elsewhere, column)),
        (Unchecked.FRAME_START, lambda column: _reproduced(frame.features[-given:, column], first[:, column])),
    )
    found = {}
    for column, name in enumerate(frame.feature_names):
        failed = [why for why, passes in tests if not passes(column)]
        if failed:
            found[name] = failed[0]
    return found


def _same(one: FloatRows, other: FloatRows, column: int) -> bool:
    return bool(equal(one[:, column], other[:, column]).all())


# An average remembers the start of a short frame a while: it is compared all the same. A sum since then never settles.
def _reproduced(trained: FloatRows, again: FloatRows) -> bool:
    was, now = trained[-SETTLED_ROWS:], again[-SETTLED_ROWS:]
    if equal(was, now).all():
        return True
    finite = trained[np.isfinite(trained)]
    if len(finite) == 0 or not np.array_equal(np.isfinite(was), np.isfinite(now)):
        return False
    off = np.abs(was - now)[np.isfinite(was)]
    return bool(off.max(initial=0.0) <= REPRODUCED_SHARE * float(finite.std()))


class _ElsewhereProvider:
    """freqtrade's data provider with candles that all lie after a moment: as a running bot's do for golden candles."""

    def __init__(self, provider: Any, after: pd.Timestamp) -> None:
        self._provider = provider
        self._after = after

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._provider, name)
        if not callable(value):
            return value
        return lambda *given, **named: self._moved(value(*given, **named))

    def _moved(self, answer: Any) -> Any:
        if isinstance(answer, tuple):
            return tuple(self._moved(part) for part in answer)
        if not isinstance(answer, pd.DataFrame) or "date" not in answer or answer.empty:
            return answer
        by = self._after - answer["date"].iloc[0] + pd.Timedelta(days=1)
        return answer.assign(date=answer["date"] + by)


@contextmanager
def _candles_of_another_time(strategy: Any, given: pd.DataFrame) -> Iterator[None]:
    provider = strategy.dp
    strategy.dp = _ElsewhereProvider(provider, given["date"].iloc[-1])
    try:
        yield
    finally:
        strategy.dp = provider


__all__ = ["GOLDEN_ROWS", "REPRODUCED_SHARE", "golden_by_pair", "inputs_of_features"]
