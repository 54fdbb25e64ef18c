"""The freqtrade edge: what a strategy inherits to get a model with a life.

class MyStrategy(ModelLifecycleMixin, IStrategy):
    horizon_candles = 12

    def populate_features(self, dataframe, metadata): ...   # columns `%-...`
    def populate_target(self, dataframe, metadata): ...     # one column `&-...`
    def populate_entry_trend(self, dataframe, metadata): ...  # reads `prediction`
"""

from datetime import datetime
from typing import Any

from freqtrade.exceptions import OperationalException
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from tradai_lifecycle import __version__
from tradai_lifecycle.config import LifecycleConfig, parse_config
from tradai_lifecycle.errors import LifecycleError, StartupCandlesError
from tradai_lifecycle.strategy.annotations import PLOT_CONFIG, state_annotations
from tradai_lifecycle.strategy.guards import GUARDS
from tradai_lifecycle.strategy.host import (
    LIVE_MODES,
    OFFLINE_MODES,
    TRADING_MODES,
    require_startup_candles,
    require_supported_freqtrade,
    run_mode,
)
from tradai_lifecycle.strategy.lifecycle import Lifecycle
from tradai_lifecycle.strategy.session import live_supply
from tradai_lifecycle.strategy.supply import fingerprint, offline_supply
from tradai_lifecycle.strategy.wrapping import spare_trade_copies, wrap_class

FINGERPRINT_KEY = "tradai_lifecycle_fingerprint"


class ModelLifecycleMixin(IStrategy):
    """A strategy whose entries follow a registered, watched, hot-swappable model.

    The strategy writes features, one target and its signals on the column `prediction`; everything else is done here
    and in the `tradai_lifecycle` section of the configuration. `startup_candle_count` stays the strategy's own: what
    its features need to warm up. The monitors' memory is added to it.
    """

    #: Candles that the target looks ahead.
    horizon_candles: int = 0
    plot_config = PLOT_CONFIG

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        wrap_class(cls, GUARDS)

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        try:
            require_supported_freqtrade()
            settings = parse_config(config)
            self.lifecycle = self._new_lifecycle(settings, config)
            if run_mode(config) in LIVE_MODES + OFFLINE_MODES:
                require_startup_candles(self.lifecycle.budget, config, self.timeframe)
            if run_mode(config) in OFFLINE_MODES:
                self.lifecycle.supply = offline_supply(self.lifecycle, config)
        except LifecycleError as error:
            # freqtrade prints its own kind of error as one line, without a traceback
            raise OperationalException(str(error)) from error
        self.startup_candle_count = self.lifecycle.budget.startup_candles
        # the backtest cache is keyed on the configuration: another model or package must not reuse an old result
        config[FINGERPRINT_KEY] = fingerprint(self.lifecycle, package_version=__version__)

    def populate_features(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Add the model's inputs, each in a column whose name starts with `%-`. Must look back only."""
        raise NotImplementedError(f"{type(self).__name__} must define populate_features(dataframe, metadata).")

    def populate_target(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Add the one target, in a column whose name starts with `&-`: signed, looking `horizon_candles` ahead.

        A return, or a direction as -1 and +1. Zero is no direction and is not scored.
        """
        raise NotImplementedError(f"{type(self).__name__} must define populate_target(dataframe, metadata).")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """The features and the lifecycle's columns; see `LIFECYCLE_COLUMNS`."""
        return self.lifecycle.analyse(self, dataframe, metadata)

    def ft_bot_start(self, **kwargs: Any) -> None:
        """Start the session behind a live or dry-run bot, once freqtrade has attached its data provider."""
        super().ft_bot_start(**kwargs)
        mode = run_mode(self.config)
        try:
            if mode in TRADING_MODES:
                self._require_enough_candles()
            if mode in LIVE_MODES and self.lifecycle.supply is None:
                self.lifecycle.supply = live_supply(self, self.config)
        except LifecycleError as error:
            raise OperationalException(str(error)) from error

    def ft_bot_cleanup(self) -> None:
        """Stop the session: at exit and before every /reload_config, which builds a new strategy. Never raises."""
        self.lifecycle.close()
        super().ft_bot_cleanup()

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        """Let the lifecycle act between two batches."""

    def confirm_trade_entry(
        self,
        pair: str,
        order_type: str,
        amount: float,
        rate: float,
        time_in_force: str,
        current_time: datetime,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> bool:
        """Confirm; the gate stands round this call and round every override of it."""
        return True

    def custom_stake_amount(
        self,
        pair: str,
        current_time: datetime,
        current_rate: float,
        proposed_stake: float,
        min_stake: float | None,
        max_stake: float,
        leverage: float,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> float:
        """The proposed stake; the gate cuts it where the pair is reduced."""
        return proposed_stake

    def custom_entry_price(
        self,
        pair: str,
        trade: Any,
        current_time: datetime,
        proposed_rate: float,
        entry_tag: str | None,
        side: str,
        **kwargs: Any,
    ) -> float:
        """The proposed price; the gate refuses it where /forceenter would increase a paused position."""
        return proposed_rate

    def check_entry_timeout(self, pair: str, trade: Any, order: Any, current_time: datetime, **kwargs: Any) -> bool:
        """No timeout of its own; the gate cancels pending entries of a paused pair."""
        return False

    def order_filled(self, pair: str, trade: Any, order: Any, current_time: datetime, **kwargs: Any) -> None:
        """Nothing of its own; the model version is written on the trade."""

    def plot_annotations(
        self, pair: str, start_date: datetime, end_date: datetime, dataframe: DataFrame, **kwargs: Any
    ) -> list[Any]:
        """The spans in which the pair was reduced or paused."""
        return state_annotations(dataframe)

    def version(self) -> str | None:
        """The package and the model version in charge, for freqtrade's own status."""
        versions = () if self.lifecycle.supply is None else self.lifecycle.supply.versions()
        model = versions[-1].bundle.label if versions else "no model"
        return f"tradai-lifecycle {__version__}, {self.lifecycle.config.model_name} {model}"

    def _new_lifecycle(self, settings: LifecycleConfig, config: dict[str, Any]) -> Lifecycle:
        return Lifecycle(
            settings,
            timeframe=str(config.get("timeframe") or self.timeframe),
            horizon_candles=self.horizon_candles,
            feature_warm_up=int(getattr(type(self), "startup_candle_count", 0)),
            # analyses look at one pair, in frames of their own: what the others do is not known there
            trades_pairs=run_mode(config) in TRADING_MODES,
            judged_ahead=run_mode(config) not in LIVE_MODES,
        )

    def _require_enough_candles(self) -> None:
        budget = self.lifecycle.budget
        if self.startup_candle_count < budget.startup_candles:
            raise StartupCandlesError(
                exchange=f"startup_candle_count in the configuration ({self.startup_candle_count})",
                timeframe=self.timeframe,
                available=self.startup_candle_count,
                parts=budget.parts,
            )


# the subclasses are wrapped when they are defined; this class itself has no such moment
wrap_class(ModelLifecycleMixin, GUARDS)
spare_trade_copies(ModelLifecycleMixin, ("check_entry_timeout", "custom_entry_price", "order_filled"))

__all__ = ["FINGERPRINT_KEY", "ModelLifecycleMixin"]
