"""One guard per callback of freqtrade: what the lifecycle adds before or after the strategy's own code.

Each guard is called as guard(strategy, call, arguments). Entries, increases and replacements are gated; exits and
reductions pass through, whatever breaks.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from freqtrade.exceptions import DependencyException
from freqtrade.rpc import RPCException

from tradai_lifecycle.strategy.exits import with_exit_policy
from tradai_lifecycle.strategy.trade_version import note_version
from tradai_lifecycle.strategy.wrapping import Guard, Method

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle

logger = logging.getLogger(__name__)

FORCE_ENTRY_TAG = "force_entry"


class ForcedEntryRefusedError(DependencyException, RPCException):
    """An entry that was forced on a paused pair. Whoever forced it gets the words; the bot's own loop goes on."""


class RefusedPrice:
    """A price that refuses to become a number.

    freqtrade asks no strategy before /forceenter increases a position, and tells nobody why a confirmation was refused;
    the entry price it does ask for. Converting this one raises, and the error reaches whoever gave the command.
    """

    def __init__(self, message: str) -> None:
        self.message = message

    def __float__(self) -> float:
        raise ForcedEntryRefusedError(self.message)


def confirm_trade_entry(strategy: Any, call: Method, arguments: dict[str, Any]) -> bool:
    """Refuse the entry of a paused pair; else let the strategy decide."""
    lifecycle: Lifecycle = strategy.lifecycle
    pair, now = arguments["pair"], arguments["current_time"]
    forced = arguments.get("entry_tag") == FORCE_ENTRY_TAG and not lifecycle.config.block_force_entry
    if not forced and not lifecycle.admits(
        pair, now, side=arguments.get("side", "long"), what="entry", rate=arguments.get("rate")
    ):
        return False
    return bool(call())


def custom_stake_amount(strategy: Any, call: Method, arguments: dict[str, Any]) -> float:
    """Cut the stake of a reduced pair; 0 where the cut stake is below the exchange's minimum."""
    try:
        proposed = call()
    except Exception:
        # freqtrade would fall back to the full stake and step round the cut
        logger.exception("custom_stake_amount of the strategy failed; the proposed stake is used")
        proposed = arguments["proposed_stake"]
    proposed = _stake_meant(proposed)
    if arguments.get("entry_tag") == FORCE_ENTRY_TAG and not strategy.lifecycle.config.block_force_entry:
        return proposed
    return _granted(strategy, proposed, arguments, side=arguments.get("side", "long"))


def adjust_trade_position(strategy: Any, call: Method, arguments: dict[str, Any]) -> Any:
    """Gate increases; reductions and tags pass untouched."""
    answer = call()
    stake, *rest = answer if isinstance(answer, tuple) else (answer,)
    if stake is None or stake <= 0.0:
        return answer
    lifecycle: Lifecycle = strategy.lifecycle
    trade, now = arguments["trade"], arguments["current_time"]
    side = "short" if trade.is_short else "long"
    if not lifecycle.admits(trade.pair, now, side=side, what="increase", rate=arguments.get("current_rate")):
        return None
    granted = _granted(strategy, stake, {**arguments, "pair": trade.pair}, side=side)
    return (granted, *rest) if isinstance(answer, tuple) else granted


def check_entry_timeout(strategy: Any, call: Method, arguments: dict[str, Any]) -> bool:
    """Cancel the pending entry order of a paused pair."""
    if strategy.lifecycle.holds(arguments["pair"], arguments["current_time"]):
        logger.info("The pending entry order of %s is cancelled: its pair is paused.", arguments["pair"])
        return True
    return bool(call())


def adjust_entry_price(strategy: Any, call: Method, arguments: dict[str, Any]) -> float | None:
    """Cancel instead of replacing the pending entry order of a paused pair."""
    if strategy.lifecycle.holds(arguments["pair"], arguments["current_time"]):
        return None
    price: float | None = call()
    return price


def adjust_order_price(strategy: Any, call: Method, arguments: dict[str, Any]) -> float | None:
    """As adjust_entry_price for entry orders; exit orders pass untouched."""
    if not arguments.get("is_entry"):
        price: float | None = call()
        return price
    return adjust_entry_price(strategy, call, arguments)


def custom_entry_price(strategy: Any, call: Method, arguments: dict[str, Any]) -> Any:
    """Refuse the price of a forced entry or increase of a paused pair; any other price is the strategy's."""
    lifecycle: Lifecycle = strategy.lifecycle
    pair, now = arguments["pair"], arguments["current_time"]
    increase = arguments.get("trade") is not None
    forced = arguments.get("entry_tag") == FORCE_ENTRY_TAG
    if (increase or forced) and lifecycle.config.block_force_entry and lifecycle.holds(pair, now):
        lifecycle.admits(
            pair,
            now,
            side=arguments["side"],
            what="forced increase" if increase else "forced entry",
            rate=arguments.get("proposed_rate"),
        )
        reasons = "; ".join(lifecycle.gate.decision(pair, now).reasons.words)
        return RefusedPrice(f"{pair} is paused by tradai-lifecycle: {reasons}")
    return call()


def order_filled(strategy: Any, call: Method, arguments: dict[str, Any]) -> None:
    """Write the model version on the trade when its first entry is filled."""
    call()
    trade, order = arguments["trade"], arguments["order"]
    if order.ft_order_side == trade.entry_side and trade.nr_of_successful_entries <= 1:
        decided = strategy.lifecycle.gate.decision(trade.pair, trade.open_date_utc)
        note_version(trade, decided.version)


def populate_entry_trend(strategy: Any, call: Method, arguments: dict[str, Any]) -> Any:
    """Write the model version into the entry tags, where asked; a pair whose code fails is held back."""
    lifecycle: Lifecycle = strategy.lifecycle
    pair = arguments["metadata"]["pair"]
    with _marked_on_failure(lifecycle, pair):
        signalled = call()
    return _added_to(signalled, _tagged, lifecycle, pair) if lifecycle.config.tag_model_version else signalled


def populate_exit_trend(strategy: Any, call: Method, arguments: dict[str, Any]) -> Any:
    """Apply what the configuration says about exits at a pause and without a prediction."""
    lifecycle: Lifecycle = strategy.lifecycle
    pair = arguments["metadata"]["pair"]
    with _marked_on_failure(lifecycle, pair):
        signalled = call()
    return _added_to(signalled, partial(with_exit_policy, lifecycle=lifecycle, pair=pair), lifecycle, pair)


def bot_loop_start(strategy: Any, call: Method, arguments: dict[str, Any]) -> None:
    """Let the lifecycle act between two batches, then the strategy."""
    strategy.lifecycle.begin_loop(arguments["current_time"])
    call()


def populate_indicators(strategy: Any, call: Method, arguments: dict[str, Any]) -> Any:
    """Add the lifecycle's columns also where a strategy overrides populate_indicators without calling its parent."""
    with _marked_on_failure(strategy.lifecycle, arguments["metadata"]["pair"]):
        analysed = call()
        if "trading_state" in analysed.columns:
            return analysed
        return strategy.lifecycle.analyse(strategy, analysed, arguments["metadata"])


# What is ours in the signals. Where it fails live, the pair is held back, and its exits go on as the strategy set them.
def _added_to(signalled: Any, add: Callable[[Any], Any], lifecycle: "Lifecycle", pair: str) -> Any:
    try:
        return add(signalled)
    except Exception:
        if not lifecycle.live:
            raise
        logger.exception("The lifecycle could not write into the signals of %s: its entries are held back", pair)
        lifecycle.strategy_failed(pair)
        return signalled


def _tagged(signalled: Any) -> Any:
    entered = signalled.filter(items=["enter_long", "enter_short"]).fillna(0).ne(0).any(axis=1)
    tags = signalled["enter_tag"].fillna("").astype(str) if "enter_tag" in signalled else ""
    signalled.loc[entered, "enter_tag"] = (tags + "|" + signalled["model_version"].astype(str))[entered]
    return signalled


@contextmanager
def _marked_on_failure(lifecycle: "Lifecycle", pair: str) -> Iterator[None]:
    # freqtrade goes on with the signals of an older candle when the strategy's code fails
    try:
        yield
    except Exception:
        lifecycle.strategy_failed(pair)
        raise


# What freqtrade makes of a strategy's stake: no trade where it is no number. Raising would have it take the full stake.
def _stake_meant(answer: Any) -> float:
    try:
        return 0.0 if isinstance(answer, str) else float(answer)
    except (TypeError, ValueError):
        return 0.0


def _granted(strategy: Any, proposed: float, arguments: dict[str, Any], *, side: str) -> float:
    return float(
        strategy.lifecycle.granted_stake(
            arguments["pair"],
            arguments["current_time"],
            proposed=proposed,
            minimum=arguments.get("min_stake"),
            side=side,
            rate=arguments.get("current_rate"),
        )
    )


GUARDS: dict[str, Guard] = {
    guard.__name__: guard
    for guard in (
        adjust_entry_price,
        adjust_order_price,
        adjust_trade_position,
        bot_loop_start,
        check_entry_timeout,
        confirm_trade_entry,
        custom_entry_price,
        custom_stake_amount,
        order_filled,
        populate_entry_trend,
        populate_exit_trend,
        populate_indicators,
    )
}

__all__ = ["FORCE_ENTRY_TAG", "GUARDS", "RefusedPrice"]
