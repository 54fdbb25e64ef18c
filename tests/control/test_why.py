"""The chain says at each link what was found, from the evidence of the candles to what holds now."""

from datetime import timedelta
from typing import Any

import pytest

from tests.control.control_room import BTC, DRIFTING, ETH, FAULTY, NOON, ControlRoom, bot, series, state
from tradai_lifecycle.control.reports import WhyReport
from tradai_lifecycle.events import BotPauseChanged, StateChanged
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason, Severity, TradingState

WHY = CommandName.WHY
EFFECTIVE = (
    "5. effective state: paused, stake x0: paused by the operator; significant drift of the features "
    "(since 2026-03-01 12:00 UTC or before)"
)


def links(room: ControlRoom, pair: str = BTC) -> dict[str, str]:
    report = room.run(WHY, pair).report
    assert isinstance(report, WhyReport)
    return {step.link: step.finding for step in report.pairs[pair]}


def all_pairs(room: ControlRoom) -> dict[str, str]:
    report = room.run(WHY).report
    assert isinstance(report, WhyReport)
    return {step.link: step.finding for step in report.bot}


def test_the_whole_chain_of_a_pair_in_words(room: ControlRoom) -> None:
    room.take_over("1", states=(state(**DRIFTING), state(ETH)))
    room.ledger.record_series([series(rsi=(0.31, 0.28), ema=(0.2, 0.3), atr=(2.0, 1.4))])
    room.ledger.record_events(
        [
            StateChanged(
                at=NOON - timedelta(hours=2),
                pair=BTC,
                candle=NOON.isoformat(),
                before=TradingState.REDUCED,
                after=TradingState.PAUSED,
                severity=Severity.SIGNIFICANT,
                reasons=Reason.PSI_SIGNIFICANT,
                version="v1",
                psi_max=0.31,
                accuracy=0.56,
            )
        ]
    )
    room.run(CommandName.PAUSE, "news")
    assert room.text(WHY, "btc").splitlines() == [
        "BTC/USDT: paused, stake x0: paused by the operator; significant drift of the features",
        "1. evidence: at the candle of 2026-03-01 12:00 UTC",
        "   drift: the largest PSI is 1.11 times its significant limit (rsi 0.31/0.28)",
        "   accuracy: 0.560 [0.500, 0.620] of 132 effective, floor 0.52: not proven below it",
        "   data: no fault",
        "2. severity: significant: significant drift of the features",
        "   diagnosis: drift; no fault seen in data, features, scale, relations",
        "   began 2026-03-01 12:00 UTC or before",
        "3. automatic state: paused: significant drift of the features (since 2026-03-01 10:00 UTC)",
        "4. operator: paused: a latch, lifted by a resume alone",
        EFFECTIVE,
        "",
        "for all pairs:",
        "- all pairs: 1 of 2 drift significantly; all pause from 50% on",
        '- operator: pause by shell:anna: "news" (since 2026-03-01 12:02 UTC)',
    ]


def test_a_healthy_pair_held_by_the_others_says_so(room: ControlRoom) -> None:
    held = {"effective": TradingState.PAUSED, "reasons": Reason.BOT_PAUSE_SHARE, "stake_ratio": 0.0}
    room.take_over("1", states=(state(**DRIFTING), state(ETH, **held)))
    assert links(room, ETH)["automatic state"] == "active: healthy"
    assert links(room, ETH)["effective state"].startswith("paused, stake x0: too many pairs drift significantly")
    assert all_pairs(room)["all pairs"] == "1 of 2 drift significantly; all pause from 50% on: they do"
    began = BotPauseChanged(at=NOON - timedelta(hours=1), paused=True, drifting=1, pairs=2, share=0.5)
    room.ledger.record_events([began])
    assert (
        "all pairs: 1 of 2 drift significantly; all pause from 50% on: they do (since 2026-03-01 11:00 UTC)"
        in room.text(WHY)
    )


def test_evidence_that_has_not_held_is_told_from_one_that_has(room: ControlRoom) -> None:
    room.take_over("1", states=(state(significant_ratio=1.4),))
    assert links(room)["severity"] == "none: nothing held long enough"


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ({}, "the resume lifts what holds this pair back"),
        ({"reasons": Reason.PSI_SIGNIFICANT | Reason.MODEL_FAILED}, "the resume cannot lift a fault"),
        ({"reasons": Reason.PSI_SIGNIFICANT | Reason.FROZEN_FEED}, "the resume was not given for this: it ends"),
    ],
)
def test_what_became_of_a_resume_is_said(room: ControlRoom, later: dict[str, Any], said: str) -> None:
    room.take_over("1", states=(state(candle=NOON - timedelta(hours=1), **DRIFTING),))
    room.run(CommandName.RESUME)
    room.ledger.record_states([state(**{**DRIFTING, **later})])
    assert links(room)["operator"].startswith(said)


def test_an_expired_resume_is_said_to_be(room: ControlRoom) -> None:
    room.take_over("1", states=(state(**DRIFTING),))
    room.run(CommandName.RESUME)
    room.now += timedelta(days=2)
    assert links(room)["operator"] == "the resume has expired"
    text = room.text(WHY)
    assert "4. operator: the resume has expired (since 2026-03-02 12:02 UTC)" in text
    assert "resume by shell:anna, over present drift until it expired" in text


def test_a_fault_of_ours_a_reset_freqtrades_own_state_and_observe_are_links(room: ControlRoom) -> None:
    room.settings = {"mode": "observe"}
    room.take_over("1", states=(state(**FAULTY),))
    room.run(CommandName.RESET_DRIFT)
    room.ledger.record_bot(bot(freqtrade_state="stopped"))
    found = all_pairs(room)
    assert found["drift reset"] == "by shell:anna: drift counts from 2026-03-01 12:00 UTC"
    assert found["freqtrade"].startswith("stopped: no entries")
    assert found["mode"] == "observe: decisions are shown and reach no trade"
    assert "the lifecycle itself: the model failed to predict" in room.text(WHY)


def test_a_pair_is_meant_by_its_base_where_only_one_has_it(room: ControlRoom) -> None:
    room.take_over("1", states=(state("BTC/USDT"), state("BTC/EUR"), state("ETH/USDT")))
    assert set(room.run(WHY, "eth").report.pairs) == {"ETH/USDT"}  # type: ignore[attr-defined]
    assert set(room.run(WHY, "btc/eur").report.pairs) == {"BTC/EUR"}  # type: ignore[attr-defined]
    for asked in ("btc", "DOGE/USDT"):
        answer = room.run(WHY, asked)
        assert answer.outcome is CommandOutcome.FAILED
        assert f"{asked} is not a pair of this bot. Known: BTC/EUR, BTC/USDT, ETH/USDT." in room.text(WHY, asked)
