"""Each fault of a feature is told from the others by its numbers; rounding is none."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tradai_lifecycle.strategy.differences import difference_words, differences

NAMES = ("%-rsi", "%-slow", "%-flag")
ROWS = 64

Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def stored() -> NDArray[np.float64]:
    """An oscillator, a slow column of another size, and a flag that is set twice."""
    random = np.random.default_rng(4)
    flag = np.zeros(ROWS)
    flag[[11, 40]] = 1.0
    return np.column_stack([random.uniform(20.0, 80.0, ROWS), np.cumsum(random.normal(0.0, 1e-6, ROWS)), flag])


def moved(values: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    """A column as `shift(by)` gives it on a longer frame: what moves in was never in the rows."""
    edge = values.mean() * 1.01
    return np.concatenate([[edge] * by, values[:-by]] if by > 0 else [values[-by:], [edge] * -by])


CHANGES: dict[str, tuple[Change, str]] = {
    "lag": (lambda now: moved(now, 1), "is lagged by 1 candle"),
    "lag of three": (lambda now: moved(now, 3), "is lagged by 3 candles"),
    "lead": (lambda now: moved(now, -1), "is 1 candle ahead"),
    "unit": (lambda now: now * 100.0, "is 100 times as large"),
    "share": (lambda now: now / 1_000.0, "is 0.001 times as large"),
    "sign": (lambda now: -now, "has its sign flipped"),
    "both": (lambda now: now * -100.0, "is -100 times as large"),
    "other": (lambda now: now + np.abs(now).max() * np.sin(np.arange(ROWS)), "differs"),
}


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("fault", CHANGES)
def test_a_fault_of_one_column_is_named(fault: str, column: int) -> None:
    change, words = CHANGES[fault]
    was, now = stored(), stored()
    now[:, column] = change(was[:, column])
    (found,) = differences(was, now, NAMES)
    assert found.words.startswith(f"{NAMES[column]} {words} (")
    assert found.rows >= ROWS - 3
    assert found.rows_compared == ROWS
    assert found.largest == np.nanmax(np.abs(was[:, column] - now[:, column]))


def test_swapped_columns_look_like_each_other() -> None:
    was = stored()
    found = differences(was, was[:, [1, 0, 2]], NAMES)
    assert [(one.name, one.likeness) for one in found] == [
        ("%-rsi", "looks like %-slow"),
        ("%-slow", "looks like %-rsi"),
    ]


def test_a_lag_of_a_rare_flag_is_seen() -> None:
    was, now = stored(), stored()
    now[:, 2] = np.roll(was[:, 2], 1)
    (found,) = differences(was, now, NAMES)
    assert found.words == "%-flag is lagged by 1 candle (4 of 64 rows, by up to 1)"


@pytest.mark.parametrize(("off", "seen"), [(5e-7, False), (5e-6, True)])
def test_the_tolerance_is_a_share_of_the_columns_largest_value(off: float, seen: bool) -> None:
    was = stored()
    was[0] = 0.0
    now = was + off * np.abs(was).max(axis=0)
    assert [bool(differences(was[:, [column]], now[:, [column]], ("one",))) for column in range(3)] == [seen] * 3


@pytest.mark.parametrize(
    ("was", "now", "rows"),
    [
        (np.nan, np.nan, 0),
        (np.inf, np.inf, 0),
        (np.inf, -np.inf, 1),
        (np.nan, 1.0, 1),
        (1.0, np.nan, 1),
        (1.0, np.inf, 1),
        (0.0, 1e-300, 1),
    ],
)
def test_what_is_no_number_equals_itself_alone(was: float, now: float, rows: int) -> None:
    found = differences(np.array([[0.0], [was]]), np.array([[0.0], [now]]), ("%-one",))
    assert [one.rows for one in found] == [rows] * bool(rows)


def test_a_value_against_none_is_said_to_be() -> None:
    (found,) = differences(np.array([[0.0], [np.nan]]), np.array([[0.0], [2.0]]), ("%-one",))
    assert found.words == "%-one differs (1 of 2 rows, a value against none)"


def test_a_constant_column_is_like_no_other() -> None:
    was = np.column_stack([np.ones(ROWS), np.zeros(ROWS)])
    (found,) = differences(was, np.column_stack([np.zeros(ROWS), np.zeros(ROWS)]), ("%-one", "%-two"))
    assert found.likeness == ""


def test_what_is_left_out_never_differs() -> None:
    was = stored()
    assert differences(was, -was, NAMES, unchecked=frozenset(NAMES)) == ()
    assert [one.name for one in differences(was, -was, NAMES, unchecked=frozenset({"%-rsi"}))] == ["%-slow", "%-flag"]


def test_many_columns_are_counted_and_the_recognised_ones_come_first() -> None:
    random = np.random.default_rng(1)
    was = random.normal(size=(ROWS, 8))
    now = random.normal(size=(ROWS, 8))
    now[:, 7] = -was[:, 7]
    words = difference_words(differences(was, now, [f"%-{number}" for number in range(8)]))
    assert words.startswith("%-7 has its sign flipped (64 of 64 rows, by up to ")
    assert words.endswith("; and 3 more")
    assert words.count("differs") == 4
