"""A row's judgement depends on its last candles alone: on no later one, and on no frame's beginning."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.strategy.fakes import PAIR, ListeningSupply, Plain, made
from tests.strategy.premises import PAIRS, STARTUP_CANDLES, market
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.policy.trading_state import StateColumns
from tradai_lifecycle.states import Reason, Thresholds, TradingState
from tradai_lifecycle.strategy.columns import (
    LIFECYCLE_COLUMNS,
    ActiveVersion,
    Frame,
    HealthMemory,
    Judgement,
    JudgeSettings,
    judge_frame,
    neutral_judgement,
    write_columns,
)
from tradai_lifecycle.strategy.frame import build_frame
from tradai_lifecycle.strategy.lifecycle import Lifecycle

Judged = Mapping[str, Judgement]
Frames = Mapping[str, Frame]
#: A live frame has at least this many rows beyond the shortest one that is decided.
FURTHER_ROWS = 1_000
SHIFTS = (Reason.MARKET_MODERATE, Reason.MARKET_SIGNIFICANT, Reason.RELATION_MODERATE)


def cut(frame: Frame, first: int, end: int) -> Frame:
    rows = slice(first, end)
    return replace(
        frame,
        dates_ns=frame.dates_ns[rows],
        candles=frame.candles.rows(rows),
        features=frame.features[rows],
        realised=frame.realised[rows],
    )


def row(judged: Judgement, at: int) -> dict[str, Any]:
    """Everything that is said of one row."""
    states = judged.states
    return {
        "severity": states.severity[at],
        "state": states.state[at],
        "reasons": states.reasons[at],
        "retraining": states.retraining[at],
        "prediction": judged.prediction[at],
        "do_predict": judged.do_predict[at],
        "version": judged.version_at(at),
        "psi_max": judged.psi_max[at],
        "significant_ratio": judged.significant_ratio[at],
        "accuracy": judged.accuracy[at],
        "effective_predictions": judged.effective_predictions[at],
        "worst_series": judged.worst_series[at],
        "stake_ratio": judged.stake_ratio[at],
    }


def band_rows(judged: Judgement) -> np.ndarray:
    """Rows held by the latch alone: the ratio is below the limit and above the release."""
    latched = (judged.states.reasons & np.uint32(Reason.PSI_SIGNIFICANT)) != 0
    ratio = judged.significant_ratio
    return np.flatnonzero(latched & (ratio > 0.75) & (ratio < 1.0))


def chosen_ends(judged: Judgement, generator: np.random.Generator) -> list[int]:
    """Random end candles, every change of state or of a shift with its neighbours, and rows in a hysteresis band."""
    shifts = judged.states.reasons & np.uint32(sum(SHIFTS))
    changes = np.flatnonzero(np.diff(judged.states.state) | np.diff(shifts)) + 1
    near = np.concatenate([changes - 1, changes, changes + 1])
    band = band_rows(judged)
    assert len(band) > 0
    ends = np.concatenate([generator.integers(STARTUP_CANDLES, len(judged), 60), near, generator.choice(band, 10)])
    return [int(end) for end in np.unique(ends) if STARTUP_CANDLES <= end < len(judged)]


@pytest.mark.parametrize("pair", PAIRS)
def test_with_dynamic_limits_live_frames_and_the_whole_history_agree_to_the_last_bit(
    pair: str, frames: Frames, demo_strategy: Any
) -> None:
    """Each frame by itself, and one after another as a bot remembers them."""
    settings, versions = dynamic_settings(demo_strategy), demo_strategy.lifecycle.supply.versions()
    whole, rows, memory = judge_frame(frames[pair], versions, settings), settings.predecessors + 1, HealthMemory()
    drifting = (whole.states.reasons & np.uint32(Reason.PSI_SIGNIFICANT)) != 0
    first = int(np.flatnonzero(drifting & (np.arange(len(whole)) > rows + 60))[0])
    turns = Reason.NONE
    for end in [*range(first - 60, first + 20), first + 23, first + 90, *range(first + 91, first + 120)]:
        frame = cut(frames[pair], end + 1 - rows, end + 1)
        for judged in (judge_frame(frame, versions, settings), judge_frame(frame, versions, settings, memory)):
            np.testing.assert_equal(row(judged, -1), row(whole, end), err_msg=f"candle {end}")
        turns |= Reason(int(whole.states.reasons[end]))
    assert Reason.PSI_SIGNIFICANT in turns
    shorter = cut(frames[pair], first + 2 - rows, first + 1)
    assert Reason.WARMING_UP in Reason(int(judge_frame(shorter, versions, settings).states.reasons[-1]))


def dynamic_settings(strategy: Any) -> JudgeSettings:
    lifecycle = strategy.lifecycle
    return Lifecycle(
        lifecycle.config.model_copy(update={"thresholds": Thresholds.DYNAMIC}),
        timeframe=lifecycle.timeframe,
        horizon_candles=lifecycle.horizon_candles,
        feature_warm_up=lifecycle.settings.feature_warm_up,
        trades_pairs=False,
        judged_ahead=True,
    ).settings


@pytest.mark.parametrize("pair", PAIRS)
def test_a_short_frame_and_the_whole_history_agree_to_the_last_bit(
    pair: str, frames: Frames, judged_history: Judged, demo_strategy: Any
) -> None:
    lifecycle, generator = demo_strategy.lifecycle, np.random.default_rng(1)
    whole = judged_history[pair]
    states, reasons = set(), Reason.NONE
    for end in chosen_ends(whole, generator):
        rows = STARTUP_CANDLES + int(generator.choice([0, 1, *generator.integers(2, FURTHER_ROWS, 2)]))
        frame = cut(frames[pair], max(end + 1 - rows, 0), end + 1)
        judged = judge_frame(frame, lifecycle.supply.versions(), lifecycle.settings)
        np.testing.assert_equal(row(judged, -1), row(whole, end), err_msg=f"candle {end}, {rows} rows")
        states.add(int(whole.states.state[end]))
        reasons |= Reason(int(whole.states.reasons[end]))
    assert states == {0, 1, 2}
    assert all(shift in reasons for shift in SHIFTS)


def test_a_latch_that_nothing_releases_ends_alike_in_every_frame(frames: Frames, demo_strategy: Any) -> None:
    # the release is what a frame sees last: without one, only the bound on the latch's memory keeps frames in step
    lifecycle = demo_strategy.lifecycle
    settings = replace(
        lifecycle.settings, policy=replace(lifecycle.settings.policy, release_persistence=len(frames[PAIR]))
    )
    versions = lifecycle.supply.versions()
    whole = judge_frame(frames[PAIR], versions, settings)
    latched = (whole.states.reasons & np.uint32(Reason.PSI_SIGNIFICANT)) != 0
    assert latched.any()
    released = np.flatnonzero(latched[:-1] & ~latched[1:])
    ends = [int(end) for last in released for end in (last, last + 1, last + 60)]
    assert ends
    for end in [*ends, len(frames[PAIR]) - 1]:
        frame = cut(frames[PAIR], end + 1 - STARTUP_CANDLES, end + 1)
        np.testing.assert_equal(row(judge_frame(frame, versions, settings), -1), row(whole, end), err_msg=f"{end}")


def test_one_row_fewer_than_the_startup_is_not_decided(
    frames: Frames, demo_strategy: Any, judged_history: Judged
) -> None:
    lifecycle = demo_strategy.lifecycle
    at = 3_900
    assert judged_history[PAIR].states.state[at] == TradingState.ACTIVE
    for rows, reasons, predicted in ((STARTUP_CANDLES, Reason.NONE, 1), (STARTUP_CANDLES - 1, Reason.WARMING_UP, 0)):
        frame = cut(frames[PAIR], at + 1 - rows, at + 1)
        judged = judge_frame(frame, lifecycle.supply.versions(), lifecycle.settings)
        assert (Reason(int(judged.states.reasons[-1])), judged.do_predict[-1]) == (reasons, predicted)


@pytest.mark.parametrize("pair", PAIRS)
def test_later_candles_change_nothing_before_them(
    pair: str, frames: Frames, judged_history: Judged, demo_strategy: Any
) -> None:
    lifecycle = demo_strategy.lifecycle
    for end in (700, 2_999, 4_230, 4_715):
        # the target of the last candles is not known yet, as it is not live
        frame = cut(frames[pair], 0, end)
        realised = frame.realised.copy()
        realised[-demo_strategy.horizon_candles :] = np.nan
        judged = judge_frame(replace(frame, realised=realised), lifecycle.supply.versions(), lifecycle.settings)
        for name in ("severity", "state", "reasons", "retraining"):
            np.testing.assert_array_equal(
                getattr(judged.states, name), getattr(judged_history[pair].states, name)[:end], err_msg=name
            )
        for name in ("prediction", "do_predict", "psi_max", "accuracy", "stake_ratio"):
            np.testing.assert_array_equal(getattr(judged, name), getattr(judged_history[pair], name)[:end])


def test_from_raw_candles_severities_and_states_agree(
    demo_strategy: Any, judged_history: Judged, frames: Frames, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(2)
    flipped = compared = 0
    for pair, candles in market().items():
        whole, edges = judged_history[pair], bin_edges(demo_strategy, pair)
        for end in chosen_ends(whole, generator)[::3]:
            rows = STARTUP_CANDLES + int(generator.integers(0, FURTHER_ROWS))
            first = max(end + 1 - rows, 0)
            analysed = demo_strategy.advise_indicators(candles.iloc[first : end + 1].copy(), {"pair": pair})
            last = analysed.iloc[-1]
            expected = (TradingState(int(whole.states.state[end])).label, int(whole.do_predict[end]))
            assert (last["trading_state"], last["do_predict"]) == expected, (pair, end, rows)
            assert last["prediction"] == pytest.approx(whole.prediction[end], abs=1e-9)
            warm = slice(first + 60, end + 1)
            names = frames[pair].feature_names
            fresh = analysed[list(names)].to_numpy()[60:]
            known = frames[pair].features[warm]
            for column, cuts in enumerate(edges):
                flipped += int((np.digitize(fresh[:, column], cuts) != np.digitize(known[:, column], cuts)).sum())
                compared += len(fresh)
    with capsys.disabled():
        sys.stdout.write(f" [{flipped} of {compared} bin codes flipped]")
    assert compared > 100_000
    assert flipped <= compared // 100_000


@pytest.mark.parametrize("change", [0, -1])
def test_a_bot_that_remembers_its_frames_judges_each_as_one_that_has_just_started(
    change: int, demo_strategy: Any, judged_history: Judged
) -> None:
    state = judged_history[PAIR].states.state
    changes = np.flatnonzero(np.diff(state)) + 1
    changes = changes[(changes > STARTUP_CANDLES + 100) & (changes < len(state) - 100)]
    first = int(changes[change]) - STARTUP_CANDLES - 40
    candles, settings, memory = market()[PAIR], demo_strategy.lifecycle.settings, HealthMemory()
    one, two = bundles(demo_strategy)
    start, states = first, set()
    # candle by candle as a bot sees them, with an outage, and a swap in the middle
    for turn, step in enumerate([1] * 40 + [3, 1, 30, 1] + [1] * 30):
        start += step
        frame = build_frame(demo_strategy, candles.iloc[start : start + STARTUP_CANDLES].copy(), {"pair": PAIR})[1]
        adopted = int(frame.dates_ns[-1]) if turn >= 20 else None
        versions = (ActiveVersion(bundle=two if turn >= 20 else one, adopted_ns=adopted),)
        remembering, fresh = (judge_frame(frame, versions, settings, kept) for kept in (memory, None))
        for name in Judgement.__dataclass_fields__:
            if name != "states":
                np.testing.assert_equal(getattr(remembering, name), getattr(fresh, name), err_msg=name)
        for name in StateColumns.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(remembering.states, name), getattr(fresh.states, name))
        states.add(int(fresh.states.state[-1]))
    assert len(states) > 1


def bin_edges(strategy: Any, pair: str) -> list[np.ndarray]:
    """Deciles of each feature over the training candles, as fine as the monitors' bins."""
    bundle = strategy.lifecycle.supply.versions()[0].bundle
    features = market_features(strategy, pair)[:3_000]
    return [
        np.nanquantile(features[:, column], np.linspace(0.1, 0.9, 9)) for column in range(len(bundle.feature_names))
    ]


def market_features(strategy: Any, pair: str) -> np.ndarray:
    featured = strategy.populate_features(market()[pair].copy(), {"pair": pair})
    names = [name for name in featured.columns if name.startswith("%-")]
    values: np.ndarray = featured[names].to_numpy(dtype=np.float64)
    return values


def bundles(strategy: Any) -> tuple[ModelBundle, ModelBundle]:
    bundle = strategy.lifecycle.supply.versions()[0].bundle
    return bundle, replace(bundle, version="2")


def test_each_row_is_judged_by_the_version_in_charge_of_it(
    frames: Frames, demo_strategy: Any, judged_history: Judged
) -> None:
    one, two = bundles(demo_strategy)
    frame, settings = frames[PAIR], demo_strategy.lifecycle.settings
    timeline = (
        ActiveVersion(bundle=one),
        ActiveVersion(bundle=two, adopted_ns=int(frame.dates_ns[4_300]), state_before={PAIR: TradingState.PAUSED}),
        ActiveVersion(bundle=one, adopted_ns=int(frame.dates_ns[4_900])),
    )
    judged = judge_frame(frame, timeline, settings)
    labels = [judged.version_at(at) for at in (0, 4_299, 4_300, 4_899, 4_900, len(frame) - 1)]
    assert labels == ["v1", "v1", "v2", "v2", "v1", "v1"]
    assert judged.versions == ("v1", "v2")
    # both versions are one model: only the adoption out of a pause differs, for 50 candles
    changed = np.flatnonzero(judged.states.reasons != judged_history[PAIR].states.reasons)
    assert changed.tolist() == list(range(4_300, 4_350))
    np.testing.assert_array_equal(judged.prediction, judged_history[PAIR].prediction)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"feature_names": ("%-other",)}, Reason.SCHEMA_MISMATCH),
        ({"pair": "DOGE/USDT"}, Reason.NO_REFERENCE),
    ],
)
def test_a_frame_that_is_not_the_models_is_neutral_and_paused(
    change: dict[str, Any], reason: Reason, frames: Frames, demo_strategy: Any
) -> None:
    frame = replace(cut(frames[PAIR], 0, 900), **change)
    judged = judge_frame(frame, demo_strategy.lifecycle.supply.versions(), demo_strategy.lifecycle.settings)
    expected = neutral_judgement(frame.pair, frame.dates_ns, reason)
    for name in Judgement.__dataclass_fields__:
        if name != "states":
            np.testing.assert_equal(getattr(judged, name), getattr(expected, name))
    np.testing.assert_array_equal(judged.states.reasons, np.full(900, reason))
    np.testing.assert_array_equal(judged.states.state, np.full(900, TradingState.PAUSED))


def test_a_row_that_is_not_finite_spoils_itself_alone(
    frames: Frames, demo_strategy: Any, judged_history: Judged
) -> None:
    frame = cut(frames[PAIR], 0, 4_000)
    features = frame.features.copy()
    features[3_990, 2] = np.inf
    judged = judge_frame(
        replace(frame, features=features), demo_strategy.lifecycle.supply.versions(), demo_strategy.lifecycle.settings
    )
    whole = judged_history[PAIR]
    assert np.flatnonzero(judged.do_predict != whole.do_predict[:4_000]).tolist() == [3_990]
    assert Reason.NOT_FINITE in Reason(int(judged.states.reasons[3_990]))
    assert judged.states.state[3_990] == TradingState.PAUSED
    kept = np.arange(4_000) != 3_990
    np.testing.assert_array_equal(judged.prediction[kept], whole.prediction[:4_000][kept])


def test_written_columns_are_always_the_same_and_replace_older_ones() -> None:
    dates_ns = np.arange(3, dtype=np.int64)
    frame = pd.DataFrame({"date": pd.to_datetime(dates_ns, utc=True), "%-a": 1.0, "prediction": 9.0}, index=[4, 5, 6])
    written = write_columns(frame, neutral_judgement(PAIR, dates_ns, Reason.MODEL_MISSING))
    assert list(written.columns) == ["date", "%-a", *LIFECYCLE_COLUMNS]
    assert written.index.tolist() == [4, 5, 6]
    assert frame["prediction"].tolist() == [9.0] * 3
    last = written.iloc[-1]
    assert (last["prediction"], last["do_predict"], last["model_version"]) == (0.0, 0, "none")
    assert (last["drift_severity"], last["trading_state"], last["stake_ratio"]) == ("none", "paused", 0.0)


class FailingFeatures(Plain):
    """Its feature code fails."""

    def populate_features(self, dataframe: Any, metadata: Any) -> Any:
        raise KeyError("broken on purpose")


def live_candles(rows: int) -> pd.DataFrame:
    return market()[PAIR].iloc[:rows].reset_index(drop=True)


@pytest.mark.parametrize("rows", [0, 1, 2, 30])
def test_live_no_frame_is_too_short_to_be_paused(rows: int, demo_strategy: Any) -> None:
    strategy = made(Plain)
    strategy.lifecycle.supply = ListeningSupply()
    analysed = strategy.advise_indicators(live_candles(rows), {"pair": PAIR})
    assert set(LIFECYCLE_COLUMNS) <= set(analysed.columns)
    assert set(analysed["trading_state"]) <= {"paused"}
    assert len(analysed) == rows


def test_live_a_failing_strategy_gives_neutral_columns_and_says_so() -> None:
    strategy = made(FailingFeatures)
    analysed = strategy.advise_indicators(live_candles(40), {"pair": PAIR})
    assert set(analysed["trading_state"]) == {"paused"}
    assert [event.message for event in strategy.lifecycle.supply.events] == [
        "the strategy's own code failed: 'broken on purpose'"
    ]
    assert Reason(int(strategy.lifecycle.gate.view.rows[PAIR].reasons[-1])) is Reason.STRATEGY_FAILED


def test_offline_a_failing_strategy_is_raised_for_its_developer() -> None:
    strategy = made(FailingFeatures)
    strategy.lifecycle.supply.live = False
    with pytest.raises(KeyError, match="broken on purpose"):
        strategy.advise_indicators(live_candles(40), {"pair": PAIR})


@pytest.mark.parametrize(
    ("broken", "reason"), [("_predict", Reason.MODEL_FAILED), ("_assessor", Reason.MONITOR_FAILED)]
)
def test_live_a_failing_model_or_monitor_pauses_with_its_name(
    broken: str, reason: Reason, demo_strategy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradai_lifecycle.strategy import columns

    def raises(*_: Any, **__: Any) -> None:
        problem = RuntimeError("broken on purpose")
        raise columns.PredictionFailedError("v1", problem) if broken == "_predict" else problem

    supply = ListeningSupply(demo_strategy.lifecycle.supply.versions())
    lifecycle = demo_strategy.lifecycle
    monkeypatch.setattr(lifecycle, "supply", supply)
    monkeypatch.setattr(columns, broken, raises)
    analysed = lifecycle.analyse(demo_strategy, live_candles(700), {"pair": PAIR})
    assert set(analysed["trading_state"]) == {"paused"}
    assert Reason(int(lifecycle.gate.view.rows[PAIR].reasons[-1])) is reason
    assert supply.events[0].message.startswith("; ".join(reason.words))


def test_a_version_with_a_fault_known_against_it_decides_its_own_rows_alone(
    frames: Frames, demo_strategy: Any, judged_history: Any
) -> None:
    frame = frames[PAIR]
    (active,) = demo_strategy.lifecycle.supply.versions()
    faulty = replace(active, adopted_ns=int(frame.dates_ns[2_000]), fault=Reason.FEATURES_DIFFER)
    judged = judge_frame(frame, (active, faulty), demo_strategy.lifecycle.settings)
    assert set(judged.states.reasons[2_000:].tolist()) == {int(Reason.FEATURES_DIFFER)}
    assert not judged.do_predict[2_000:].any()
    np.testing.assert_array_equal(judged.prediction[:2_000], judged_history[PAIR].prediction[:2_000])
