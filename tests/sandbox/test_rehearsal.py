"""A rehearsal runs the live path over past candles: it pauses, swaps and recovers, and a backtest agrees with it."""

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tradai_lifecycle.events import BotPauseChanged
from tradai_lifecycle.sandbox.agreement import agreement, backtest_states
from tradai_lifecycle.sandbox.demonstration import PAIRS, Demonstration, Retrainer, Scale, TrainedVersion, strategy_file
from tradai_lifecycle.sandbox.rehearsal import Moment, Rehearsal, RehearsalRangeError, require_range
from tradai_lifecycle.sandbox.timeline import RehearsalResult, TimelineEntry, entry_of, turning_points
from tradai_lifecycle.states import OperatorAction, TradingState
from tradai_lifecycle.store.ledger import Ledger

HOUR = timedelta(hours=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
Swapped = tuple[RehearsalResult, Retrainer]

SMALL = Scale(training=4_320, calm=12, changed=420, patience=56, seed=11)
QUICK = {
    "registry_uri": "directory:registry",
    "moderate_persistence_candles": 12,
    "significant_persistence_candles": 36,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """A built demonstration with its candles and v1 in production."""

    demonstration: Demonstration
    candles: dict[str, pd.DataFrame]
    trained: TrainedVersion


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """The demonstration's directory after its training."""
    demonstration = Demonstration(directory=tmp_path_factory.mktemp("small") / "demo", scale=SMALL, lifecycle=QUICK)
    candles = demonstration.build()
    return Premises(demonstration=demonstration, candles=candles, trained=demonstration.train(demonstration.start))


@pytest.fixture(scope="module")
def kept_model(small_demo: Premises) -> RehearsalResult:
    """The rehearsal in which nobody promotes another model, until well after every pair is paused."""
    demonstration = small_demo.demonstration
    end = demonstration.start + timedelta(hours=250)
    return Rehearsal(replace(demonstration.plan(), end=end, directory=_directory(demonstration, "kept"))).run()


@pytest.fixture(scope="module")
def swapped_model(small_demo: Premises, kept_model: RehearsalResult) -> tuple[RehearsalResult, Retrainer]:
    """The rehearsal with v2 promoted after the pause; it changes the registry, so it runs after `kept_model`."""
    assert kept_model.candles
    demonstration = small_demo.demonstration
    retrainer = Retrainer(demonstration)
    return Rehearsal(replace(demonstration.plan(), directory=_directory(demonstration, "swapped"))).run(
        retrainer
    ), retrainer


def _directory(demonstration: Demonstration, name: str) -> Path:
    return demonstration.user_data_dir / "rehearsals" / name


def states_in_order(result: RehearsalResult, pair: str) -> list[str]:
    return [state.label for state, _ in groupby(record.state for record in result.states_of(pair))]


def first_held_back(result: RehearsalResult, pair: str) -> datetime:
    return next(record.candle for record in result.states_of(pair) if record.state is not TradingState.ACTIVE)


def deciding_candle(opened_at: datetime) -> datetime:
    return opened_at.replace(minute=0, second=0, microsecond=0) - HOUR


def entered_states(result: RehearsalResult) -> list[TradingState]:
    automatic = {(record.pair, record.candle): record.state for record in result.states}
    return [automatic[trade.pair, deciding_candle(trade.opened_at)] for trade in result.trades]


@pytest.mark.host
@pytest.mark.timeout(600)
def test_a_bot_whose_model_is_not_replaced_stays_paused_to_the_end_and_enters_nothing(
    kept_model: RehearsalResult, small_demo: Premises
) -> None:
    changes = small_demo.demonstration.start + SMALL.calm * HOUR
    for pair in PAIRS:
        # a fast cut may come and go, but not before the market changes
        *before, last = states_in_order(kept_model, pair)
        assert (before[-2:], last) == (["active", "reduced"], "paused")
        assert "paused" not in before
        assert first_held_back(kept_model, pair) >= changes
    assert kept_model.trades
    assert TradingState.PAUSED not in entered_states(kept_model)
    assert any(entry.kind == "entry_blocked" for entry in kept_model.entries)


@pytest.mark.host
@pytest.mark.timeout(600)
def test_a_new_model_leads_out_of_the_pause_over_reduced_stakes(swapped_model: Swapped) -> None:
    result, retrainer = swapped_model
    for pair in PAIRS:
        states = states_in_order(result, pair)
        assert states.count("paused") == 1
        paused = states.index("paused")
        assert states[paused - 2 : paused + 3] == ["active", "reduced", "paused", "reduced", "active"]
    assert TradingState.PAUSED not in entered_states(result)
    adoptions = [(entry.before, entry.after) for entry in result.entries if entry.kind == "model_adopted"]
    assert adoptions == [(None, "v1"), ("v1", "v2")]
    assert retrainer.at is not None
    swap = next(entry.candle for entry in result.entries if entry.after == "v2")
    assert swap == retrainer.at + HOUR
    assert {record.version for record in result.states if record.candle < swap} == {"v1"}
    assert {record.version for record in result.states if record.candle >= swap} == {"v2"}


@pytest.mark.host
@pytest.mark.timeout(600)
def test_a_reduced_pair_gets_half_the_stake_and_an_active_one_all_of_it(swapped_model: Swapped) -> None:
    result, _ = swapped_model
    stakes = zip(entered_states(result), (trade.stake for trade in result.trades), strict=True)
    for state, stake in stakes:
        assert stake == pytest.approx(300.0 if state is TradingState.ACTIVE else 150.0, rel=0.02)


@pytest.mark.host
@pytest.mark.timeout(600)
def test_a_result_holds_every_pair_and_candle_and_cannot_be_changed(
    swapped_model: Swapped, small_demo: Premises
) -> None:
    result, _ = swapped_model
    demonstration = small_demo.demonstration
    hours = int((demonstration.end - demonstration.start) / HOUR)
    candles = [demonstration.start + number * HOUR for number in range(hours)]
    for pair in PAIRS:
        assert [record.candle for record in result.states_of(pair)] == candles
    assert [point.candle for point in result.equity] == candles
    assert result.profit == pytest.approx(sum(trade.profit for trade in result.trades), abs=1e-6)
    with pytest.raises(FrozenInstanceError):
        result.candles = 0  # type: ignore[misc]


@pytest.mark.host
@pytest.mark.timeout(600)
def test_the_live_bots_own_memory_is_not_touched(swapped_model: Swapped, small_demo: Premises) -> None:
    result, _ = swapped_model
    user_data = small_demo.demonstration.user_data_dir
    assert (result.directory / "tradai_lifecycle.sqlite").is_file()
    assert (result.directory / "rehearsal.log").read_text(encoding="utf-8").count("model_adopted") == 2
    assert not list(user_data.glob("*.sqlite"))
    assert not (user_data / "tradai_models").exists()


@pytest.mark.host
@pytest.mark.timeout(600)
def test_a_backtest_with_the_dated_versions_decides_every_candle_as_the_bot_did(
    swapped_model: Swapped, small_demo: Premises
) -> None:
    result, _ = swapped_model
    dated = small_demo.demonstration.timeline(result.directory / "rehearsal.json")
    with small_demo.demonstration.backtest_config(dated) as config:
        found = agreement(result.states, backtest_states(config))
    assert (found.equal, found.different) == (len(result.states), ())
    dated["tradai_lifecycle"]["version_timeline"].pop()
    with small_demo.demonstration.backtest_config(dated) as config:
        assert agreement(result.states, backtest_states(config)).different


@pytest.mark.host
@pytest.mark.timeout(600)
def test_an_operator_can_act_between_two_candles(
    small_demo: Premises, kept_model: RehearsalResult, tmp_path: Path
) -> None:
    plan = small_demo.demonstration.plan()

    def pause_after_the_second(moment: Moment) -> None:
        if moment.number == 2:
            ledger = Ledger(tmp_path / "tradai_lifecycle.sqlite")
            ledger.open()
            ledger.record_operator(action=OperatorAction.PAUSE, who="test", note="", at=moment.bot.now)
            ledger.close()

    short = replace(plan, end=plan.start + 4 * HOUR, directory=tmp_path)
    result = Rehearsal(short).run(pause_after_the_second)
    first = kept_model.states_of(PAIRS[0])[0].effective
    effective = [record.effective for record in result.states_of(PAIRS[0])]
    assert effective == [first, first, TradingState.PAUSED, TradingState.PAUSED]


@pytest.mark.host
@pytest.mark.timeout(600)
def test_the_command_prints_one_json_line_per_event_and_compares(
    small_demo: Premises, kept_model: RehearsalResult, tmp_path: Path
) -> None:
    assert kept_model.candles  # before v2 is promoted, or after: both runs start from what is in production
    demonstration = small_demo.demonstration
    end = (demonstration.start + 6 * HOUR).isoformat()
    lines = rehearse(demonstration.config_file, "--from", demonstration.start.isoformat(), "--to", end, "--json")
    assert all(list(line)[:3] == ["candle", "event", "pair"] for line in lines[:-1])
    assert [line["event"] for line in lines].count("model_adopted") == 1
    values = lines[-1]["values"]
    assert (values["candles"], values["without_lifecycle"]["candles"]) == (6, 6)


def rehearse(config: Path, *arguments: str) -> list[dict[str, Any]]:
    command = [str(Path(sys.executable).with_name("tradai")), "rehearse", "--config", str(config), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.host
def test_a_range_that_begins_too_early_names_the_earliest_start(small_demo: Premises) -> None:
    plan = replace(small_demo.demonstration.plan(), start=START + 100 * HOUR, end=START + 200 * HOUR)
    with pytest.raises(RehearsalRangeError, match=r"100 candles before --from.* missing.*earliest possible --from is"):
        Rehearsal(plan)


def test_a_range_that_ends_before_it_begins_is_refused(small_demo: Premises) -> None:
    plan = small_demo.demonstration.plan()
    with pytest.raises(RehearsalRangeError, match="must lie before"):
        Rehearsal(replace(plan, start=plan.end, end=plan.start))


def refusal(start: int, end: int) -> str | None:
    """What is said of a range of 100 candles, of which the monitors need 40 before it; None where it is accepted."""
    dates = pd.Series(pd.date_range(START, periods=100, freq=HOUR))
    try:
        require_range(dates, "BTC/USDT", start=START + start * HOUR, end=START + end * HOUR, interval=HOUR, needed=40)
    except RehearsalRangeError as refused:
        return str(refused)
    return None


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (39, 90, "39 candles before --from, but the monitors need 40: 1 missing.*2024-01-02T16:00"),
        (50, 101, "has candles from 2024-01-01 00:00 to 2024-01-05 03:00"),
        (200, 210, "has candles from"),
    ],
)
def test_a_range_the_candles_do_not_cover_is_refused(start: int, end: int, message: str) -> None:
    assert re.search(message, refusal(start, end) or "")


@pytest.mark.parametrize(("start", "end", "accepted"), [(40, 100, True), (39, 100, False), (40, 101, False)])
def test_a_range_up_to_the_last_candle_is_accepted_and_nothing_beyond(start: int, end: int, accepted: bool) -> None:
    assert (refusal(start, end) is None) is accepted


def test_a_pause_of_all_pairs_says_what_it_is(kept_model: RehearsalResult) -> None:
    began = BotPauseChanged(at=datetime(2024, 7, 7, 7, 0, 3, tzinfo=UTC), paused=True, drifting=1, pairs=2, share=0.5)
    over = replace(began, at=began.at + timedelta(days=2), paused=False, drifting=0)
    told = [entry_of(event, timedelta(hours=1)) for event in (began, over)]
    assert [entry.reasons for entry in told] == [
        ("all pairs paused: 1 of 2 drift significantly (from 50% on all pause)",),
        ("the pause of all pairs is over: 0 of 2 drift significantly (from 50% on all pause)",),
    ]
    shown = [entry.reasons[0] for entry in kept_model.entries if entry.kind == BotPauseChanged.kind]
    assert shown
    assert all(words.startswith(("all pairs paused: ", "the pause of all pairs is over: ")) for words in shown)


def test_repeated_blocks_are_counted_until_the_pair_changes_its_state() -> None:
    def entry(kind: str, pair: str = "BTC/USDT") -> TimelineEntry:
        return TimelineEntry(candle=START, kind=kind, pair=pair)

    entries = [entry("entry_blocked"), entry("entry_blocked"), entry("entry_blocked", "ETH/USDT")]
    entries += [
        entry("trade_opened"),
        entry("state_changed"),
        entry("entry_blocked"),
        entry("entry_blocked", "ETH/USDT"),
    ]
    shown = [(found.kind, found.pair, count) for found, count in turning_points(entries)]
    assert shown == [
        ("entry_blocked", "BTC/USDT", 2),
        ("entry_blocked", "ETH/USDT", 2),
        ("state_changed", "BTC/USDT", 1),
        ("entry_blocked", "BTC/USDT", 1),
    ]


@pytest.mark.host
@pytest.mark.timeout(600)
def test_the_demos_model_is_better_than_always_up_on_candles_it_has_not_seen(small_demo: Premises) -> None:
    trained = small_demo.trained
    assert trained.version == "v1"
    assert trained.metric("validation_accuracy") > trained.metric("validation_always_up_accuracy") + 0.05


@pytest.mark.host
@pytest.mark.timeout(600)
def test_the_demos_strategy_is_the_shipped_one(small_demo: Premises) -> None:
    copied = small_demo.demonstration.user_data_dir / "strategies" / "lifecycle_demo.py"
    assert copied.read_bytes() == strategy_file().read_bytes()


@pytest.mark.host
@pytest.mark.timeout(600)
def test_a_retrained_model_knows_no_candle_that_the_bot_had_not_seen(swapped_model: Swapped) -> None:
    _, retrainer = swapped_model
    assert retrainer.trained is not None
    assert retrainer.at is not None
    found = re.search(r"to (\d{4}-\d\d-\d\d \d\d:\d\d) UTC", retrainer.trained.printed)
    assert found is not None
    # the end of the training is the close of the last candle that its targets read
    assert found[1] == f"{retrainer.at + HOUR:%Y-%m-%d %H:%M}"
