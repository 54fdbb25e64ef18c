"""Pictures are made of what was recorded, without a display and without any state of the process."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.control.control_room import BTC, DRIFTING, ETH, NOON, ControlRoom, state
from tradai_lifecycle.control.charts import accuracy_chart, drift_chart
from tradai_lifecycle.control.standing import UnknownPairError

HOUR = timedelta(hours=1)
PAUSED_SHADE = (246, 209, 214)


def pixels(png: bytes | None) -> NDArray[np.int64]:
    """The picture as whole numbers (height, width, 3)."""
    from matplotlib.image import imread

    assert png is not None
    assert png.startswith(b"\x89PNG\r\n")
    return np.rint(imread(BytesIO(png), format="png")[:, :, :3] * 255).astype(np.int64)


def share_of(picture: NDArray[np.int64], colour: tuple[int, int, int]) -> float:
    return float((np.abs(picture - np.array(colour)).max(axis=2) <= 8).mean())


def drifting_room(room: ControlRoom, *, paused: int) -> ControlRoom:
    """48 candles of two pairs, the last `paused` ones of BTC/USDT beyond their limit."""
    states = [state(BTC, NOON + HOUR * hour, **(DRIFTING if hour >= 48 - paused else {})) for hour in range(48)]
    room.ledger.record_states([*states, *(state(ETH, NOON + HOUR * hour, accuracy=0.4) for hour in range(48))])
    return room


def test_with_nothing_recorded_there_is_nothing_to_draw(room: ControlRoom) -> None:
    assert drift_chart(room.ledger, None) is None
    assert accuracy_chart(room.ledger, room.config, None) is None
    room.ledger.record_states([state(significant_ratio=float("nan"), accuracy=float("nan"))])
    assert drift_chart(room.ledger, BTC) is None
    assert accuracy_chart(room.ledger, room.config, BTC) is None


@pytest.mark.parametrize("paused", [1, 12, 24])
def test_candles_that_were_paused_are_shaded_as_wide_as_they_lasted(room: ControlRoom, paused: int) -> None:
    picture = pixels(drift_chart(drifting_room(room, paused=paused).ledger, None))
    # 48 candles fill 0.72 of the picture: the rest are margins and axes
    assert share_of(picture, PAUSED_SHADE) == pytest.approx(0.70 * paused / 50, rel=0.25)


def test_a_pair_that_was_never_held_is_not_shaded(room: ControlRoom) -> None:
    assert share_of(pixels(drift_chart(drifting_room(room, paused=12).ledger, "eth")), PAUSED_SHADE) < 0.0005


def test_without_a_pair_the_accuracy_of_the_worst_is_drawn(room: ControlRoom) -> None:
    drifting_room(room, paused=0)
    worst = accuracy_chart(room.ledger, room.config, None)
    assert worst == accuracy_chart(room.ledger, room.config, ETH)
    assert worst != accuracy_chart(room.ledger, room.config, BTC)


def test_an_unknown_pair_is_named(room: ControlRoom) -> None:
    drifting_room(room, paused=0)
    with pytest.raises(UnknownPairError, match="DOGE is not a pair of this bot"):
        drift_chart(room.ledger, "DOGE")


def test_pictures_are_made_by_several_threads_at_once_and_leave_no_pyplot_behind(room: ControlRoom) -> None:
    drifting_room(room, paused=12)
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda _: drift_chart(room.ledger, None), range(8)))
    assert len(set(pictures)) == 1
    assert "matplotlib.pyplot" not in sys.modules
