"""The chart shows each run of reduced and paused candles as one area."""

import pandas as pd

from tests.strategy.fakes import PAIR, made
from tradai_lifecycle.strategy.annotations import PLOT_CONFIG, state_annotations
from tradai_lifecycle.strategy.columns import LIFECYCLE_COLUMNS

DATES = pd.date_range("2024-06-01", periods=6, freq="1h", tz="UTC")


def frame(*states: str) -> pd.DataFrame:
    return pd.DataFrame({"date": DATES[: len(states)], "trading_state": pd.Categorical(states)})


def spans(*states: str) -> list[tuple[str, pd.Timestamp, pd.Timestamp]]:
    return [(area["label"], area["start"], area["end"]) for area in state_annotations(frame(*states))]


def test_each_run_is_an_area_up_to_the_candle_that_ends_it() -> None:
    assert spans("active", "reduced", "reduced", "paused", "active", "active") == [
        ("reduced", DATES[1], DATES[3]),
        ("paused", DATES[3], DATES[4]),
    ]


def test_a_run_to_the_end_reaches_the_last_candle() -> None:
    assert spans("active", "active", "paused") == [("paused", DATES[2], DATES[2])]
    assert spans("reduced", "reduced") == [("reduced", DATES[0], DATES[1])]


def test_an_active_pair_has_no_area() -> None:
    assert spans("active", "active") == []
    assert spans() == []
    assert state_annotations(pd.DataFrame({"date": DATES})) == []


def test_every_area_is_one_that_frequi_knows() -> None:
    area = state_annotations(frame("paused", "reduced"))[0]
    assert sorted(area) == ["color", "end", "label", "start", "type"]
    assert area["type"] == "area"


def test_the_strategy_offers_them_to_freqtrade() -> None:
    given = frame("paused", "paused", "active")
    strategy = made()
    offered = strategy.plot_annotations(PAIR, DATES[0], DATES[2], given)
    assert offered == state_annotations(given)
    assert len(offered) == 1


def test_every_plotted_column_is_one_that_is_written() -> None:
    plotted = {column for subplot in PLOT_CONFIG["subplots"].values() for column in subplot}
    assert plotted <= set(LIFECYCLE_COLUMNS)
