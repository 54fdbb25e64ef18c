"""What stands beside an accuracy is shown where it is asked for, and what keeps a rule mute is said in the status."""

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.control.control_room import BTC, ETH, ControlRoom, bot, series, state
from tests.store.accuracies import DOWN, UP, beside
from tradai_lifecycle.cli.tables import print_report
from tradai_lifecycle.control.accuracy_words import accuracy_warnings, beside_lines
from tradai_lifecycle.control.reports import AccuracyFigure, AccuracyReport
from tradai_lifecycle.states import AccuracyVerdict, CommandName, Reason

MUTE = "! accuracy cannot be judged at this timeframe: needs"


def watched(room: ControlRoom, **changes: Any) -> None:
    """A bot at 1h that has written what stands beside BTC's accuracy."""
    room.take_over("1", states=(state(),))
    room.ledger.record_series([replace(series(rsi=(0.1, 0.3)), accuracy=beside(**changes))])
    room.ledger.record_bot(bot(timeframe="1h"))


def figure_of(room: ControlRoom, pair: str = BTC) -> AccuracyFigure:
    report = room.run(CommandName.ACCURACY).report
    assert isinstance(report, AccuracyReport)
    return report.pairs[pair]


def test_each_direction_the_baselines_and_the_validation_stand_below_the_accuracy(room: ControlRoom) -> None:
    watched(room)
    up = "0.571 [0.456, 0.679] of 190 predictions, 70 effective"
    down = "0.543 [0.410, 0.671] of 140 predictions, 52 effective"
    assert room.text(CommandName.ACCURACY).splitlines() == [
        "BTC/USDT v1: 0.560 [0.500, 0.620] of 132 effective, floor 0.52: not proven below it",
        "  over 14.0 days: 330 predictions, 98% of the candles outside the dead band",
        f"  up {up}; down {down}",
        "  always up 0.512; Pesaran-Timmermann 1.93, by chance in 2.7% of cases",
        "  validation 0.612 of 1,120 effective",
    ]


def test_the_shell_shows_the_same_lines(room: ControlRoom, capsys: pytest.CaptureFixture[str]) -> None:
    watched(room)
    report = room.run(CommandName.ACCURACY).report
    assert report is not None
    print_report(report)
    printed = capsys.readouterr().out
    for line in beside_lines(figure_of(room)):
        assert f"BTC/USDT: {line}" in printed


def test_what_is_not_known_is_said(room: ControlRoom) -> None:
    nothing = replace(DOWN, predictions=0, accuracy=math.nan)
    unknown = {"pesaran_timmermann": math.nan, "p_value": math.nan, "validated_accuracy": math.nan}
    watched(room, down=nothing, coverage=math.nan, needed_candles=3_000.0, **unknown)
    lines = list(beside_lines(figure_of(room)))
    assert lines[0] == "over 14.0 days: 330 predictions"
    assert lines[1].endswith("; down never said")
    assert lines[2] == "always up 0.512; not to be told from chance: one direction only"
    assert lines[3] == "no validation to compare with: a fall cannot be seen until a model is trained anew"
    assert lines[4] == "accuracy cannot be judged at this timeframe: needs 125.0 days, 46.3 days are looked at"


def test_figures_of_another_model_are_not_shown_beside_this_ones_accuracy(room: ControlRoom) -> None:
    room.take_over("2", states=(state(version="v2"), state(ETH, version="v2")))
    room.ledger.record_series([replace(series(rsi=(0.1, 0.3)), accuracy=beside())])
    assert figure_of(room).beside is None
    assert list(beside_lines(figure_of(room, ETH))) == []
    assert list(accuracy_warnings({BTC: figure_of(room)})) == []


def test_without_a_bot_the_lengths_are_in_candles(room: ControlRoom) -> None:
    room.take_over("1", states=(state(),))
    room.ledger.record_series([replace(series(rsi=(0.1, 0.3)), accuracy=beside())])
    assert next(beside_lines(figure_of(room))).startswith("over 336 candles: ")


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({}, None),
        (
            {"needed_candles": 3_000.0},
            f"{MUTE} 125.0 days, 46.3 days are looked at: BTC/USDT",
        ),
        (
            {"needed_candles": math.inf},
            f"{MUTE} more predictions than it gets, 46.3 days are looked at: BTC/USDT",
        ),
        ({"needed_candles": math.nan}, None),
        (
            {"validated_accuracy": math.nan, "validated_effective_predictions": math.nan},
            "! the model has no validation to compare with, so a fall of accuracy is not seen: BTC/USDT",
        ),
    ],
)
def test_the_status_says_where_a_rule_is_mute_whatever_happens(
    room: ControlRoom, changes: dict[str, float], warning: str | None
) -> None:
    watched(room, **changes)
    said = [line for line in room.text(CommandName.STATUS).splitlines() if "accuracy" in line and line.startswith("!")]
    assert said == ([] if warning is None else [warning])


def test_of_many_pairs_some_are_named(room: ControlRoom) -> None:
    watched(room, needed_candles=3_000.0)
    (said,) = accuracy_warnings({f"P{number}/USDT": figure_of(room) for number in range(9)})
    assert said.endswith("P0/USDT, P1/USDT, P2/USDT, P3/USDT, P4/USDT, P5/USDT and 3 more")


def test_a_fall_is_a_verdict_and_a_reason_of_its_own(room: ControlRoom) -> None:
    room.take_over("1", states=(state(reasons=Reason.ACCURACY_FELL),))
    assert figure_of(room).verdict is AccuracyVerdict.FELL
    assert "not proven below it, but fallen below validation" in room.text(CommandName.ACCURACY)
    assert "severity: none: directional accuracy has fallen below validation" in room.text(CommandName.WHY, BTC)


def test_the_figures_are_values_for_programs(room: ControlRoom) -> None:
    watched(room)
    found = figure_of(room).beside
    assert found is not None
    assert (found.up.accuracy, found.up.predictions) == (UP.accuracy, UP.predictions)
    days = (found.window_days, found.widest_window_days, found.needed_days)
    assert days == pytest.approx((14.0, 1_112 / 24, 340 / 24))
