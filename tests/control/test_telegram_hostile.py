"""Whatever arrives, only the right people are obeyed, nothing raises, and nothing grows."""

import asyncio
import logging
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from telegram import Update

from tests.control.telegram_room import ANNA, BOB, EVE, RecordingWire, Room, open_room
from tradai_lifecycle.control.command import Answer, Caller, Command
from tradai_lifecycle.control.commands import CommandDesk
from tradai_lifecycle.control.telegram.confirm import MOST_PENDING
from tradai_lifecycle.control.telegram.names import Call, own_names, read_call, typed_name
from tradai_lifecycle.control.telegram.office import Office
from tradai_lifecycle.control.telegram.outbox import WAITING_MESSAGES, Outbox
from tradai_lifecycle.control.telegram.people import PACED_USERS, Admission, Pace, People, Strangers
from tradai_lifecycle.control.telegram.reading import plain, read_update
from tradai_lifecycle.control.telegram.updates import MOST_AT_ONCE, Conversation
from tradai_lifecycle.events import StrangerIgnored
from tradai_lifecycle.states import CommandName, CommandOutcome, Role

GROUP = -1_001
ROLES = {ANNA: Role.APPROVER, BOB: Role.OPERATOR, 44: Role.VIEWER}
UPDATES_AT_ONCE, ROUNDS = 25, 400
#: stands for the data of a real button in a generated press
YES, NO = "<yes>", "<no>"


@dataclass(frozen=True, slots=True)
class Run:
    """What the desk was asked to do, and how it answered."""

    command: Command
    caller: Caller
    confirmed: bool
    outcome: CommandOutcome


class WatchedDesk(CommandDesk):
    """The real desk, that keeps what it was asked to do."""

    runs: list[Run]

    def run(
        self, command: Command, caller: Caller, *, confirmed: bool = False, confirmed_question: str | None = None
    ) -> Answer:
        answer = super().run(command, caller, confirmed=confirmed, confirmed_question=confirmed_question)
        self.runs.append(Run(command, caller, confirmed or confirmed_question is not None, answer.outcome))
        return answer


@dataclass
class Bench:
    """A conversation on real parts, fed by hand."""

    conversation: Conversation
    outbox: Outbox
    desk: WatchedDesk
    room: Room
    wire: RecordingWire = field(default_factory=RecordingWire)

    async def feed(self, values: dict[str, Any]) -> list[Run]:
        """Handle one update, as JSON; gives what the desk did for it."""
        update = self._update(values)
        before = len(self.desk.runs)
        if update is not None:
            await self.conversation.handle(update)
            while (message := self.outbox._take()) is not None:
                number = await self.wire.send(message)
                if message.on_sent is not None:
                    message.on_sent(number)
        return self.desk.runs[before:]

    def _update(self, values: dict[str, Any]) -> Update | None:
        query = values.get("callback_query")
        if isinstance(query, dict) and query.get("data") in (YES, NO):
            asked = [message for message in self.wire.sent if message.buttons]
            if asked:
                query["data"] = asked[-1].buttons[query["data"] == NO].data
                query["message"]["message_id"] = 1 + self.wire.sent.index(asked[-1])
        try:
            return Update.de_json(values, None)
        except Exception:  # noqa: BLE001 - the library itself does not take it
            return None


def bench(room: Room) -> Bench:
    """A conversation with a group of three known people."""
    made = room.office()
    desk = WatchedDesk(ledger=room.ledger, config=made.config, open_source=room.source, clock=room.clock)
    desk.runs = []
    office = Office(desk=desk, ledger=room.ledger, config=made.config, on_event=room.events.append, clock=room.clock)
    outbox = Outbox()
    conversation = Conversation(office, People(chat_id=GROUP, roles=ROLES), own_names(), outbox)
    conversation.username = "life_bot"
    found = Bench(conversation, outbox, desk, room)
    conversation.wire = found.wire
    return found


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with open_room(tmp_path_factory.mktemp("hostile")) as opened:
        opened.register(2)
        opened.adopt("v1")
        opened.adopt("v2", previous="v1")
        opened.judge(drifts=True)
        yield opened


def now() -> int:
    """The second of the call: what was sent when the tests were collected may be too old when they run."""
    return int(datetime.now(UTC).timestamp())


at_present = st.builds(now)
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just("x" * 10_000),
)


def mostly(usual: Any, unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual value nine times in ten: what is all wrong at once would never come far."""
    expected = usual if isinstance(usual, st.SearchStrategy) else st.just(usual)
    return st.integers(0, 9).flatmap(lambda roll: unusual if roll == 9 else expected)


def rarely(more: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One of these fields, in three of ten."""
    one = st.sampled_from(sorted(more)).flatmap(lambda name: more[name].map(lambda value: {name: value}))
    return st.integers(0, 9).flatmap(lambda roll: one if roll > 6 else st.just({}))


users = st.fixed_dictionaries(
    {
        "id": mostly(ANNA, st.sampled_from([str(ANNA), float(ANNA), True, -1, 2**70]))
        | st.sampled_from([ANNA, ANNA, BOB, 44, EVE]),
        "is_bot": mostly(False, st.sampled_from([True, None, 0, "no"])),
        "first_name": mostly("anna", st.text(max_size=40) | odd),
    },
    optional={"username": mostly("anna", st.just("a\u202eb\nc") | odd)},
)
chats = st.fixed_dictionaries(
    {
        "id": mostly(GROUP, st.sampled_from([ANNA, -5, str(GROUP), None])),
        "type": st.sampled_from(["supergroup", "private", "channel", 5]),
    }
)
names = st.sampled_from(
    [typed_name(name) for name in CommandName] + ["help", "start", "PAUSE", "pause@life_bot", "pause@other", "", "x"]
)
words = st.sampled_from(["", "", "", "1", "v2", "0.5", "50%", "BTC/USDT", "-1", "nan", "2h", "'a b'"]) | st.text(
    max_size=20
)
dangerous = st.sampled_from(["/resume", "/rollback 1", "/retrain", "/promote 1", "/reset_drift", "/pin 1"])
texts = st.one_of(
    st.builds(lambda name, more: f"/{name} {more}", names, words),
    dangerous,
    dangerous,
    st.just("/pause " + "x" * 5_000) | st.text(alphabet=string.printable + "\u202e\x00\U0001f600", max_size=30) | odd,
)
extras = {
    "sender_chat": chats,
    "via_bot": users,
    "edit_date": at_present | st.just(1),
    "forward_origin": st.just({"type": "hidden_user", "date": 1, "sender_user_name": "anna"}),
    "message_thread_id": st.sampled_from([7, 8, "7"]),
    "is_topic_message": st.booleans(),
    "entities": st.just([{"type": "bot_command", "offset": 0, "length": 5}]),
}
messages = st.builds(
    lambda base, sender, more: {**base, **sender, **more},
    st.fixed_dictionaries(
        {
            "message_id": mostly(1, st.sampled_from([10**12, "1", None])),
            "date": mostly(at_present, at_present.map(lambda second: second - 10_000) | st.sampled_from([0, 2**40])),
            "chat": chats,
            "text": texts,
        }
    ),
    users.flatmap(lambda user: mostly({"from": user}, st.just({}))),
    rarely(extras),
)
shown = st.fixed_dictionaries({"message_id": st.integers(1, 99), "date": st.just(0) | at_present, "chat": chats})
presses = st.fixed_dictionaries(
    {
        "id": mostly("q1", odd),
        "from": users,
        "chat_instance": st.just("1"),
        "data": st.sampled_from([YES, YES, YES, YES, NO, "tradai:yes:x", "tradai:yes:", "x"]) | mostly(YES, odd),
        "message": shown,
    }
)
updates = st.one_of(
    st.fixed_dictionaries({"update_id": st.integers(1, 9), "message": messages}),
    st.fixed_dictionaries({"update_id": st.integers(1, 9), "message": messages}),
    st.fixed_dictionaries({"update_id": st.integers(1, 9), "callback_query": presses}),
    st.fixed_dictionaries(
        {"update_id": st.integers(1, 9)},
        optional=dict.fromkeys(("edited_message", "channel_post", "edited_channel_post"), messages),
    ),
)


@settings(
    max_examples=ROUNDS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(batch=st.lists(updates, min_size=UPDATES_AT_ONCE, max_size=UPDATES_AT_ONCE))
def test_hostile_updates_are_never_obeyed_never_raise_and_leave_nothing_behind(
    room: Room, caplog: pytest.LogCaptureFixture, batch: list[dict[str, Any]]
) -> None:
    caplog.clear()
    room.events.clear()
    made = bench(room)

    async def feed() -> None:
        for values in batch:
            for run in await made.feed(values):
                assert_rightly_obeyed(values, run)
            assert_bounded(made.conversation.sizes)

    asyncio.run(feed())
    assert {message.chat_id for message in made.wire.sent} <= {GROUP}
    assert len([event for event in room.events if isinstance(event, StrangerIgnored)]) <= 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def assert_rightly_obeyed(values: dict[str, Any], run: Run) -> None:
    """By what the update says in plain JSON: a known person, in the group, in a message or a press of their own."""
    said = values.get("callback_query") or values["message"]
    user = said["from"]
    assert type(user["id"]) is int
    assert user["is_bot"] is False
    assert ROLES[user["id"]] is run.caller.role
    assert run.caller.who.startswith(f"telegram:{user['id']}")
    assert run.caller.who.isprintable()
    if run.confirmed:
        assert "callback_query" in values
        assert said["message"]["chat"]["id"] == GROUP
        assert said["data"].startswith("tradai:yes:")
    elif "message" in values:
        assert said["chat"]["id"] == GROUP
        assert said["text"].startswith("/")
        assert not {"sender_chat", "via_bot", "forward_origin", "edit_date"} & set(said)
    if run.outcome is CommandOutcome.DONE and run.command.name is CommandName.PROMOTE:
        assert run.confirmed


def assert_bounded(sizes: dict[str, int]) -> None:
    assert sizes["users"] <= len(ROLES)
    assert sizes["confirmations"] <= MOST_PENDING
    assert sizes["waiting"] <= WAITING_MESSAGES
    assert sizes["at work"] <= MOST_AT_ONCE


async def test_the_generated_kind_of_update_is_obeyed_where_it_is_right(room: Room) -> None:
    """The test above could not fail if its updates were never obeyed at all."""
    made = bench(room)
    anna = {"id": ANNA, "is_bot": False, "first_name": "anna"}
    chat = {"id": GROUP, "type": "supergroup"}
    message = {"message_id": 1, "date": now(), "chat": chat, "from": anna}
    (asked,) = await made.feed({"update_id": 1, "message": {**message, "text": "/resume"}})
    assert asked.outcome is CommandOutcome.UNCONFIRMED
    press = {"id": "q", "from": anna, "chat_instance": "1", "data": YES, "message": {**message, "message_id": 1}}
    (done,) = await made.feed({"update_id": 2, "callback_query": press})
    assert (done.confirmed, done.outcome) == (True, CommandOutcome.DONE)
    assert_rightly_obeyed({"callback_query": press}, done)


async def test_a_flood_of_strangers_leaves_one_event_and_one_name(room: Room) -> None:
    made = bench(room)
    room.events.clear()
    for number in range(5_000):
        message = {
            "message_id": 1,
            "date": now(),
            "chat": {"id": number + 1, "type": "private"},
            "from": {"id": 1_000 + number, "is_bot": False, "first_name": "x" * 1_000},
            "text": "/pause",
        }
        await made.feed({"update_id": number, "message": message})
    assert made.desk.runs == []
    assert made.wire.sent == []
    assert sum(made.conversation.sizes.values()) == 0
    assert [event.messages for event in room.events if isinstance(event, StrangerIgnored)] == [1]
    room.clock.ahead += timedelta(hours=1)
    made.conversation.settle()
    counted = [event for event in room.events if isinstance(event, StrangerIgnored)]
    assert [event.messages for event in counted] == [1, 4_999]
    assert all(len(event.who) < 64 for event in counted)


# the parts


def test_the_pace_is_per_user_per_minute_and_told_once() -> None:
    time = [datetime(2026, 1, 1, tzinfo=UTC)]
    pace = Pace(lambda: time[0], per_minute=2)
    assert [pace.admit(1) for _ in range(4)] == [Admission.TAKEN, Admission.TAKEN, Admission.TOLD, Admission.SILENT]
    assert pace.admit(2) is Admission.TAKEN
    time[0] += timedelta(minutes=1)
    assert [pace.admit(1) for _ in range(3)] == [Admission.TAKEN, Admission.TAKEN, Admission.TOLD]


def test_only_the_last_users_are_remembered() -> None:
    pace = Pace(lambda: datetime(2026, 1, 1, tzinfo=UTC), per_minute=1)
    for user in range(10_000):
        assert pace.admit(user) is Admission.TAKEN
        pace.admit(user)
    assert len(pace) == PACED_USERS
    assert len(pace._told) <= PACED_USERS


def test_strangers_are_told_of_at_most_once_an_hour() -> None:
    time, events = [datetime(2026, 1, 1, tzinfo=UTC)], []
    strangers = Strangers(events.append, lambda: time[0])
    strangers.settle()
    for _ in range(5):
        strangers.note("telegram:1 eve")
        time[0] += timedelta(minutes=20)
    assert [(event.messages, event.at.hour) for event in events] == [(1, 0), (3, 1)]


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("/pause", Call(name="pause")),
        ("/PAUSE now then", Call(name="pause", words=("now", "then"))),
        ("/pause@Life_Bot x", Call(name="pause", words=("x",), address="life_bot")),
        ("/pause 'bad news' \"very bad\"", Call(name="pause", words=("bad news", "very bad"))),
        ("/pause don't panic, it's fine", Call(name="pause", words=("don't", "panic,", "it's", "fine"))),
        ("/pause \u201cbad news\u201d", Call(name="pause", words=("bad news",))),
        ("/pause a\nb\t\x1b[31mc\u202ed", Call(name="pause", words=("a", "b", "[31mcd"))),
        ("/pause ''", Call(name="pause")),
        ("/", Call(name="")),
        ("pause", None),
        (" /pause", None),
        ("", None),
    ],
)
def test_what_is_typed_is_taken_apart(text: str, call: Call | None) -> None:
    assert read_call(text) == call


@given(st.text())
def test_plain_text_holds_nothing_that_moves_a_terminal_or_a_reader(text: str) -> None:
    shown = plain(text)
    assert not set(shown) & set("\x00\x07\x1b\n\r\u202e\u2066\x9b")
    assert shown == shown.strip()
    shown.encode("utf-8")


@pytest.mark.parametrize("kind", ["poll", "inline_query", "my_chat_member", "edited_message", "message_reaction"])
def test_other_kinds_of_updates_mean_nothing(kind: str) -> None:
    assert read_update(Update(1, **{kind: object()})) is None  # type: ignore[arg-type]
