"""Entries and increases are gated, whoever wrote the callback and whatever breaks; exits and reductions never are."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import RunMode
from freqtrade.rpc import RPCException
from freqtrade.strategy import IStrategy

from tests.strategy.fakes import (
    NOW,
    PAIR,
    REPLACEMENT,
    Plain,
    adjust,
    confirm,
    judgement,
    made,
    open_trade,
    order_callback,
    stake,
    told,
)
from tradai_lifecycle.events import EntryBlocked, StakeReduced
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy import ModelLifecycleMixin
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.guards import GUARDS

ACTIVE, REDUCED, PAUSED = TradingState.ACTIVE, TradingState.REDUCED, TradingState.PAUSED


class Adjusting(Plain):
    """Answers every callback about orders and positions, none with super()."""

    answer: Any = None

    def adjust_trade_position(self, *args: Any, **kwargs: Any) -> Any:
        return self.answer

    def adjust_entry_price(self, *args: Any, **kwargs: Any) -> float:
        return 98.0

    def adjust_order_price(self, *args: Any, **kwargs: Any) -> float:
        return 97.0

    def adjust_exit_price(self, *args: Any, **kwargs: Any) -> float:
        return 101.0


def adjusting(state: TradingState, answer: Any, **section: Any) -> Any:
    strategy = told(made(Adjusting, **section), state)
    strategy.answer = answer
    return strategy


def broken_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Gate, "_decide", raises)


@pytest.mark.parametrize(("state", "admitted"), [(ACTIVE, True), (REDUCED, True), (PAUSED, False)])
def test_only_a_paused_pair_is_refused_an_entry(state: TradingState, admitted: bool) -> None:
    assert confirm(told(made(), state)) is admitted


@pytest.mark.parametrize(
    ("runmode", "enters"), [(RunMode.LIVE, False), (RunMode.DRY_RUN, False), (RunMode.OTHER, True)]
)
def test_only_offline_is_looked_up_what_was_known_an_hour_before(runmode: RunMode, enters: bool) -> None:
    strategy = made(runmode=runmode)
    strategy.lifecycle.gate.publish(judgement(ACTIVE, PAUSED))
    assert not confirm(strategy)
    assert confirm(strategy, now=NOW - timedelta(hours=1)) is enters


def test_a_pair_that_was_never_analysed_is_refused() -> None:
    strategy = made()
    assert confirm(strategy) is False
    assert strategy.lifecycle.supply.events[0].reasons is Reason.NOT_ANALYSED


def test_a_refusal_is_reported_once_per_candle_with_its_reasons() -> None:
    strategy = told(made(), PAUSED, reasons=Reason.PSI_SIGNIFICANT)
    for seconds in (0, 5, 3_599 - 5):
        assert confirm(strategy, now=NOW + timedelta(seconds=seconds)) is False
    told_once = EntryBlocked(
        at=NOW, pair=PAIR, side="long", what="entry", reasons=Reason.PSI_SIGNIFICANT, observed_only=False, rate=100.0
    )
    assert strategy.lifecycle.supply.events == [told_once]
    confirm(strategy, now=NOW + timedelta(hours=1))
    assert len(strategy.lifecycle.supply.events) == 2


def test_no_callback_about_exits_is_touched() -> None:
    about_exits = {
        "confirm_trade_exit", "custom_exit", "custom_stoploss", "custom_exit_price", "check_exit_timeout",
        "adjust_exit_price", "custom_roi",
    }  # fmt: skip
    assert about_exits.isdisjoint(GUARDS)
    for name in about_exits & set(dir(IStrategy)):
        assert getattr(Plain, name) is getattr(IStrategy, name)


@pytest.mark.parametrize(
    ("state", "answer", "expected"),
    [
        (ACTIVE, 40.0, 40.0),
        (ACTIVE, (40.0, "more"), (40.0, "more")),
        (REDUCED, 40.0, 20.0),
        (REDUCED, (40.0, "more"), (20.0, "more")),
        (REDUCED, -40.0, -40.0),
        (PAUSED, 40.0, None),
        (PAUSED, (40.0, "more"), None),
        (PAUSED, -40.0, -40.0),
        (PAUSED, (-40.0, "less"), (-40.0, "less")),
        (PAUSED, None, None),
        (PAUSED, 0.0, 0.0),
    ],
)
def test_increases_are_gated_and_reductions_pass(state: TradingState, answer: Any, expected: Any) -> None:
    assert adjust(adjusting(state, answer)) == expected


def test_a_refused_increase_is_reported_as_one() -> None:
    strategy = adjusting(PAUSED, 40.0)
    adjust(strategy)
    assert [event.what for event in strategy.lifecycle.supply.events] == ["increase"]


def test_a_reduced_pair_gets_half_the_stake_and_says_so() -> None:
    strategy = told(made(), REDUCED, reasons=Reason.PSI_MODERATE)
    assert stake(strategy, 100.0) == 50.0
    assert strategy.lifecycle.supply.events == [
        StakeReduced(
            at=NOW,
            pair=PAIR,
            side="long",
            proposed=100.0,
            granted=50.0,
            reasons=Reason.PSI_MODERATE,
            observed_only=False,
            rate=100.0,
        )
    ]


@pytest.mark.parametrize(("state", "expected"), [(ACTIVE, 100.0), (PAUSED, 100.0)])
def test_only_a_reduced_pair_has_its_stake_cut(state: TradingState, expected: float) -> None:
    assert stake(told(made(), state), 100.0) == expected


def test_the_reduced_share_is_the_configured_one() -> None:
    assert stake(told(made(reduced_stake_ratio=0.25), REDUCED), 100.0) == 25.0


def test_a_cut_below_the_exchange_minimum_is_no_trade_and_says_why() -> None:
    strategy = told(made(), REDUCED, reasons=Reason.PSI_MODERATE)
    assert stake(strategy, 100.0, minimum=51.0) == 0.0
    (event,) = strategy.lifecycle.supply.events
    assert (event.granted, event.reasons) == (0.0, Reason.PSI_MODERATE | Reason.STAKE_BELOW_MINIMUM)


def test_observing_changes_nothing_and_reports_everything() -> None:
    strategy = adjusting(PAUSED, 40.0, mode="observe")
    assert confirm(strategy) is True
    assert adjust(strategy) == 40.0
    assert order_callback(strategy, "check_entry_timeout") is False
    assert order_callback(strategy, "adjust_entry_price", **REPLACEMENT) == 98.0
    assert order_callback(strategy, "custom_entry_price", **REPLACEMENT) == 100.0
    told(strategy, REDUCED)
    assert stake(strategy, 100.0) == 100.0
    assert [(event.kind, event.observed_only) for event in strategy.lifecycle.supply.events] == [
        ("entry_blocked", True),
        ("entry_blocked", True),
        ("stake_reduced", True),
    ]


@pytest.mark.parametrize(
    ("name", "details", "free", "held"),
    [
        ("check_entry_timeout", {}, False, True),
        ("adjust_entry_price", REPLACEMENT, 98.0, None),
        ("adjust_order_price", {**REPLACEMENT, "is_entry": True}, 97.0, None),
        ("adjust_order_price", {**REPLACEMENT, "is_entry": False}, 97.0, 97.0),
        ("adjust_exit_price", REPLACEMENT, 101.0, 101.0),
        ("check_exit_timeout", {}, False, False),
    ],
)
def test_pending_entry_orders_of_a_paused_pair_are_cancelled_and_exit_orders_left_alone(
    name: str, details: dict[str, Any], free: Any, held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert order_callback(adjusting(ACTIVE, None), name, **details) == free
    assert order_callback(adjusting(PAUSED, None), name, **details) == held
    broken_gate(monkeypatch)
    assert order_callback(adjusting(ACTIVE, None), name, **details) == held


def test_a_failing_gate_blocks_entries_and_increases_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_gate(monkeypatch)
    assert confirm(told(made(), ACTIVE)) is False
    assert adjust(adjusting(ACTIVE, 40.0)) is None
    assert adjust(adjusting(ACTIVE, -40.0)) == -40.0
    strategy = made()
    confirm(strategy)
    assert strategy.lifecycle.supply.events[0].reasons is Reason.GATE_FAILED


def test_a_failing_cut_grants_no_stake(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("tradai_lifecycle.strategy.lifecycle.cut_stake", raises)
    assert stake(told(made(), REDUCED)) == 0.0
    assert adjust(adjusting(REDUCED, 40.0)) == 0.0


def test_a_listener_that_fails_does_not_open_the_gate() -> None:
    strategy = told(made(), PAUSED)

    def raises(_: Any) -> None:
        raise RuntimeError("broken on purpose")

    strategy.lifecycle.supply.report = raises
    assert confirm(strategy) is False
    assert stake(told(strategy, REDUCED)) == 50.0


class WithoutSuper(Plain):
    """Overrides without calling its parent."""

    def confirm_trade_entry(self, *args: Any, **kwargs: Any) -> bool:
        return True

    def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
        return 80.0


class WithSuper(Plain):
    """Overrides and calls its parent."""

    def confirm_trade_entry(self, *args: Any, **kwargs: Any) -> bool:
        return bool(super().confirm_trade_entry(*args, **kwargs))

    def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
        return super().custom_stake_amount(*args, **kwargs) * 0.8


class Grandchild(WithSuper):
    """Overrides again, two levels below."""

    def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
        return super().custom_stake_amount(*args, **kwargs)


class GrandchildWithoutSuper(WithSuper):
    """Forgets its parent, two levels below."""

    def confirm_trade_entry(self, *args: Any, **kwargs: Any) -> bool:
        return True

    def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
        return 80.0


class ForeignCallbacks:
    """A user's own mixin, that knows nothing of the lifecycle."""

    def confirm_trade_entry(self, *args: Any, **kwargs: Any) -> bool:
        return True

    def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
        return 80.0


class WithForeignCallbacks(ForeignCallbacks, Plain):
    """Takes its callbacks from a class that stands before the lifecycle."""


class BelowForeignCallbacks(WithForeignCallbacks):
    """Inherits them one level further."""


@pytest.mark.parametrize(
    "kind",
    [WithoutSuper, WithSuper, Grandchild, GrandchildWithoutSuper, WithForeignCallbacks, BelowForeignCallbacks],
)
def test_an_override_is_gated_once_wherever_it_stands(kind: type[ModelLifecycleMixin]) -> None:
    assert confirm(told(made(kind), PAUSED)) is False
    assert confirm(told(made(kind), ACTIVE)) is True
    assert stake(told(made(kind), REDUCED), 100.0) == 40.0
    assert stake(told(made(kind), ACTIVE), 100.0) == 80.0


def test_positional_arguments_reach_the_gate_and_the_override() -> None:
    class Named(Plain):
        def confirm_trade_entry(self, pair: str, order_type: str, amount: float, *rest: Any, **kwargs: Any) -> bool:
            return (pair, order_type, amount) == (PAIR, "market", 1.0)

    arguments = (PAIR, "market", 1.0, 100.0, "GTC", NOW, None, "long")
    assert told(made(Named), ACTIVE).confirm_trade_entry(*arguments) is True
    assert told(made(Named), PAUSED).confirm_trade_entry(*arguments) is False


def test_the_strategy_may_still_refuse_what_the_gate_admits() -> None:
    class Refusing(Plain):
        def confirm_trade_entry(self, *args: Any, **kwargs: Any) -> bool:
            return False

    assert confirm(told(made(Refusing), ACTIVE)) is False


def test_a_stake_callback_that_raises_gets_the_cut_of_the_proposed_stake() -> None:
    class Raising(Plain):
        def custom_stake_amount(self, *args: Any, **kwargs: Any) -> float:
            raise ZeroDivisionError

    assert stake(told(made(Raising), REDUCED), 100.0) == 50.0
    assert stake(told(made(Raising), ACTIVE), 100.0) == 100.0


@pytest.mark.parametrize("state", [ACTIVE, REDUCED])
@pytest.mark.parametrize("answer", [None, 0, "much"])
def test_a_stake_callback_that_wants_no_trade_gets_none(state: TradingState, answer: Any) -> None:
    class Skipping(Plain):
        def custom_stake_amount(self, *args: Any, **kwargs: Any) -> Any:
            return answer

    assert stake(told(made(Skipping), state), 100.0) == 0.0
    assert stake(told(made(Skipping, block_force_entry=False), state), 100.0, entry_tag="force_entry") == 0.0


@pytest.mark.parametrize(("block", "admitted"), [(True, False), (False, True)])
def test_block_force_entry_decides_over_forced_entries(block: bool, admitted: bool) -> None:
    strategy = told(made(block_force_entry=block), PAUSED)
    assert confirm(strategy, entry_tag="force_entry") is admitted
    assert confirm(strategy, entry_tag="signal") is False


@pytest.mark.parametrize(("block", "granted"), [(True, 50.0), (False, 100.0)])
def test_block_force_entry_decides_over_the_stake_of_forced_entries(block: bool, granted: float) -> None:
    assert stake(told(made(block_force_entry=block), REDUCED), 100.0, entry_tag="force_entry") == granted


@pytest.mark.parametrize(
    ("details", "what"),
    [
        ({"entry_tag": "force_entry"}, "forced increase"),
        ({}, "forced increase"),
        ({"entry_tag": "force_entry", "trade": None}, "forced entry"),
    ],
)
def test_the_price_of_what_is_forced_is_refused_with_the_reason(details: dict[str, Any], what: str) -> None:
    strategy = told(made(), PAUSED, reasons=Reason.PSI_SIGNIFICANT)
    price = order_callback(strategy, "custom_entry_price", **{**REPLACEMENT, **details})
    with pytest.raises(RPCException, match="BTC/USDT is paused by tradai-lifecycle: significant drift of the features"):
        float(price)
    assert [event.what for event in strategy.lifecycle.supply.events] == [what]


@pytest.mark.parametrize(
    ("state", "section", "details"),
    [
        (PAUSED, {}, {"trade": None}),
        (ACTIVE, {}, {}),
        (PAUSED, {"block_force_entry": False}, {}),
        (PAUSED, {"block_force_entry": False}, {"entry_tag": "force_entry", "trade": None}),
        (PAUSED, {"mode": "observe"}, {}),
    ],
)
def test_any_other_entry_price_is_the_strategys(
    state: TradingState, section: dict[str, Any], details: dict[str, Any]
) -> None:
    strategy = told(made(**section), state)
    assert order_callback(strategy, "custom_entry_price", **{**REPLACEMENT, **details}) == 100.0
    assert strategy.lifecycle.supply.events == []


def filled(strategy: Any, side: str = "buy", **details: Any) -> dict[str, Any]:
    trade = open_trade(**details)
    strategy.order_filled(pair=PAIR, trade=trade, order=SimpleNamespace(ft_order_side=side), current_time=NOW)
    return dict(trade.noted)


def test_the_first_filled_entry_writes_the_version_on_the_trade_and_later_orders_do_not() -> None:
    strategy = told(made(), ACTIVE, version="v7")
    assert filled(strategy) == {"model_version": "v7"}
    assert filled(strategy, nr_of_successful_entries=2) == {}
    assert filled(strategy, side="sell") == {}
