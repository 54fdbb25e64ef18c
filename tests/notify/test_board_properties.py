"""Whatever happens in whatever order: no storm, no urgent first kept back, nothing lost, nothing that grows."""

import math
from collections import Counter
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.notify import happenings
from tests.notify.happenings import ACTIVE, NOON, PAUSED, REDUCED, at
from tests.test_events import KINDS, sample_events
from tradai_lifecycle.events import Event, FaultReported, StateChanged, StrangerIgnored
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.digest import MOST_LINES
from tradai_lifecycle.notify.flapping import TOLD_CHANGES
from tradai_lifecycle.notify.notice import Notice, Priority
from tradai_lifecycle.notify.priorities import notice_of
from tradai_lifecycle.states import Reason, TradingState

DAY = 24 * 60
MANY = settings(max_examples=60, deadline=None)
PAIRS = [f"{coin}/USDT" for coin in ("BTC", "ETH", "SOL", "ADA")]
REASONS = (Reason.PSI_SIGNIFICANT, Reason.NOT_FINITE, Reason.MODEL_FAILED)


def board(**changes) -> Board:
    config = {name: changes.pop(name) for name in tuple(changes) if name in ("fold_minutes", "reminder_hours")}
    return Board(happenings.settings(**config), **changes)


@st.composite
def walks(draw) -> list[StateChanged]:
    """Changes of state of a few pairs as a bot makes them: each from the state before, in the order of time."""
    states: dict[str, TradingState] = dict.fromkeys(PAIRS, ACTIVE)
    minute, events = 0.0, []
    for _ in range(draw(st.integers(1, 40))):
        minute += draw(st.sampled_from((0.0, 1.0, 5.0, 60.0, 400.0)))
        pair = draw(st.sampled_from(PAIRS))
        after = draw(st.sampled_from([state for state in TradingState if state is not states[pair]]))
        reasons = Reason.NONE if after is ACTIVE else draw(st.sampled_from(REASONS))
        events.append(happenings.changed(pair, states[pair], after, reasons, minute))
        states[pair] = after
    return events


any_event = st.sampled_from([event for kind in KINDS.values() for event in sample_events(kind)])


def titles(notices: list[Notice]) -> list[str]:
    return [notice.title for notice in notices]


@MANY
@given(
    gaps=st.lists(st.floats(0.0, 120.0), min_size=1, max_size=200),
    fold=st.sampled_from((5.0, 30.0, 240.0)),
)
def test_repeats_are_told_no_more_often_than_the_windows_grow(gaps: list[float], fold: float) -> None:
    told_by, minute, count = board(fold_minutes=fold, reminder_hours=24), 0.0, 0
    for gap in gaps:
        minute += gap
        notices = told_by.take([happenings.fault("session", "boom", later=minute)], at(minute))
        count += sum(notice.priority is Priority.NOW for notice in notices)
    # a series is told at its begin and at the end of its windows; it ends only when a whole window was quiet
    assert count <= 2 + minute / fold
    if max(gaps[1:], default=0.0) < fold:
        windows = math.log2(minute / fold + 1) + 1 if minute < DAY else math.log2(DAY / fold) + minute / DAY + 2
        assert count <= 1 + windows


@MANY
@given(events=st.lists(any_event, min_size=1, max_size=30))
def test_the_first_urgent_event_of_a_key_is_told_in_the_call_that_brings_it(events: list[Event]) -> None:
    told_by, keys = board(), set[str]()
    for number, event in enumerate(events):
        notices = told_by.take([event], NOON + timedelta(seconds=number))
        wanted = notice_of(event)
        if wanted is None or wanted.priority is not Priority.NOW or wanted.key in keys:
            continue
        if isinstance(event, StateChanged) or (isinstance(event, FaultReported) and not event.recovered):
            keys.add(wanted.key)
            acknowledged = any(earlier.kind == "acknowledged" for earlier in events[:number])
            assert (
                acknowledged or any(one.priority is Priority.NOW for one in notices) or _known(events[:number], event)
            )


# A change to what the pair was in already, or a fault that never ended, is no first.
def _known(before: list[Event], event: Event) -> bool:
    if isinstance(event, StateChanged):
        return any(isinstance(one, StateChanged) and one.pair == event.pair for one in before)
    return any(isinstance(one, FaultReported) and one.part == getattr(event, "part", None) for one in before)


@MANY
@given(events=walks())
def test_a_person_always_learns_the_state_a_pair_ends_in_or_that_it_flaps(events: list[StateChanged]) -> None:
    told_by = board(fold_minutes=30)
    notices: list[Notice] = []
    for event in events:
        notices += told_by.take([event], event.at)
    for minute in range(0, 5 * 60, 10):
        notices += told_by.tick(events[-1].at + timedelta(minutes=minute))
    for pair in {event.pair for event in events}:
        last = [event for event in events if event.pair == pair][-1]
        said = [one.state for one in notices if pair in one.pairs and one.state is not None]
        if last.after is PAUSED:
            assert said, (pair, titles(notices))
            assert said[-1] is PAUSED, (pair, titles(notices))
        elif said and said[-1] is PAUSED:
            raise AssertionError(f"{pair} is {last.after.label}, and a person believes it is paused")
        elif last.after is REDUCED:
            assert said[-1:] == [REDUCED], (pair, titles(notices))


@MANY
@given(events=walks())
def test_a_pair_is_told_no_more_often_than_its_flapping_allows(events: list[StateChanged]) -> None:
    told_by = board(fold_minutes=30)
    notices: list[Notice] = []
    for event in events:
        notices += [one for one in told_by.take([event], event.at) if one.state is not None]
    minutes = (events[-1].at - NOON).total_seconds() / 60
    for pair in PAIRS:
        count = sum(pair in notice.pairs for notice in notices)
        # between two settlings: the changes that are told, the word that it flaps, one per new reason, the settling
        assert count <= (TOLD_CHANGES + 2 + len(REASONS)) * (2 + minutes / 120)


@MANY
@given(events=walks())
def test_notices_come_in_the_order_of_what_they_tell(events: list[StateChanged]) -> None:
    told_by = board(fold_minutes=0)
    heard = [
        (notice.pairs[0], notice.state)
        for event in events
        for notice in told_by.take([event], event.at)
        if notice.state
    ]
    happened = [(event.pair, event.after) for event in events]
    position = 0
    for one in heard:
        assert one in happened[position:], (heard, happened)
        position = happened.index(one, position) + 1


@MANY
@given(counts=st.dictionaries(st.integers(0, MOST_LINES + 20), st.integers(1, 5), min_size=1, max_size=MOST_LINES + 20))
@example(counts=dict.fromkeys(range(MOST_LINES + 20), 2))
def test_a_digest_counts_each_thing_once_however_many_kinds_there_are(counts: dict[int, int]) -> None:
    told_by = board()
    for name, count in counts.items():
        for number in range(count):
            event = StrangerIgnored(at=at(number), who=f"stranger {name}", transport="telegram", messages=1)
            assert told_by.take([event], at(number)) == ()
    total = sum(counts.values())
    (digest,) = told_by.tick(happenings.MIDNIGHT)
    assert digest.title.endswith(f": {total} {'notice' if total == 1 else 'notices'} that could wait")
    times = [line.partition(" \N{MULTIPLICATION SIGN} ") for line in digest.text.splitlines()]
    others = sum(int(line.split()[1]) for line in digest.text.splitlines() if line.startswith("and "))
    named = sum(int(number) if cross else 1 for number, cross, _ in times if not number.startswith("and "))
    assert named + others == total
    assert told_by.tick(happenings.MIDNIGHT + timedelta(days=3)) == ()


@MANY
@given(events=st.lists(any_event, max_size=40), split=st.integers(0, 40))
def test_batches_make_no_difference_to_how_much_is_remembered_or_raise(events: list[Event], split: int) -> None:
    told_by = board()
    for batch in (events[:split], events[split:]):
        for notice in told_by.take(batch, NOON):
            assert notice.title
    assert len(told_by) < 10_000


def test_memory_is_bounded_however_much_happens() -> None:
    told_by = board()
    sizes = []
    for number in range(15_000):
        pair = f"C{number}/USDT"
        kind = number % 5
        event: Event = (
            happenings.changed(pair, later=number),
            happenings.fault(f"part {number}", "boom", later=number),
            happenings.blocked(pair, Reason.NOT_FINITE, number),
            happenings.commanded(later=number, who=f"shell:{number}"),
            happenings.cut(pair, later=number),
        )[kind]
        told_by.take([event], at(number / 60))
        if number % 1_000 == 999:
            sizes.append(len(told_by))
    assert max(sizes) < 20_000
    assert sizes[-1] <= 1.01 * sizes[-4]


def test_three_days_of_a_market_that_drifts_together_are_a_handful_of_notices() -> None:
    told_by, told = board(), Counter[str]()
    for minute in range(0, 3 * DAY, 5):
        events: list[Event] = []
        pair = f"C{minute // 10:03}/USDT"
        if minute % 10 == 0 and minute < 400:
            events.append(happenings.changed(pair, later=minute))
        events += [happenings.blocked(f"C{number:03}/USDT", later=minute) for number in range(0, 40, 7)]
        for notice in told_by.take(events, at(minute)):
            told[notice.priority.label] += 1
    assert told == {"P1": 5, "P2": 2, "P3": 3}
