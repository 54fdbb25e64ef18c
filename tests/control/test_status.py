"""The status says what holds now, since when and why, out of what the bot wrote and operators said."""

import math
from datetime import timedelta
from typing import Any

import pytest

from tests.control.control_room import BTC, DRIFTING, ETH, FAULTY, NOON, ControlRoom, bot, series, state
from tradai_lifecycle.control.delays import FaultDelay, measured_delays
from tradai_lifecycle.control.reports import StatusReport
from tradai_lifecycle.control.status import SEARCHED_CANDLES
from tradai_lifecycle.control.words import LONGEST_TEXT, values_of
from tradai_lifecycle.states import (
    AccuracyVerdict,
    CandidateOutcome,
    CommandName,
    CommandOutcome,
    Reason,
    Severity,
    TradingState,
)
from tradai_lifecycle.store.records import PositionRecord

STATUS = CommandName.STATUS
HOUR = timedelta(hours=1)


def report_of(room: ControlRoom) -> StatusReport:
    report = room.run(STATUS).report
    assert isinstance(report, StatusReport)
    return report


def test_before_anything_has_run_the_status_says_so(room: ControlRoom) -> None:
    assert room.text(STATUS).splitlines() == [
        "no candle was judged yet",
        "model demo: none in charge yet",
        "the bot has not said anything of itself yet",
        "",
        "drift must fill the window and hold 125 candles before a pair is reduced, 250 candles before a pair is paused",
    ]


def test_a_ledger_of_a_bot_that_never_spoke_of_itself_is_read_all_the_same(room: ControlRoom) -> None:
    room.take_over("1", states=(state(candle=NOON - HOUR), state()))
    report = report_of(room)
    assert (report.bot, report.positions, report.fault_delays) == (None, (), ())
    assert report.drift_must_hold["reduced"].days == 5.21
    assert report.candle_age_minutes == 2.0 - 60.0


def test_a_pause_counts_at_once_and_not_only_from_the_next_candle(room: ControlRoom) -> None:
    room.take_over("1", states=(state(),))
    room.run(CommandName.PAUSE)
    pair = report_of(room).pairs[BTC]
    assert (pair.state, pair.automatic_state, pair.reasons, pair.stake_ratio) == (
        TradingState.PAUSED,
        TradingState.ACTIVE,
        Reason.OPERATOR_PAUSED,
        0.0,
    )
    assert (pair.since, pair.since_at_least) == (NOON + timedelta(minutes=2), False)


def test_a_resume_lifts_a_recorded_pause_at_once_but_no_fault(room: ControlRoom) -> None:
    held = {**DRIFTING, "reasons": Reason.PSI_SIGNIFICANT | Reason.OPERATOR_PAUSED}
    room.take_over("1", states=(state(**held), state(ETH, **FAULTY)))
    room.run(CommandName.RESUME)
    pairs = report_of(room).pairs
    assert (pairs[BTC].state, pairs[BTC].reasons) == (TradingState.ACTIVE, Reason.PSI_SIGNIFICANT)
    assert (pairs[ETH].state, pairs[ETH].reasons) == (TradingState.PAUSED, Reason.MODEL_FAILED)

    room.now += timedelta(hours=25)
    assert report_of(room).pairs[BTC].state is TradingState.PAUSED


@pytest.mark.parametrize(
    "changes",
    [
        {},
        DRIFTING,
        FAULTY,
        {
            "severity": Severity.MODERATE,
            "state": TradingState.REDUCED,
            "effective": TradingState.REDUCED,
            "reasons": Reason.PSI_MODERATE,
            "stake_ratio": 0.5,
        },
        {"effective": TradingState.PAUSED, "reasons": Reason.BOT_PAUSE_SHARE, "stake_ratio": 0.0},
    ],
)
def test_where_nobody_spoke_since_it_is_what_the_batch_was_told(room: ControlRoom, changes: dict[str, Any]) -> None:
    told = state(**changes)
    room.take_over("1", states=(told,))
    pair = report_of(room).pairs[BTC]
    assert (pair.state, pair.reasons, pair.stake_ratio) == (told.effective, told.reasons, told.stake_ratio)


def test_a_state_is_as_old_as_its_first_candle_as_far_as_was_looked(room: ControlRoom) -> None:
    hours = range(SEARCHED_CANDLES + 10)
    active = [state(ETH, NOON - HOUR * hour) for hour in hours]
    paused = [state(BTC, NOON - HOUR * hour, **(DRIFTING if hour < 7 else {})) for hour in hours]
    room.take_over("1", states=(*active, *paused))
    pairs = report_of(room).pairs
    assert (pairs[BTC].since, pairs[BTC].since_at_least) == (NOON - HOUR * 6, False)
    assert (pairs[ETH].since, pairs[ETH].since_at_least) == (NOON - HOUR * (SEARCHED_CANDLES - 1), True)


def test_the_status_reads_well_on_a_phone(room: ControlRoom) -> None:
    candle = timedelta(minutes=7)
    position = PositionRecord(pair=BTC, side="long", stake=100.0, profit_ratio=0.0123, opened_at=NOON, version="v1")
    room.take_over("1", states=(state(candle=NOON - candle, **DRIFTING), state(ETH, NOON - candle)))
    room.ledger.record_series(
        [
            series(BTC, rsi=(0.31, 0.28), ema=(0.2, 0.3), atr=(0.5, 1.4)),
            series(ETH, training_windows=12, rsi=(0.1, 0.3)),
        ]
    )
    room.ledger.record_bot(bot(at=room.now, positions=(position,), registry_problem="timed out", timeframe="7m"))
    text = room.text(STATUS)
    assert text.splitlines()[:-2] == [
        "PAUSED since 2026-03-01 11:53 UTC or before: significant drift of the features",
        "1 paused, 1 active of 2 pairs",
        "model demo v1, in charge for 1 min, mode act, dry run",
        "! fewer than 40 training windows, so limits are loose: ETH/USDT 12.0",
        "newest candle closed 2 min ago; registry seen 2 min ago (timed out)",
        "",
        "BTC/USDT paused since 2026-03-01 11:53 UTC or before, stake x0",
        "  why: significant drift of the features",
        "  accuracy 0.560 [0.500, 0.620] of 132 effective, floor 0.52: not proven below it",
        "  PSI/limit: rsi 0.31/0.28, ema 0.2/0.3",
        "  not watched at this window, 1 of 3: atr",
        "",
        "ETH/USDT active since 2026-03-01 11:53 UTC or before, stake x1",
        "  accuracy 0.560 [0.500, 0.620] of 132 effective, floor 0.52: not proven below it",
        "  PSI/limit: rsi 0.1/0.3",
        "",
        "1 open position:",
        "  BTC/USDT long 100 USDT +1.23% since 2026-03-01 12:00 UTC, v1",
    ]


def test_candles_that_are_too_old_to_enter_on_are_a_pause_as_in_the_gate(room: ControlRoom) -> None:
    room.take_over("1", states=(state(candle=NOON), state(ETH, NOON, **DRIFTING)))
    room.ledger.record_bot(bot(at=room.now))
    room.now = NOON + timedelta(hours=2, minutes=4)
    assert report_of(room).pairs[BTC].state is TradingState.ACTIVE
    report = report_of(room)  # a minute and a tick later
    found = report.pairs[BTC]
    assert (found.state, found.reasons, found.stake_ratio) == (TradingState.PAUSED, Reason.STALE_FEED, 0.0)
    assert (found.since, found.since_at_least) == (NOON + timedelta(hours=2, minutes=5), False)
    assert report.pairs[ETH].reasons == Reason.PSI_SIGNIFICANT | Reason.STALE_FEED
    assert "effective state: paused, stake x0: the pair's last candle is too old" in room.text(CommandName.WHY, "btc")


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (
            lambda room: room.ledger.record_bot(bot(freqtrade_state="stopped", at=room.now)),
            "! freqtrade itself is stopped: no entries, whatever else stands here; /start lifts that",
        ),
        (
            lambda room: room.ledger.record_bot(bot(at=NOON - timedelta(hours=5))),
            "! the bot has said nothing for 5.0 h: is it running?",
        ),
        (
            lambda room: room.ledger.record_bot(bot(at=room.now, registry_seen_at=None)),
            "registry not seen since the start",
        ),
        (
            lambda room: room.ledger.record_bot(bot(at=room.now, awaiting="v2")),
            "! v2 passed the checks and waits for a person: adopt v2",
        ),
        (
            lambda room: room.decide("2", CandidateOutcome.AWAITING_CONFIRMATION),
            "! v2 passed the checks and waits for a person: adopt v2",
        ),
        (
            lambda room: room.run(CommandName.PIN),
            "model demo v1, in charge for 2 min, pinned to v1, mode act",
        ),
        (
            lambda room: room.run(CommandName.RETRAIN, "old"),
            "! retraining wanted for v1 since 2026-03-01 12:01 UTC (all pairs): asked for by shell:anna: old",
        ),
        (
            lambda room: (room.run(CommandName.PAUSE, "news"), room.run(CommandName.ACK)),
            "incident open since 2026-03-01 12:02 UTC, muted until 2026-03-02 12:03 UTC",
        ),
        (
            lambda room: room.run(CommandName.REDUCE, "0.25", "thin"),
            'reduce to 0.25 by shell:anna at 2026-03-01 12:02 UTC: "thin"',
        ),
    ],
)
def test_the_status_names_what_needs_a_person(room: ControlRoom, arrange: Any, said: str) -> None:
    room.take_over("1", states=(state(),))
    assert said not in room.text(STATUS)
    room.now = NOON + timedelta(minutes=1)
    arrange(room)
    assert any(line.startswith(said) or said in line for line in room.text(STATUS).splitlines())


def test_how_soon_faults_are_seen_is_told_for_the_bots_timeframe(room: ControlRoom) -> None:
    room.ledger.record_bot(bot(timeframe="1h"))
    report, measured = report_of(room), measured_delays("1h")
    assert report.fault_delays == measured
    assert isinstance(measured[0], FaultDelay)
    for delay in measured:
        assert f"  {delay.fault}: reduced {delay.reduced_share:.0%}" in room.text(STATUS)
    assert "measured until a fault is seen (share of cases, median days):" in room.text(STATUS)


def test_delays_that_were_measured_with_other_settings_say_so(room: ControlRoom) -> None:
    room.ledger.record_bot(bot(timeframe="1h"))
    room.settings = {"thresholds": "dynamic", "window_candles": 300, "reduced_stake_ratio": 0.3}
    assert report_of(room).fault_delays_other_settings == ("window_candles", "thresholds")
    words = "measured until a fault is seen, with the default of window_candles, thresholds, not yours"
    assert f"{words} (share of cases, median days):" in room.text(STATUS)


def test_with_many_pairs_the_message_fits_and_keeps_what_stands_below_them(room: ControlRoom) -> None:
    names = [f"COIN{number:02d}/USDT" for number in range(60)]
    room.take_over("1", states=tuple(state(name) for name in names))
    room.ledger.record_series([series(name, rsi=(0.1, 0.3), atr=(0.2, 1.3)) for name in names])
    position = PositionRecord(pair=BTC, side="long", stake=100.0, profit_ratio=math.nan, opened_at=NOON, version="v1")
    room.ledger.record_bot(bot(positions=(position,) * 40))
    text = room.text(STATUS)
    assert len(text) <= LONGEST_TEXT
    assert "active more: why PAIR, drift PAIR, accuracy PAIR" in text
    assert "drift must fill the window" in text
    assert f"{measured_delays('1h')[-1].fault}: reduced" in text


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"effective_predictions": 99.9}, AccuracyVerdict.INSUFFICIENT_DATA),
        ({"effective_predictions": math.nan}, AccuracyVerdict.INSUFFICIENT_DATA),
        ({"accuracy": 0.4}, AccuracyVerdict.HEALTHY),
        ({"accuracy": 0.4, "accuracy_upper": 0.51}, AccuracyVerdict.BREACHED),
        ({"accuracy": 0.4, "accuracy_upper": math.nan}, AccuracyVerdict.HEALTHY),
        (
            {"accuracy": 0.4, "accuracy_upper": math.nan, "reasons": Reason.ACCURACY_BREACH},
            AccuracyVerdict.BREACHED,
        ),
    ],
)
def test_the_accuracy_is_judged_as_its_rule_does(
    room: ControlRoom, changes: dict[str, Any], verdict: AccuracyVerdict
) -> None:
    room.take_over("1", states=(state(**changes),))
    assert report_of(room).pairs[BTC].accuracy.verdict is verdict


def test_a_pending_change_of_the_model_is_shown_until_it_is_done_or_replaced(room: ControlRoom) -> None:
    for _ in range(3):
        room.register()
    room.take_over("1", states=(state(),))
    room.run(CommandName.PROMOTE, "2")
    room.run(CommandName.PROMOTE, "9")
    waiting = report_of(room).model_command
    assert waiting is not None
    assert (waiting.command, waiting.version, waiting.outcome) == (CommandName.PROMOTE, "v2", CommandOutcome.PENDING)

    room.decide("2", CandidateOutcome.WRONG_HORIZON)
    failed = report_of(room).model_command
    assert failed is not None
    assert (failed.outcome, "wrong_horizon" in failed.detail) == (CommandOutcome.FAILED, True)
    room.take_over("2")
    assert report_of(room).model_command is None


def test_the_keys_of_the_json_stay() -> None:
    """Scripts read these: add keys, but rename none."""
    assert set(StatusReport.__dataclass_fields__) >= {
        "model", "mode", "state", "since", "version", "adopted_at", "last_batch", "candle_age_minutes", "pinned",
        "awaiting", "bot", "operator", "model_command", "incident_since", "muted_until", "pairs", "positions",
        "retraining_requests", "drift_must_hold", "fault_delays",
    }  # fmt: skip


def test_as_json_figures_that_are_not_known_are_null(room: ControlRoom) -> None:
    room.take_over("1", states=(state(psi_max=math.nan, accuracy=math.nan, significant_ratio=math.nan),))
    values = values_of(room.run(STATUS))
    pair = values["pairs"][BTC]
    assert (pair["psi_max"], pair["psi_over_limit"], pair["accuracy"]["accuracy"]) == (None, None, None)
    assert (values["command"], values["outcome"], values["state"]) == ("status", "done", "active")


def test_a_pair_that_left_the_whitelist_does_not_colour_the_status(room: ControlRoom) -> None:
    room.take_over("1", states=(state(), state(ETH, candle=NOON - timedelta(days=30), **DRIFTING)))
    room.ledger.record_bot(bot())
    report = report_of(room)
    assert (report.state, list(report.pairs)) == (TradingState.ACTIVE, [BTC])
