"""Decides what a person is told and when: a state machine over events and given times, without a clock of its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tradai_lifecycle.config import NoticesConfig
from tradai_lifecycle.events import (
    Acknowledged,
    BotPauseChanged,
    CommandAnswered,
    EntryBlocked,
    Event,
    FaultReported,
    IncidentResolved,
    ModelAdopted,
    StakeReduced,
    StateChanged,
)
from tradai_lifecycle.notify.batch import Outbox
from tradai_lifecycle.notify.digest import Digest
from tradai_lifecycle.notify.faults import Faults
from tradai_lifecycle.notify.flapping import WHOLE_BOT, Flap, FlapDamper, flapping, settled
from tradai_lifecycle.notify.folding import Folder
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.orders import Effect, Orders
from tradai_lifecycle.notify.priorities import is_pair, notice_of
from tradai_lifecycle.notify.reminders import Reminders, reminder
from tradai_lifecycle.notify.standing import Mute, OperatorPause, Standing
from tradai_lifecycle.notify.told import Told
from tradai_lifecycle.notify.topics import topics_of
from tradai_lifecycle.notify.wording import position_lines
from tradai_lifecycle.states import CommandName, Reason, TradingState
from tradai_lifecycle.store.records import PositionRecord


class Board:
    """Takes events, gives notices. For one thread at a time; times must be aware, and are never taken backwards.

    - What is urgent (P1) or for today (P2) is told in the call that brings it, if it is the first of its key. Pauses
      for the same reasons fold across pairs, too; but a pair with an open position, and one of which something else
      was told before, is told at once.
    - Repeats of a key fold into one notice per window; windows double up to the time between reminders.
    - A pair or part that changes too often is told as flapping, then when it has settled; in between only a new urgent
      trouble of it is told.
    - An acknowledgement silences the trouble that stood or was told by then. A pause of another pair, a trouble of
      another topic, and all good news come through. At its end, what is still paused is reminded of.
    - A reminder comes every `reminder_hours` while anything is paused or acknowledged.
    - Everything else, and what was muted or damped, is in the digest at 00:00 UTC, once.
    """

    def __init__(
        self,
        config: NoticesConfig,
        *,
        observing: bool = False,
        positions: Callable[[], Sequence[PositionRecord] | None] = lambda: None,
        accuracy_of: Callable[[str], float | None] = lambda _version: None,
        watched_pairs: Callable[[], Collection[str] | None] = lambda: None,
    ) -> None:
        fold, self._period = timedelta(minutes=config.fold_minutes), timedelta(hours=config.reminder_hours)
        self._positions = positions
        self._accuracy_of = accuracy_of
        self._watched_pairs = watched_pairs
        self._standing = Standing()
        self._faults = Faults()
        self._told = Told(self._period)
        self._folder = Folder(fold, self._period)
        self._flaps = FlapDamper(fold)
        self._digest = Digest()
        self._orders = Orders()
        self._reminders = Reminders(self._period)
        self._outbox = Outbox(observing=observing)
        self._now = datetime.min.replace(tzinfo=UTC)

    def __len__(self) -> int:
        parts = (self._standing, self._faults, self._told, self._folder, self._flaps, self._digest, self._orders)
        return sum(len(part) for part in parts)

    def take(self, events: Sequence[Event], now: datetime) -> tuple[Notice, ...]:
        """What to tell at `now`: of what fell due since the last call, then of `events`, in their order."""
        self._now = max(self._now, now)
        self._fall_due()
        for event in events:
            if not self._orders.recognises(event):
                self._hear(event)
        self._reminders.schedule(self._standing, self._now)
        return self._outbox.emptied(self._position_lines)

    def tick(self, now: datetime) -> tuple[Notice, ...]:
        """What fell due until `now`."""
        return self.take((), now)

    def begin_anew(self, paused: Mapping[str, Reason], now: datetime) -> None:
        """Continue in a process that starts at `now`, once the old events were taken: these pairs are paused, and why.

        A fault counts again when it is reported again; it then began when it was first reported.
        """
        self._now = max(self._now, now)
        self._faults.doubt(self._now)
        for pair in self._standing.agree_with(paused, self._now):
            self._told.assume(pair, TradingState.PAUSED, topics_of(paused[pair]), self._now)
        self._reminders.schedule(self._standing, self._now)

    # what falls due by itself

    def _fall_due(self) -> None:
        digest = self._digest.due(self._now)
        if digest is not None:
            self._outbox.add(digest)
        for lasting in self._faults.due(self._now):
            self._route(lasting, at_once=True)
        for folded in self._folder.due(self._now):
            self._route(folded, at_once=True)
        for subject in self._flaps.settled(self._now):
            held = self._standing.bot if subject == WHOLE_BOT else self._standing.pairs.get(subject)
            fails = subject in self._faults
            self._route(settled(subject, held, fails=fails, now=self._now), at_once=True)
        mute = self._standing.mute
        if mute is not None and self._now >= mute.until:
            self._standing.mute = None
            self._reminders.bring_forward(mute.until)
        if self._reminders.is_due(self._now):
            self._remind()

    def _remind(self) -> None:
        watched = self._watched_pairs()
        for pair in self._standing.keep_only(watched) if watched is not None else ():
            self._told.forget(pair)
        if self._standing.paused or self._standing.mute is not None:
            self._told.renew(self._now)
            self._outbox.add(reminder(self._standing, self._now))

    # what events bring

    def _hear(self, event: Event) -> None:
        notice = notice_of(event)
        if isinstance(event, CommandAnswered):
            notice = self._commanded(event, notice)
        elif isinstance(event, Acknowledged):
            self._mute(event)
        elif isinstance(event, IncidentResolved):
            self._resolve()
        if notice is None:
            return
        if isinstance(event, StateChanged):
            self._state_changed(event, notice)
        elif isinstance(event, BotPauseChanged):
            self._bot_pause_changed(event, notice)
        elif isinstance(event, FaultReported) and not is_pair(event.part):
            self._fault(event, notice)
        elif isinstance(event, EntryBlocked | StakeReduced) and self._is_known(event.pair, notice):
            self._digest.add(notice, self._now)
        else:
            self._route(self._of_adoption(event, notice) if isinstance(event, ModelAdopted) else notice)

    def _state_changed(self, event: StateChanged, notice: Notice) -> None:
        pair, known = event.pair, self._told.state(event.pair)
        self._standing.hold(pair, event.after, event.reasons, self._now)
        for withdrawn in self._folder.withdraw(pair):
            self._digest.add(withdrawn, self._now)
        flap = self._flaps.note(pair, self._now)
        if flap is Flap.BEGINS:
            self._route(flapping(pair, notice), at_once=True)
        elif flap is Flap.GOES_ON:
            new = notice.priority is Priority.NOW and not self._told.covers(pair, notice.topics, self._now)
            self._route(notice if new else replace(notice, priority=Priority.DIGEST), at_once=True)
        elif event.after < event.before and known is not event.before:
            self._untold_ended(event, notice, known)
        elif notice.priority is Priority.DIGEST:
            self._told.forget(pair)
            self._digest.add(notice, self._now)
        elif known is event.after and self._told.covers(pair, notice.topics, self._now):
            self._digest.add(notice, self._now)
        else:
            self._route(notice, at_once=known is not None or self._has_position(pair, notice))

    # Nobody was told of the pause that ends here: where a reduction follows, that is the news.
    def _untold_ended(self, event: StateChanged, notice: Notice, known: TradingState | None) -> None:
        reduction = notice_of(replace(event, before=TradingState.ACTIVE))
        if event.after is TradingState.REDUCED and known is not TradingState.REDUCED and reduction is not None:
            self._route(reduction, at_once=known is not None)
            return
        if event.after is TradingState.ACTIVE:
            self._told.forget(event.pair)
            notice = replace(notice, key="is active", what="is active")
        self._digest.add(notice, self._now)

    def _fault(self, event: FaultReported, notice: Notice) -> None:
        report = self._faults.take(event, notice, self._now)
        if event.recovered:
            held = self._folder.forget(notice.key.removesuffix(" recovered"))
            self._told.ended(notice.topics)
            if held is not None:
                self._digest.add(held, self._now)
        if report.notice is None:
            return
        if report.is_change:
            self._subject_changed(event.part, report.notice)
        else:
            self._route(report.notice)

    def _bot_pause_changed(self, event: BotPauseChanged, notice: Notice) -> None:
        self._standing.hold_all(self._now, paused=event.paused)
        if not event.paused:
            self._told.ended(notice.topics)
        self._subject_changed(WHOLE_BOT, notice)

    def _subject_changed(self, subject: str, notice: Notice) -> None:
        flap = self._flaps.note(subject, self._now)
        if flap is Flap.BEGINS:
            self._route(flapping(subject, notice), at_once=True)
        elif flap is Flap.GOES_ON:
            self._digest.add(notice, self._now)
        else:
            self._route(notice, at_once=True)

    # A blocked entry or a cut stake is how a pause shows; it is news only where the pause is not.
    def _is_known(self, pair: str, notice: Notice) -> bool:
        held = self._standing.pairs.get(pair)
        covered = held is not None and notice.topics <= topics_of(held.reasons)
        return covered or self._told.covers(pair, notice.topics, self._now)

    def _of_adoption(self, event: ModelAdopted, notice: Notice) -> Notice:
        accuracy = self._accuracy_of(event.version)
        if accuracy is not None:
            notice = replace(notice, what=f"{notice.what}, accuracy {accuracy:.3f}")
        if notice.priority is not Priority.NOW:
            return notice
        if self._orders.explain(event.version, self._now):
            return replace(notice, priority=Priority.TODAY, tone=Tone.NEUTRAL, because="as a person asked")
        return replace(notice, because="automatically, nobody here asked for it")

    def _commanded(self, event: CommandAnswered, notice: Notice | None) -> Notice | None:
        effect = self._orders.hear(event, self._now)
        if effect is not Effect.NOW:
            return notice if effect is Effect.NONE else None
        mute = self._standing.mute
        if event.command is CommandName.PAUSE and self._standing.operator is None:
            self._standing.operator = OperatorPause(since=self._now, who=event.who, note=event.note)
        elif event.command is CommandName.RESUME:
            self._standing.operator = None
            if mute is not None:
                self._standing.mute = replace(mute, topics=mute.topics - topics_of(Reason.OPERATOR_PAUSED))
        return notice

    def _mute(self, event: Acknowledged) -> None:
        until = _aware(event.until) or self._now + self._period
        topics = self._told.topics(self._now) | self._standing.topics
        pairs, before = self._standing.paused_pairs, self._standing.mute
        if before is not None:
            topics, pairs = topics | before.topics, pairs | before.pairs
        self._standing.mute = Mute(who=event.who, until=until, topics=topics, pairs=pairs)
        self._reminders.postpone(self._now)

    def _resolve(self) -> None:
        for held in self._folder.clear():
            self._digest.add(held, self._now)
        self._standing.mute = None

    # where a notice goes

    def _route(self, notice: Notice, *, at_once: bool = False) -> None:
        self._unmute(notice)
        mute = self._standing.mute
        if notice.priority is Priority.DIGEST or (mute is not None and mute.covers(notice)):
            self._digest.add(notice, self._now)
        elif at_once:
            self._folder.start(notice.key, self._now)
            self._say(notice)
        elif self._folder.offer(notice, self._now):
            self._say(notice)

    def _say(self, notice: Notice) -> None:
        self._outbox.add(notice)
        self._told.note(notice, self._now)

    # What is over was acknowledged, and is no longer: should it come again, that is news.
    def _unmute(self, notice: Notice) -> None:
        mute = self._standing.mute
        if mute is None or notice.tone is not Tone.GOOD:
            return
        # a topic of several pairs is not over with one of them
        topics = frozenset() if notice.pairs else notice.topics
        self._standing.mute = replace(mute, pairs=mute.pairs - set(notice.pairs), topics=mute.topics - topics)

    def _has_position(self, pair: str, notice: Notice) -> bool:
        if notice.priority is not Priority.NOW:
            return False
        return any(position.pair == pair for position in self._positions() or ())

    def _position_lines(self, pairs: Collection[str]) -> tuple[str, ...]:
        positions = self._positions()
        if positions is None:
            return ("Open positions are not known.",)
        return position_lines(position for position in positions if not pairs or position.pair in pairs)


def _aware(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


__all__ = ["Board"]
