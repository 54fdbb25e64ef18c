"""What the lifecycle does with an update of Telegram: obeys, asks back, answers, or stays silent."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tradai_lifecycle.control.command import Caller, Command
from tradai_lifecycle.control.syntax import CommandSyntaxError, parse_command
from tradai_lifecycle.control.telegram.confirm import CONFIRM_WITHIN, Asker, Confirmations, Pending, Press
from tradai_lifecycle.control.telegram.names import Call, CommandNames, read_call
from tradai_lifecycle.control.telegram.office import STEERING, Office, Turns
from tradai_lifecycle.control.telegram.outbox import (
    LONGEST_TEXT,
    Outbox,
    Outgoing,
    TelegramAwayError,
    TelegramRefusedError,
    Wire,
)
from tradai_lifecycle.control.telegram.people import (
    COMMANDS_PER_MINUTE,
    TRANSPORT,
    Admission,
    Pace,
    People,
    Strangers,
)
from tradai_lifecycle.control.telegram.place import Place
from tradai_lifecycle.control.telegram.reading import Faceless, Pressed, Typed, read_update
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.states import CommandName, CommandOutcome

logger = logging.getLogger(__name__)

#: A command that was sent longer ago is not run: what it was about may be over. A pause is always run.
LATE_AFTER = timedelta(minutes=5)
MOST_AT_ONCE = 32
EXPIRED = "expired, nothing was done"
FAILED = "failed by an error of the lifecycle's own; the bot's log has it"


class Conversation:
    """Handles updates one by one, from one loop. Nothing an update holds makes it raise, and its memory is bounded."""

    def __init__(self, office: Office, people: People, names: CommandNames, outbox: Outbox) -> None:
        self._office = office
        self._people = people
        self._outbox = outbox
        self._strangers = Strangers(office.on_event, office.clock)
        self._pace = Pace(office.clock)
        # whoever asked too much may still stop the bot
        self._pauses = Pace(office.clock)
        self._confirmations = Confirmations()
        self._turns = Turns(office.desk)
        self._at_work = 0
        #: what is answered to
        self.names = names
        #: the bot's own user name, once it is known: commands addressed to other bots are not ours
        self.username: str | None = None
        self.wire: Wire | None = None

    async def handle(self, update: Any) -> None:
        """Do what the update asks for. Never raises but for cancellation."""
        try:
            said = read_update(update)
            if isinstance(said, Faceless):
                self._strangers.note(said.who)
            elif isinstance(said, Typed):
                await self._typed(said)
            elif isinstance(said, Pressed):
                await self._pressed(said)
        except Exception:
            logger.exception("A Telegram update could not be handled; nothing was done.")

    def settle(self) -> None:
        """What is due by the clock: to be called about once a second."""
        for pending in self._confirmations.expire(self._office.clock()):
            self._close_question(pending, EXPIRED)
        self._strangers.settle()

    @property
    def sizes(self) -> dict[str, int]:
        """How much is remembered, by table; each is bounded."""
        return {
            "users": max(len(self._pace), len(self._pauses)),
            "confirmations": len(self._confirmations),
            "waiting": len(self._outbox),
            "at work": self._at_work,
        }

    async def _typed(self, said: Typed) -> None:
        role = self._people.role_of(said.chat_id, said.user_id)
        if role is None:
            # people of the same group who only talk to each other are no strangers at the door
            if said.chat_id != self._people.chat_id or said.text.startswith("/"):
                self._strangers.note(said.who)
            return
        call = read_call(said.text)
        if call is None or not self._people.listens_to(said.topic_id) or not self._is_ours(call, said):
            return
        place = Place(topic_id=said.topic_id, message_id=said.message_id)
        asker = Asker(
            user_id=said.user_id,
            caller=Caller(who=said.who, transport=TRANSPORT, role=role, place=str(place)),
            chat_id=said.chat_id,
            topic_id=said.topic_id,
            message_id=said.message_id,
        )
        if self._admitted(call, asker):
            await self._called(call, said, asker)

    # In a group, a bare name that is not ours may be another bot's.
    def _is_ours(self, call: Call, said: Typed) -> bool:
        if call.address is not None and self.username is not None:
            return call.address == self.username.lower()
        return call.name in self.names.every or said.chat_id > 0

    def _admitted(self, call: Call, asker: Asker) -> bool:
        meant = self.names.command_of(call)
        pace = self._pauses if meant is not None and meant[0] is CommandName.PAUSE else self._pace
        admission = pace.admit(asker.user_id)
        if admission is Admission.TOLD:
            self._reply(
                asker, f"More than {COMMANDS_PER_MINUTE} commands in a minute: the rest is ignored for a while."
            )
        return admission is Admission.TAKEN

    async def _called(self, call: Call, said: Typed, asker: Asker) -> None:
        if len(said.text) > LONGEST_TEXT:
            self._reply(asker, f"That is longer than {LONGEST_TEXT} characters: nothing was done.")
        elif self.names.asks_for_help(call):
            self._reply(asker, self.names.help_text(asker.caller.role))
        elif (meant := self.names.command_of(call)) is None:
            self._reply(asker, self.names.correction(call))
        elif self._is_late(said, meant[0]):
            self._reply(
                asker, f"This was sent at {said.sent_at:%H:%M:%S} UTC and not read until now, so it was not run."
            )
        else:
            await self._commanded(*meant, asker)

    def _is_late(self, said: Typed, name: CommandName) -> bool:
        late = said.sent_at is not None and self._office.clock() - said.sent_at > LATE_AFTER
        return late and name is not CommandName.PAUSE

    async def _commanded(self, name: CommandName, words: tuple[str, ...], asker: Asker) -> None:
        try:
            command = parse_command(name, words)
        except CommandSyntaxError as error:
            self._reply(asker, str(error))
            return
        await self._run(command, asker, confirmed_question=None)

    async def _run(self, command: Command, asker: Asker, *, confirmed_question: str | None) -> None:
        if self._at_work >= MOST_AT_ONCE and command.name not in STEERING:
            self._reply(asker, f"{MOST_AT_ONCE} commands are still at work: {command.name.value} was not run.")
            return
        self._at_work += 1
        try:
            answer = await self._turns.run(command, asker.caller, confirmed_question=confirmed_question)
            if answer.outcome is CommandOutcome.UNCONFIRMED:
                self._ask(command, asker, await self._office.question(command) or text_of(answer))
                return
            self._reply(asker, text_of(answer))
            if (chart := await self._office.chart(answer)) is not None:
                self._outbox.put(
                    Outgoing(chat_id=asker.chat_id, topic_id=asker.topic_id, text=command.pair or "", photo=chart)
                )
        except Exception:
            logger.exception("A command over Telegram failed: %s", command)
            self._reply(asker, FAILED)
        finally:
            self._at_work -= 1

    def _ask(self, command: Command, asker: Asker, question: str) -> None:
        pending, evicted = self._confirmations.ask(command, asker, question, self._office.clock())
        if evicted is not None:
            self._close_question(evicted, "too many questions are open; this one was closed, and nothing was done")
        seconds = int(CONFIRM_WITHIN.total_seconds())
        self._outbox.put(
            Outgoing(
                chat_id=asker.chat_id,
                topic_id=asker.topic_id,
                reply_to=asker.message_id,
                text=f"{question}\n\nOnly you can confirm it, within {seconds} seconds.",
                buttons=pending.buttons,
                on_sent=lambda message_id: self._placed(pending, message_id),
            )
        )

    def _placed(self, pending: Pending, message_id: int) -> None:
        is_open = self._confirmations.placed(pending.token, message_id)
        if not is_open and self._office.clock() >= pending.expires_at:
            self._edit(pending.asker, message_id, f"{pending.question}\n\n{EXPIRED}")

    async def _pressed(self, said: Pressed) -> None:
        if self._people.role_of(said.chat_id, said.user_id) is None:
            self._strangers.note(said.who)
            return
        press, pending = self._confirmations.press(
            said.data,
            user_id=said.user_id,
            chat_id=said.chat_id,
            message_id=said.message_id,
            now=self._office.clock(),
        )
        if pending is None or press is Press.NOT_YOURS:
            if self._pace.admit(said.user_id) is Admission.TAKEN:
                text = "Only who asked can answer." if pending is not None else "This question is no longer open."
                await self._answer_press(said, text, alert=True)
            return
        # the press may be here before the answer to the question's sending
        pending = replace(pending, message_id=said.message_id)
        if press is Press.CONFIRMED:
            await asyncio.gather(self._answer_press(said, "Confirmed."), self._confirmed(pending))
        else:
            ending = "cancelled, nothing was done" if press is Press.CANCELLED else EXPIRED
            self._close_question(pending, ending)
            await self._answer_press(said, ending)

    async def _confirmed(self, pending: Pending) -> None:
        try:
            question = await self._office.question(pending.command)
        except Exception:
            logger.exception("A confirmed command over Telegram failed: %s", pending.command)
            self._close_question(pending, FAILED)
            return
        if question is not None and question != pending.question:
            self._close_question(pending, "this has changed since it was asked; nothing was done")
            self._ask(pending.command, pending.asker, question)
            return
        self._close_question(pending, f"confirmed by {pending.asker.caller.who}")
        await self._run(pending.command, pending.asker, confirmed_question=pending.question)

    # Unlike a message, an answer to a press is worth nothing later: it is tried once.
    async def _answer_press(self, said: Pressed, text: str, *, alert: bool = False) -> None:
        if self.wire is None:
            return
        try:
            await self.wire.answer(said.query_id, text, alert=alert)
        except (TelegramAwayError, TelegramRefusedError) as error:
            logger.debug("A pressed button could not be answered: %s", error)

    def _close_question(self, pending: Pending, ending: str) -> None:
        if pending.message_id is not None:
            self._edit(pending.asker, pending.message_id, f"{pending.question}\n\n{ending}")

    def _edit(self, asker: Asker, message_id: int, text: str) -> None:
        self._outbox.put(Outgoing(chat_id=asker.chat_id, text=text, edits=message_id))

    def _reply(self, asker: Asker, text: str) -> None:
        self._outbox.put(Outgoing(chat_id=asker.chat_id, topic_id=asker.topic_id, reply_to=asker.message_id, text=text))


__all__ = ["LATE_AFTER", "MOST_AT_ONCE", "Conversation"]
