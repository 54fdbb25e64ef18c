"""What changes to and fro is told once as flapping and once when it has settled."""

from tests.notify.happenings import ACTIVE, DRIFT, PAUSED, REDUCED, changed, fault, position, recovered, resumed
from tests.notify.told_board import Told, digest
from tradai_lifecycle.notify.notice import Priority
from tradai_lifecycle.states import Reason


def flap(told: Told, times: int, *, every: float, start: float = 0.0) -> list[str]:
    titles = []
    for number in range(times):
        event = changed(later=start + number * every) if number % 2 == 0 else resumed(later=start + number * every)
        titles += told.take(event)
    return titles


def test_a_pair_that_flaps_is_told_once_as_flapping_and_once_when_it_has_settled() -> None:
    told = Told(fold_minutes=30)
    titles = flap(told, 20, every=5)
    paused, ended = f"BTC/USDT paused: {DRIFT}", "BTC/USDT resumed"
    assert titles == [paused, ended, paused, ended, f"BTC/USDT flaps, now paused: {DRIFT}"]
    assert told.wait(95 + 119) == []
    assert told.wait(95 + 120) == ["BTC/USDT has settled: active"]
    assert flap(told, 1, every=5, start=300) == [paused]


def test_a_pair_that_settles_as_paused_is_told_so_urgently_with_its_position() -> None:
    told = Told(positions=[position()])
    flap(told, 19, every=5)
    assert told.wait(90 + 120) == [f"BTC/USDT has settled: paused: {DRIFT}"]
    assert told.last.priority is Priority.NOW
    assert told.last.details[-1].startswith("Open: BTC/USDT")


def test_while_a_pair_flaps_a_new_urgent_trouble_of_it_is_told() -> None:
    told = Told()
    flap(told, 10, every=5)
    assert told.take(changed(reasons=Reason.NOT_FINITE, later=60)) == ["BTC/USDT paused: features are NaN or infinite"]


def test_changes_that_lie_far_apart_are_no_flapping() -> None:
    told = Told(fold_minutes=30)
    titles = flap(told, 8, every=120)
    assert titles == [f"BTC/USDT paused: {DRIFT}", "BTC/USDT resumed"] * 4


def test_flapping_is_told_though_the_change_that_shows_it_could_wait() -> None:
    told = Told()
    told.take(changed(after=REDUCED, reasons=Reason.PSI_MODERATE))
    states = (PAUSED, ACTIVE, REDUCED, ACTIVE)
    titles, before = [], REDUCED
    for number, after in enumerate(states, start=1):
        titles = told.take(changed(before=before, after=after, reasons=Reason.PSI_MODERATE, later=number))
        before = after
    assert titles == ["BTC/USDT flaps, now active: moderate drift of the features"]
    assert told.last.priority is Priority.TODAY


def test_a_part_that_flaps_is_told_once() -> None:
    told = Told()
    titles = []
    for number in range(20):
        event = fault("store", "disk full", later=number) if number % 2 == 0 else recovered("store", later=number)
        titles += told.take(event)
    assert len(titles) == 5
    assert titles[-1].startswith("Store flaps, now fails")
    assert told.wait(19 + 119) == []
    assert told.wait(19 + 120) == ["Store has settled: works"]


def test_what_flapped_away_is_counted_in_the_digest() -> None:
    told = Told()
    flap(told, 20, every=5)
    told.wait(300)
    lines = digest(told)
    assert lines == [
        "8 \N{MULTIPLICATION SIGN} BTC/USDT resumed",
        f"7 \N{MULTIPLICATION SIGN} BTC/USDT paused: {DRIFT}",
    ]
