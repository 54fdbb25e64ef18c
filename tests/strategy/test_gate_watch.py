"""A pause of the whole bot and the end of a resume's time are told once, without an entry being tried."""

from datetime import datetime, timedelta

import pytest

from tests.strategy.fakes import NEWEST, NOW, PAIR, judgement
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.standing import stance_of
from tradai_lifecycle.events import BotPauseChanged, Event, ResumeExpired
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store import BoundReasons, Ledger
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.gate_watch import GateWatch

OTHER = "ETH/USDT"
DRIFT = BoundReasons(reasons=Reason.PSI_SIGNIFICANT, severity=Severity.SIGNIFICANT)
DAY = timedelta(hours=24)


class Bot:
    """A gate over two pairs and what is told of it; each told event is kept in the ledger at once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.gate = Gate(
            LifecycleConfig(model_name="demo", bot_pause_share=0.5),
            candle_ns=3_600 * 10**9,
            sees_all_pairs=True,
            judged_ahead=False,
        )
        self.told: list[Event] = []
        self._watch = GateWatch(ledger, self.gate, 0.5, self._report)

    def judge(self, drifting: tuple[str, ...], now: datetime = NOW) -> "Bot":
        newest = NEWEST + (now - NOW)
        for pair in (PAIR, OTHER):
            drifts = pair in drifting
            self.gate.publish(
                judgement(
                    TradingState.PAUSED if drifts else TradingState.ACTIVE,
                    pair=pair,
                    newest=newest,
                    severity=Severity.SIGNIFICANT if drifts else Severity.NONE,
                    reasons=Reason.PSI_SIGNIFICANT if drifts else Reason.NONE,
                )
            )
        return self

    def look(self, now: datetime = NOW) -> list[Event]:
        """What one loop tells."""
        self.told.clear()
        self.gate.set_stance(stance_of(self.ledger.operator()))
        self._watch.look(now)
        return list(self.told)

    def _report(self, event: Event) -> None:
        self.told.append(event)
        self.ledger.record_events([event])


@pytest.fixture
def bot(ledger: Ledger) -> Bot:
    return Bot(ledger)


def change(*, paused: bool, drifting: int, at: datetime = NOW) -> BotPauseChanged:
    return BotPauseChanged(at=at, paused=paused, drifting=drifting, pairs=2, share=0.5)


def test_the_beginning_and_the_end_of_a_pause_of_all_pairs_are_told_once(bot: Bot) -> None:
    assert bot.judge(()).look() == []
    assert bot.judge((PAIR,)).look() == [change(paused=True, drifting=1)]
    assert bot.judge((PAIR, OTHER)).look() == []
    assert bot.judge(()).look() == [change(paused=False, drifting=0)]
    assert bot.look() == []


def test_a_restart_tells_a_pause_no_second_time_and_its_end_if_it_came_meanwhile(bot: Bot, ledger: Ledger) -> None:
    bot.judge((PAIR,)).look()
    restarted = Bot(ledger)
    # nothing is known before the first batch
    assert restarted.look() == []
    assert restarted.judge((PAIR,)).look() == []
    assert Bot(ledger).judge(()).look() == [change(paused=False, drifting=0)]


def test_candles_that_stay_away_end_no_pause(bot: Bot) -> None:
    bot.judge((PAIR, OTHER)).look()
    assert bot.look(NOW + DAY) == []


def resume(ledger: Ledger, bound: dict[str, BoundReasons], at: datetime = NOW) -> None:
    ledger.record_operator(
        action=OperatorAction.RESUME, who="ann", note="", at=at, bound=bound, expires_at=at + DAY
    )  # fmt: skip


def expired(paused_again: str, given: datetime = NOW) -> ResumeExpired:
    over = given + DAY
    return ResumeExpired(
        at=over, who="ann", given_at=given.isoformat(), expired_at=over.isoformat(), paused_again=paused_again
    )


@pytest.mark.parametrize(
    ("drifting", "paused_again"), [((PAIR,), "BTC/USDT, ETH/USDT"), ((), "")], ids=["drift goes on", "drift is over"]
)
def test_the_end_of_a_resumes_time_is_told_once_with_the_pairs_that_it_pauses(
    bot: Bot, ledger: Ledger, drifting: tuple[str, ...], paused_again: str
) -> None:
    # one drifting pair of two pauses both, so the resume was given for both
    shared = BoundReasons(reasons=Reason.BOT_PAUSE_SHARE, severity=Severity.NONE)
    resume(ledger, {PAIR: DRIFT, OTHER: shared, "GONE/USDT": DRIFT})
    bot.judge(drifting).look()
    moment = NOW + DAY
    assert bot.judge(drifting, moment - timedelta(hours=1)).look(moment - timedelta(seconds=1)) == []
    assert bot.judge(drifting, moment).look(moment) == [expired(paused_again)]
    assert bot.look(moment) == []
    assert Bot(ledger).judge(drifting, moment).look(moment) == []


def test_each_resume_has_an_end_of_its_own(bot: Bot, ledger: Ledger) -> None:
    resume(ledger, {PAIR: DRIFT})
    bot.judge((PAIR,)).look()
    bot.judge((PAIR,), NOW + DAY).look(NOW + DAY)
    resume(ledger, {PAIR: DRIFT}, at=NOW + DAY)
    moment = NOW + 2 * DAY
    assert bot.judge((PAIR,), moment).look(moment) == [expired(PAIR, given=NOW + DAY)]


@pytest.mark.parametrize("later", [OperatorAction.PAUSE, OperatorAction.END_RESUME])
def test_a_resume_that_had_ended_before_has_no_end_of_its_time(bot: Bot, ledger: Ledger, later: OperatorAction) -> None:
    resume(ledger, {PAIR: DRIFT})
    bound = {PAIR: DRIFT} if later is OperatorAction.END_RESUME else {}
    ledger.record_operator(action=later, who="bob", note="", at=NOW, bound=bound)
    moment = NOW + DAY
    told = bot.judge((PAIR,), moment).look(moment)
    assert [event for event in told if isinstance(event, ResumeExpired)] == []
