"""Versions come and go between two batches: written down first, refused with a reason, taken back in one candle."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.live.workshop import START, Workshop
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.states import CandidateOutcome, Reason, TradingState

pytestmark = pytest.mark.host


def version(bot: SteppedBot) -> str:
    return bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC)).version


def polled_step(bot: SteppedBot) -> None:
    bot.strategy.lifecycle.supply.poll_registry()
    bot.step()


def test_a_promoted_version_takes_over_at_the_next_candle_and_not_within_one(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        assert version(bot) == "v1"
        workshop.register()
        assert "promote v2 pending" in workshop.tradai("promote", "2", "--yes", check=False).stdout

        bot.strategy.lifecycle.supply.poll_registry()
        bot.process()
        assert version(bot) == "v1"
        bot.step()
        assert version(bot) == "v2"

        bot.process()
        bot.strategy.lifecycle.supply.flush_evidence()
        assert "promote v2 done: the batch of 2024-07-06 14:00 UTC was predicted by v2" in (
            workshop.tradai("promote", "v2", "--yes").stdout
        )
        with closing(workshop.ledger()) as ledger:
            adoptions = ledger.adoptions()
        assert [(adoption.version, adoption.previous_version) for adoption in adoptions] == [("v1", None), ("v2", "v1")]
        assert adoptions[1].adopted_candle == bot.candle
        assert adoptions[1].state_before == {"BTC/USDT": TradingState.ACTIVE, "ETH/USDT": TradingState.ACTIVE}


def test_a_rollback_is_one_command_works_with_the_registry_gone_and_stays(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        workshop.register()
        polled_step(bot)
        assert version(bot) == "v2"

        assert "rollback pending: v1 is pinned" in workshop.tradai("rollback", "--yes", check=False).stdout
        workshop.registry.promote("2")
        (workshop.user_data / "registry").rename(workshop.user_data / "gone")
        bot.process()
        bot.step()
        assert version(bot) == "v1"

        (workshop.user_data / "gone").rename(workshop.user_data / "registry")
        polled_step(bot)
        polled_step(bot)
        assert version(bot) == "v1"

        workshop.tradai("unpin")
        bot.process()
        polled_step(bot)
        assert version(bot) == "v2"


def test_a_version_that_waits_for_a_person_is_let_in_by_one_command_and_nothing_stays_pinned(
    workshop: Workshop,
) -> None:
    workshop.register()
    with workshop.bot(4_500, adoption="confirm") as bot:
        bot.step()
        workshop.register()
        polled_step(bot)
        polled_step(bot)
        assert version(bot) == "v1"
        supply = bot.strategy.lifecycle.supply
        supply.flush_evidence()

        assert "adopt pending: v2 may take over" in workshop.tradai("adopt", "--yes", check=False).stdout
        bot.process()
        supply.poll_registry()
        assert version(bot) == "v1"
        bot.step()
        assert version(bot) == "v2"
        bot.process()
        supply.flush_evidence()
        assert "adopt v2 done: the batch of" in workshop.tradai("adopt", "2", "--yes").stdout

        workshop.register()
        polled_step(bot)
        polled_step(bot)
        assert version(bot) == "v2"
        assert supply.watcher.last_poll.outcome is CandidateOutcome.AWAITING_CONFIRMATION


def test_a_version_that_was_gone_back_from_waits_for_a_person_again_and_is_let_in_again(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500, adoption="confirm") as bot:
        supply = bot.strategy.lifecycle.supply

        def let_in() -> None:
            polled_step(bot)
            polled_step(bot)
            assert version(bot) == "v1"
            supply.flush_evidence()
            assert "adopt pending" in workshop.tradai("adopt", "--yes", check=False).stdout
            bot.process()
            polled_step(bot)
            polled_step(bot)
            assert version(bot) == "v2"

        bot.step()
        workshop.register()
        let_in()
        supply.flush_evidence()
        workshop.tradai("rollback", "--yes", check=False)
        bot.process()
        polled_step(bot)
        assert version(bot) == "v1"
        workshop.registry.promote("2")
        workshop.tradai("unpin")
        bot.process()
        let_in()


def test_a_bot_restarts_with_the_registry_down_and_goes_on_with_its_timeline(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        adopted_at = bot.candle
        polled_step(bot)
    (workshop.user_data / "registry").rename(workshop.user_data / "gone")

    with workshop.bot(4_503) as bot:
        bot.step()
        assert version(bot) == "v1"
        with closing(workshop.ledger()) as ledger:
            assert [adoption.adopted_candle for adoption in ledger.adoptions()] == [adopted_at]


def test_without_a_model_the_bot_waits_paused_and_takes_the_first_one_up(workshop: Workshop) -> None:
    with workshop.bot(4_500) as bot:
        bot.step()
        waiting = bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC))
        assert (waiting.state, waiting.reasons) == (TradingState.PAUSED, Reason.MODEL_MISSING)
        frame, _ = bot.bot.dataprovider.get_analyzed_dataframe("BTC/USDT", "1h")
        newest = frame.iloc[-1]
        assert (newest["prediction"], newest["do_predict"], newest["stake_ratio"]) == (0.0, 0, 0.0)
        assert (newest["model_version"], newest["trading_state"]) == ("none", "paused")

        workshop.register()
        polled_step(bot)
        first = bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC))
        assert (first.state, first.version) == (TradingState.ACTIVE, "v1")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"horizon_candles": 12}, CandidateOutcome.WRONG_HORIZON),
        ({"timeframe": "5m"}, CandidateOutcome.WRONG_TIMEFRAME),
    ],
)
def test_a_version_that_does_not_fit_is_refused_once_and_the_old_one_goes_on(
    workshop: Workshop, demo_bundle: ModelBundle, change: dict, outcome: CandidateOutcome
) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        workshop.register(replace(demo_bundle, **change))
        for _ in range(3):
            polled_step(bot)

        assert version(bot) == "v1"
        bot.strategy.lifecycle.supply.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            decided = [stored.event for stored in ledger.events(kind="candidate_decided")]
        assert [(event.version, event.outcome) for event in decided if event.version == "2"] == [("2", outcome)]


def test_a_candidate_that_would_multiply_entries_is_refused(workshop: Workshop, demo_bundle: ModelBundle) -> None:
    workshop.register()
    estimator = demo_bundle.estimator
    classifier = type(estimator.steps[-1][1])
    louder = type(estimator)([*estimator.steps[:-1], ("classifier", classifier())])
    louder.steps[-1] = ("classifier", _shifted(estimator.steps[-1][1], 4.0))
    shouting = replace(demo_bundle, estimator=louder)
    shouting = replace(
        shouting, golden=replace(demo_bundle.golden, predictions=shouting.predict(demo_bundle.golden.features))
    )
    with workshop.bot(4_500, entry_rate_band=1.5) as bot:
        bot.step()
        workshop.register(shouting)
        polled_step(bot)
        polled_step(bot)

        poll = bot.strategy.lifecycle.supply.watcher.last_poll
        assert (poll.outcome, version(bot)) == (CandidateOutcome.ENTRY_RATE_OUT_OF_BAND, "v1"), poll.detail


def _shifted(classifier, by: float):
    from copy import deepcopy

    shifted = deepcopy(classifier)
    shifted.intercept_ = classifier.intercept_ + by
    return shifted


def test_nothing_runs_on_after_the_bot_was_closed(workshop: Workshop) -> None:
    workshop.register()
    before = set(threading.enumerate())
    with workshop.bot(4_500) as bot:
        bot.step()
        assert any(thread.name == "tradai-lifecycle" for thread in threading.enumerate())
        old = bot.strategy.lifecycle.supply
    left = [thread for thread in threading.enumerate() if thread not in before and "tradai" in thread.name]
    assert [thread.name for thread in left if not thread.daemon] == []
    assert not old.runtime.is_running
    assert START.tzinfo is UTC
