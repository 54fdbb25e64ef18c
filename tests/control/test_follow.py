"""A pending command has one end: worked out by the running bot from its ledger, told to its asker, and written once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier

import pytest

from tests.control.control_room import ControlRoom
from tests.store.locks import locked_elsewhere
from tradai_lifecycle.control.command import Answer, Caller, Command
from tradai_lifecycle.control.follow import Follower
from tradai_lifecycle.control.progress import INTENT
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Role
from tradai_lifecycle.store.ledger import Ledger

PROMOTE, ROLLBACK = CommandName.PROMOTE, CommandName.ROLLBACK
DONE, FAILED, PENDING = CommandOutcome.DONE, CommandOutcome.FAILED, CommandOutcome.PENDING
BY_TELEGRAM = Caller(who="telegram:42 anna", transport="telegram", role=Role.APPROVER, place="7/1203")


@pytest.fixture
def three(room: ControlRoom) -> ControlRoom:
    """Three registered versions, of which the first is in charge and in production."""
    for _ in range(3):
        room.register()
    room.registry.promote("1")
    room.take_over("1")
    return room


class Asked:
    """A channel to people that keeps what it is told, or never gets it sent."""

    def __init__(self, *, sends: bool = True) -> None:
        self.told: list[tuple[str, str]] = []
        self.asked = asyncio.Event()
        self._sends = sends

    async def tell(self, place: str, text: str) -> None:
        self.told.append((place, text))
        self.asked.set()
        if not self._sends:
            await asyncio.Event().wait()


def over_telegram(room: ControlRoom, version: str) -> Answer:
    return room.desk.run(Command(name=PROMOTE, version=version), BY_TELEGRAM, confirmed=True)


def bot(room: ControlRoom, asked: Asked | None = None, **options: float) -> Follower:
    tell_by = {"telegram": asked.tell} if asked is not None else {}
    return Follower(room.ledger, lambda: datetime.now(UTC), tell_by, **options)


def ends(room: ControlRoom) -> list[CommandAnswered]:
    """The second events, oldest first."""
    stored = reversed(room.ledger.events(kind=CommandAnswered.kind))
    events = (one.event for one in stored)
    return [event for event in events if isinstance(event, CommandAnswered) and event.outcome in (DONE, FAILED)]


def test_a_running_bot_writes_the_end_that_nobody_waits_for(three: ControlRoom) -> None:
    answer = three.run(PROMOTE, "2", "newer", "candles")
    assert answer.outcome is PENDING
    three.settle()
    assert ends(three) == []
    three.take_over("2")
    three.settle()
    three.settle()
    (end,) = ends(three)
    assert (end.command, end.arguments, end.who, end.outcome, end.note) == (
        PROMOTE,
        "v2",
        "shell:anna",
        DONE,
        "newer candles",
    )
    assert end.detail.endswith("was predicted by v2")
    assert answer.follow is not None
    assert end.begun_at == answer.follow.since.isoformat()


def test_a_refusal_is_an_end_too(three: ControlRoom) -> None:
    three.run(PROMOTE, "2")
    three.decide("2", CandidateOutcome.WRONG_WINDOW)
    three.settle()
    assert [(end.outcome, "wrong_window" in end.detail) for end in ends(three)] == [(FAILED, True)]


def test_of_many_that_see_the_end_at_once_one_writes_it(three: ControlRoom) -> None:
    three.run(PROMOTE, "2")
    three.take_over("2")
    at_once = Barrier(6)

    def look() -> None:
        with closing(Ledger(three.root / "tradai_lifecycle.sqlite")) as ledger:
            ledger.open()
            at_once.wait()
            asyncio.run(Follower(ledger, lambda: datetime.now(UTC), {}).look())

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(look) for _ in range(6)]:
            done.result()
    assert len(ends(three)) == 1


def test_each_command_has_an_end_of_its_own(three: ControlRoom) -> None:
    first, second = three.run(PROMOTE, "2"), three.run(PROMOTE, "2")
    three.take_over("2")
    three.settle()
    assert first.follow is not None
    assert second.follow is not None
    begun = [first.follow.since.isoformat(), second.follow.since.isoformat()]
    assert [(end.outcome, end.begun_at) for end in ends(three)] == [(DONE, at) for at in begun]


def test_the_late_end_of_an_earlier_command_is_no_later_word(three: ControlRoom) -> None:
    three.run(PROMOTE, "2")
    later = three.run(PROMOTE, "3", who="bob")
    # the bot takes up the one after the other
    three.take_over("2")
    three.settle()
    assert [(end.arguments, end.outcome) for end in ends(three)] == [("v2", DONE)]
    assert later.follow is not None
    assert three.end_of(later.follow) is None
    three.take_over("3")
    three.settle()
    assert [(end.arguments, end.outcome) for end in ends(three)] == [("v2", DONE), ("v3", DONE)]


def test_a_promotion_that_was_cut_short_is_to_be_repeated_and_never_called_done(three: ControlRoom) -> None:
    cut_short = CommandAnswered(
        at=three.now,
        command=PROMOTE,
        arguments="v1",
        who="shell:anna",
        transport="shell",
        note="",
        outcome=PENDING,
        detail=INTENT,
    )
    three.ledger.record_events([cut_short])
    three.settle()
    assert ends(three) == []


def test_the_asker_is_told_where_they_asked_and_nobody_else(three: ControlRoom) -> None:
    asked = Asked()
    over_telegram(three, "2")
    three.run(PROMOTE, "2")
    three.take_over("2")
    asyncio.run(bot(three, asked).look())
    ((place, text),) = asked.told
    assert place == "7/1203"
    assert text.startswith("promote v2 done: the batch of ")
    assert [end.outcome for end in ends(three)] == [DONE, DONE]


def test_what_was_told_and_not_written_when_the_process_died_is_told_again_and_written_once(three: ControlRoom) -> None:
    over_telegram(three, "2")
    three.take_over("2")
    dying, next_one = Asked(sends=False), Asked()

    async def die_while_telling() -> None:
        task = asyncio.create_task(bot(three, dying).run())
        async with asyncio.timeout(20.0):
            await dying.asked.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(die_while_telling())
    assert ends(three) == []
    follower = bot(three, next_one)
    asyncio.run(follower.look())
    asyncio.run(follower.look())
    assert (len(dying.told), len(next_one.told), len(ends(three))) == (1, 1, 1)


def test_an_end_waits_for_telegram_only_so_long(three: ControlRoom) -> None:
    away = Asked(sends=False)
    over_telegram(three, "2")
    three.take_over("2")
    asyncio.run(bot(three, away, told_within_seconds=0.01).look())
    assert (len(away.told), len(ends(three))) == (1, 1)


def test_a_channel_that_fails_keeps_no_end_from_being_written(three: ControlRoom) -> None:
    async def broken(place: str, text: str) -> None:
        raise RuntimeError("the channel broke")

    over_telegram(three, "2")
    three.take_over("2")
    asyncio.run(Follower(three.ledger, lambda: datetime.now(UTC), {"telegram": broken}).look())
    assert len(ends(three)) == 1


def test_an_end_that_cannot_be_written_is_written_later_and_told_once(three: ControlRoom) -> None:
    asked = Asked()
    over_telegram(three, "2")
    three.take_over("2")
    follower = bot(three, asked)
    with locked_elsewhere(three.root / "tradai_lifecycle.sqlite"):
        asyncio.run(follower.look())
    assert (len(asked.told), ends(three)) == (1, [])
    asyncio.run(follower.look())
    assert (len(asked.told), len(ends(three))) == (1, 1)


def test_the_shell_that_waits_writes_nothing_by_itself(three: ControlRoom) -> None:
    answer = three.run(ROLLBACK, "2")
    assert answer.follow is not None
    three.take_over("2")
    assert three.desk.end_of(answer.follow) is None
    assert ends(three) == []
    done = three.end_of(answer.follow)
    assert done is not None
    assert done.outcome is DONE
    assert three.desk.end_of(replace(answer.follow, caller=BY_TELEGRAM)) is None
