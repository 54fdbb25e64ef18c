"""The lifecycle of one strategy instance: judges its dataframes and answers its callbacks."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.errors import StrategyContractError
from tradai_lifecycle.events import EntryBlocked, Event, FaultReported, StakeReduced
from tradai_lifecycle.model.candidate import Expectations
from tradai_lifecycle.policy.entry_gate import cut_stake
from tradai_lifecycle.states import Mode, Reason, TradingState
from tradai_lifecycle.strategy.columns import (
    ActiveVersion,
    Frame,
    HealthMemory,
    Judgement,
    JudgeSettings,
    PredictionFailedError,
    judge_frame,
    neutral_judgement,
    write_columns,
)
from tradai_lifecycle.strategy.frame import FeatureStrategy, dates_in_ns, frame_of, with_features
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.golden import GoldenCheck
from tradai_lifecycle.strategy.memory import CandleBudget, candle_budget, health_settings, policy_settings

logger = logging.getLogger(__name__)


class ModelSupply(Protocol):
    """Where the versions come from that judge a frame, and what is told of each judgement.

    Live this is a session with registry, store and slot; offline a fixed model or a dated timeline.
    """

    live: bool

    def versions(self) -> Sequence[ActiveVersion]:
        """The versions that decide the next frame, oldest first; empty where no model is loaded. Never blocks."""

    def begin_loop(self, now: datetime) -> None:
        """Act between two batches. Never raises."""

    def judged(self, featured: pd.DataFrame, frame: Frame, judgement: Judgement) -> None:
        """Take note of one pair's judged frame. Never raises."""

    def report(self, event: Event) -> None:
        """Take note of something that happened. Never raises, never blocks."""

    def close(self) -> None:
        """Stop everything that was started. Idempotent, never raises."""


class Lifecycle:
    """Judges the dataframes of one strategy instance and decides its entries."""

    def __init__(
        self,
        config: LifecycleConfig,
        *,
        timeframe: str,
        horizon_candles: int,
        feature_warm_up: int,
        trades_pairs: bool,
        judged_ahead: bool,
    ) -> None:
        if horizon_candles < 1:
            raise StrategyContractError(
                "The strategy must set horizon_candles, the number of candles its target looks ahead, to at least 1."
            )
        self.config = config
        self.timeframe = timeframe
        self.horizon_candles = horizon_candles
        health = health_settings(config, timeframe=timeframe, horizon_candles=horizon_candles)
        self.budget: CandleBudget = candle_budget(config, health, feature_warm_up=feature_warm_up)
        self.settings = JudgeSettings(
            health=health,
            policy=policy_settings(config, candle_ns=health.candle_ns),
            predecessors=self.budget.predecessors,
            feature_warm_up=feature_warm_up,
            reduced_stake_ratio=config.reduced_stake_ratio,
        )
        self.gate = Gate(
            config,
            candle_ns=candle_seconds(timeframe) * 1_000_000_000,
            sees_all_pairs=trades_pairs,
            judged_ahead=judged_ahead,
        )
        self.golden = GoldenCheck()
        self.supply: ModelSupply | None = None
        self._last_candle: dict[tuple[str, str], int] = {}
        self._memory = HealthMemory()

    def __getstate__(self) -> dict[str, Any]:
        # hyperopt pickles the strategy into its workers: threads, loops and connections stay behind
        return {**self.__dict__, "supply": None} if self.live else dict(self.__dict__)

    @property
    def live(self) -> bool:
        """Whether a session with clock, store and registry stands behind this strategy."""
        return self.supply is not None and self.supply.live

    @property
    def observing(self) -> bool:
        """Whether decisions are only shown."""
        return self.config.mode is Mode.OBSERVE

    def expectations(self, feature_names: tuple[str, ...]) -> Expectations:
        """What a model must match to be used by this strategy."""
        return Expectations(
            feature_names=feature_names,
            horizon_candles=self.horizon_candles,
            timeframe=self.timeframe,
            window_candles=self.config.window_candles,
            entry_rate_band=self.config.entry_rate_band,
        )

    def analyse(self, strategy: FeatureStrategy, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """`dataframe` with the features and the lifecycle's columns.

        Live, any failure gives neutral columns and a paused pair; offline it is raised, for the developer to see.
        """
        pair = str(metadata["pair"])
        featured, frame = dataframe, None
        try:
            # in two steps: exit signals may need the features, also where the target or a check of ours fails
            featured = with_features(strategy, dataframe, metadata)
            frame = frame_of(strategy, featured, metadata)
            # a backtest judges each pair once: there is no next frame to remember for
            versions = self._checked_versions(strategy)
            judgement = judge_frame(frame, versions, self.settings, self._memory if self.live else None)
        except Exception as error:
            if not self.live:
                raise
            judgement = self._failed(pair, dataframe, error, built=frame is not None)
        self.gate.publish(judgement)
        if self.supply is not None and frame is not None:
            self.supply.judged(featured, frame, judgement)
        return write_columns(featured, judgement)

    def begin_loop(self, now: datetime) -> None:
        """Let the session act between two batches."""
        if self.supply is not None:
            self.supply.begin_loop(now)

    def close(self) -> None:
        """Stop what runs behind this strategy. Idempotent, never raises."""
        if self.supply is not None:
            self.supply.close()

    def holds(self, pair: str, now: datetime) -> bool:
        """Whether `pair` is paused and the gate acts on it."""
        return not self.observing and self.gate.decision(pair, now).state is TradingState.PAUSED

    def admits(self, pair: str, now: datetime, *, side: str, what: str, rate: float | None = None) -> bool:
        """Whether an entry or increase of `pair` at `rate` may go ahead; a refusal is reported once per candle."""
        decision = self.gate.decision(pair, now)
        if decision.state is not TradingState.PAUSED:
            return True
        self._report_once(
            EntryBlocked(
                at=now,
                pair=pair,
                side=side,
                what=what,
                reasons=decision.reasons,
                observed_only=self.observing,
                rate=rate,
            ),
            key=(pair, f"{what} {side}"),
        )
        return self.observing

    def granted_stake(
        self,
        pair: str,
        now: datetime,
        *,
        proposed: float,
        minimum: float | None,
        side: str,
        rate: float | None = None,
    ) -> float:
        """The stake that `pair` gets of the one proposed, for an order at `rate`; 0 skips the trade."""
        try:
            return self._granted(pair, now, proposed=proposed, minimum=minimum, side=side, rate=rate)
        except Exception as error:  # noqa: BLE001 - an error of ours blocks the entry
            self.gate.on_failure(error)
            return proposed if self.observing else 0.0

    def _granted(
        self, pair: str, now: datetime, *, proposed: float, minimum: float | None, side: str, rate: float | None
    ) -> float:
        decision = self.gate.decision(pair, now)
        if decision.state is not TradingState.REDUCED:
            # a paused pair is refused at the confirmation, where the refusal is also reported
            return proposed
        cut = cut_stake(proposed, ratio=decision.stake_ratio, minimum=minimum)
        reasons = decision.reasons | (Reason.STAKE_BELOW_MINIMUM if cut.below_minimum else Reason.NONE)
        self._report_once(
            StakeReduced(
                at=now,
                pair=pair,
                side=side,
                proposed=proposed,
                granted=cut.granted,
                reasons=reasons,
                observed_only=self.observing,
                rate=rate,
            ),
            key=(pair, f"stake {side}"),
        )
        return proposed if self.observing else cut.granted

    def strategy_failed(self, pair: str) -> None:
        """Hold `pair` back until its next judgement: its signals are those of an older candle."""
        self.gate.mark_pair(pair, Reason.STRATEGY_FAILED)

    # Live the session looks between two batches, one pair at a time; offline there is no such moment.
    def _checked_versions(self, strategy: FeatureStrategy) -> Sequence[ActiveVersion]:
        versions = () if self.supply is None else self.supply.versions()
        if not self.live:
            self.golden.compare_once(strategy, versions)
        return self.golden.marked(versions)

    def _failed(self, pair: str, dataframe: pd.DataFrame, error: Exception, *, built: bool) -> Judgement:
        if not built:
            reason = Reason.STRATEGY_FAILED
        elif isinstance(error, PredictionFailedError):
            reason = Reason.MODEL_FAILED
        else:
            reason = Reason.MONITOR_FAILED
        logger.error("%s is paused, %s: %s", pair, "; ".join(reason.words), error, exc_info=error)
        dates_ns = dates_in_ns(dataframe["date"])
        if self.supply is not None and len(dataframe):
            at = dataframe["date"].iloc[-1].to_pydatetime()
            self.supply.report(FaultReported(at=at, part=pair, message=f"{'; '.join(reason.words)}: {error}"))
        return neutral_judgement(pair, dates_ns, reason)

    def _report_once(self, event: EntryBlocked | StakeReduced, *, key: tuple[str, str]) -> None:
        candle = int(event.at.timestamp()) // candle_seconds(self.timeframe)
        if self._last_candle.get(key) == candle:
            return
        self._last_candle[key] = candle
        if self.supply is None:
            return
        try:
            self.supply.report(event)
        except Exception:
            # raised in a callback, it would let the entry through
            logger.exception("%s of %s could not be reported", event.kind, event.pair)


__all__ = ["Lifecycle", "ModelSupply"]
