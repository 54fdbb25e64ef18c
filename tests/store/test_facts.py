"""What a running bot says of itself is kept as it said it last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.store.accuracies import UP, beside
from tests.store.bots import running_bot
from tradai_lifecycle.store import (
    AccuracyRecord,
    BotRecord,
    Ledger,
    PairSeries,
    PositionRecord,
    SeriesRecord,
)
from tradai_lifecycle.store.fact_rows import bot_record, bot_row, pair_series, series_row


def facts(at: datetime, **changes: object) -> BotRecord:
    values = {"timeframe": "5m", "horizon_candles": 12, "registry_seen_at": at - timedelta(seconds=40)}
    return running_bot(at, **{**values, **changes})


def position(at: datetime, **changes: object) -> PositionRecord:
    values = {"pair": "BTC/USDT", "side": "long", "stake": 0.1 + 0.2, "profit_ratio": -0.013, "opened_at": at}
    return PositionRecord(**{**values, "version": "v7", **changes})  # type: ignore[arg-type]


def accuracy(one: float, other: float) -> AccuracyRecord:
    """What stands beside an accuracy, with these figures."""
    direction = replace(UP, accuracy=one, effective_predictions=other, lower=one, upper=other)
    figures = {"always_up": one, "p_value": other, "pesaran_timmermann": one, "coverage": other}
    return beside(up=direction, down=direction, needed_candles=other, validated_accuracy=one, **figures)


def test_the_bots_facts_come_back_as_they_were_recorded_last(ledger: Ledger, noon: datetime) -> None:
    assert ledger.bot() is None
    open_trades = (position(noon), position(noon, pair="'; DROP", side="short", profit_ratio=1e-17, version="none"))
    first = facts(noon, positions=open_trades, awaiting="v8")
    second = facts(
        noon + timedelta(minutes=5),
        freqtrade_state="stopped",
        dry_run=False,
        registry_seen_at=None,
        registry_problem="the registry cannot be reached: änn",
    )
    for record in (first, second, first):
        ledger.record_bot(record)
        assert ledger.bot() == record


@given(st.floats(), st.floats())
def test_any_figure_of_a_position_or_a_series_survives(one: float, other: float) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    written = facts(at, positions=(position(at, stake=one, profit_ratio=other),))
    assert repr(bot_record(bot_row(written))) == repr(written)
    shown = SeriesRecord(name="%-a", psi=one, moderate_limit=other, significant_limit=one, monitorable=True)
    known = accuracy(one, other)
    series = PairSeries(
        pair="BTC/USDT", candle=at, version="v7", training_windows=13.5, series=(shown,), accuracy=known
    )
    assert repr(pair_series(series_row(series))) == repr(series)


def test_each_pairs_series_are_those_recorded_last(ledger: Ledger, noon: datetime) -> None:
    def series(pair: str, hour: int, *names: str) -> PairSeries:
        shown = [
            SeriesRecord(name=name, psi=0.1, moderate_limit=0.1, significant_limit=0.25, monitorable=name != "%-b")
            for name in names
        ]
        candle = noon + timedelta(hours=hour)
        return PairSeries(
            pair=pair,
            candle=candle,
            version="v7",
            training_windows=hour / 3,
            series=tuple(shown),
            accuracy=accuracy(0.5, 0.1 + 0.2) if hour else None,
        )

    assert ledger.series() == {}
    ledger.record_series([series("ETH/USDT", 0, "%-a"), series("BTC/USDT", 0, "%-a", "%-b", "prediction")])
    ledger.record_series([])
    ledger.record_series([series("ETH/USDT", 1, "%-b", "prediction")])
    assert ledger.series() == {
        "BTC/USDT": series("BTC/USDT", 0, "%-a", "%-b", "prediction"),
        "ETH/USDT": series("ETH/USDT", 1, "%-b", "prediction"),
    }
