"""Training candles through the strategy's own code path: the one that live and backtests judge."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from freqtrade.configuration import TimeRange
from freqtrade.data.dataprovider import DataProvider
from freqtrade.data.history import load_data
from freqtrade.enums import CandleType, RunMode
from freqtrade.resolvers import StrategyResolver

from tradai_lifecycle.errors import StrategyContractError
from tradai_lifecycle.events import Event
from tradai_lifecycle.retraining.progress import OnProgress, TrainingStage, counted, silent
from tradai_lifecycle.retraining.training import PairSample, TrainingDataError
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement
from tradai_lifecycle.strategy.frame import TARGET_PREFIX
from tradai_lifecycle.strategy.golden_making import GOLDEN_ROWS, golden_by_pair, inputs_of_features

logger = logging.getLogger(__name__)


class FrameRecorder:
    """A supply without a model that keeps the frames the strategy builds."""

    live = False

    def __init__(self) -> None:
        self.frames: dict[str, Frame] = {}

    def versions(self) -> Sequence[ActiveVersion]:
        """No version: the frames are wanted, not a judgement."""
        return ()

    def begin_loop(self, now: Any) -> None:
        """Nothing happens between batches."""

    def judged(self, featured: Any, frame: Frame, judgement: Judgement) -> None:
        """Keep the frame."""
        self.frames[frame.pair] = frame

    def report(self, event: Event) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing runs."""


class _StoredCandles(DataProvider):
    """freqtrade's data provider without an exchange, which `@informative` asks for markets: a pair's name is enough."""

    def market(self, pair: str) -> dict[str, Any] | None:
        """The two currencies of a pair."""
        base, _, rest = pair.partition("/")
        return {"symbol": pair, "base": base, "quote": rest.partition(":")[0]} if rest else None


def load_strategy(config: dict[str, Any]) -> Any:
    """The configured strategy outside a bot, without a model. Raises StrategyContractError for a foreign strategy."""
    # freqtrade reads the format of stored candles here, but sets it for its offline commands alone
    config = {"dataformat_ohlcv": "feather", **config, "runmode": RunMode.OTHER}
    strategy = StrategyResolver.load_strategy(config)
    if not hasattr(strategy, "lifecycle"):
        raise StrategyContractError(
            f"{config['strategy']} does not derive from ModelLifecycleMixin. "
            f"Next: class {config['strategy']}(ModelLifecycleMixin, IStrategy)."
        )
    strategy.dp = _StoredCandles(config, None)
    strategy.ft_bot_start()
    return strategy


def training_samples(
    config: dict[str, Any], strategy: Any, *, on_progress: OnProgress = silent
) -> tuple[tuple[str, ...], list[PairSample]]:
    """Feature names and one sample per pair, from freqtrade's data directory, by the strategy's whole indicator path.

    The features' warm-up is loaded before the time range where there are candles, and cut off. Raises
    TrainingDataError for pairs without candles, StrategyContractError for a target that looks further than declared.
    """
    recorder = FrameRecorder()
    strategy.lifecycle.supply = recorder
    warm_up = strategy.lifecycle.budget.feature_warm_up
    candles = _candles(config, strategy, warm_up)
    with inputs_of_features(strategy, warm_up + GOLDEN_ROWS) as inputs:
        for pair, dataframe in counted(candles.items(), TrainingStage.PAIRS, on_progress):
            strategy.advise_indicators(dataframe.copy(), {"pair": pair})
    frames = list(recorder.frames.values())
    _require_same_features(frames)
    first_pair = frames[0].pair
    require_honest_target(strategy, candles[first_pair], first_pair)
    golden = golden_by_pair(strategy, frames, inputs)
    samples = [
        PairSample(
            pair=frame.pair,
            dates_ns=frame.dates_ns[warm_up:],
            features=frame.features[warm_up:],
            target=frame.realised[warm_up:],
            candles=frame.candles.rows(slice(warm_up, None)),
            golden=golden.get(frame.pair),
        )
        for frame in frames
    ]
    return frames[0].feature_names, samples


def require_honest_target(strategy: Any, dataframe: Any, pair: str) -> None:
    """Raise StrategyContractError where the target reads further ahead than `horizon_candles` says.

    The target of a row must be the same when the candles after its horizon are not there yet.
    """
    horizon, rows = strategy.horizon_candles, len(dataframe)
    cut = rows - max(2 * horizon, 10)
    if cut <= horizon:
        return
    recorded = FrameRecorder()
    kept, strategy.lifecycle.supply = strategy.lifecycle.supply, recorded
    strategy.advise_indicators(dataframe.copy(), {"pair": pair})
    whole = recorded.frames[pair].realised
    strategy.advise_indicators(dataframe.iloc[:cut].copy(), {"pair": pair})
    shorter = recorded.frames[pair].realised
    strategy.lifecycle.supply = kept
    decided = slice(0, cut - horizon)
    if not np.array_equal(whole[decided], shorter[decided], equal_nan=True):
        raise StrategyContractError(
            f"The target ({TARGET_PREFIX}...) of {type(strategy).__name__} reads more than horizon_candles = {horizon} "
            f"candles ahead: it changes when later candles arrive. Next: set horizon_candles to what it uses."
        )


def _candles(config: dict[str, Any], strategy: Any, warm_up: int) -> dict[str, Any]:
    pairs = list(config["exchange"].get("pair_whitelist", []))
    candle_type = CandleType(config.get("candle_type_def", CandleType.SPOT))
    loaded = load_data(
        datadir=config["datadir"],
        timeframe=strategy.timeframe,
        pairs=pairs,
        timerange=TimeRange.parse_timerange(config.get("timerange")),
        startup_candles=warm_up,
        data_format=config.get("dataformat_ohlcv", "feather"),
        candle_type=candle_type,
    )
    missing = [pair for pair in pairs if pair not in loaded or loaded[pair].empty]
    if missing or not pairs:
        raise TrainingDataError(
            f"{config['datadir']} has no {strategy.timeframe} candles of {', '.join(missing) or 'any pair'}. "
            f"Next: freqtrade download-data --timeframes {strategy.timeframe}."
        )
    return dict(loaded)


def _require_same_features(frames: Sequence[Frame]) -> None:
    for frame in frames[1:]:
        if frame.feature_names != frames[0].feature_names:
            odd = set(frame.feature_names) ^ set(frames[0].feature_names)
            raise StrategyContractError(
                f"populate_features gives {frame.pair} other columns than {frames[0].pair}: "
                f"{', '.join(sorted(odd)) or 'another order'}. Every pair needs the same features."
            )


__all__ = ["FrameRecorder", "load_strategy", "require_honest_target", "training_samples"]
