"""What the pauses are to a person that no candle of a pair brings: by the other pairs, and by a resume that ran out."""

from tradai_lifecycle.events import BotPauseChanged, ResumeExpired
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.topics import topics_of
from tradai_lifecycle.notify.wording import person, sentence
from tradai_lifecycle.states import Reason, TradingState


def bot_pause_changed(event: BotPauseChanged) -> Notice:
    """What to tell where all pairs are paused because too many drift, or no longer are."""
    return Notice(
        at=event.at,
        priority=Priority.NOW if event.paused else Priority.TODAY,
        key="bot pause" if event.paused else "bot pause over",
        what="All entries paused" if event.paused else "The pause of all pairs is over",
        because=f"{event.drifting} of {event.pairs} pairs drift significantly",
        topics=topics_of(Reason.BOT_PAUSE_SHARE),
        tone=Tone.TROUBLE if event.paused else Tone.GOOD,
        state=TradingState.PAUSED if event.paused else TradingState.ACTIVE,
    )


def resume_expired(event: ResumeExpired) -> Notice:
    """What to tell of a resume whose time is over. Without topics: nobody took notice of what begins only now."""
    expired = f"the resume by {person(event.who)} has expired"
    key = f"resume expired {event.expired_at}"
    if not event.paused_again:
        what, because = sentence(expired), "it held nothing open any more"
        return Notice(at=event.at, priority=Priority.TODAY, key=key, what=what, because=because, tone=Tone.NEUTRAL)
    return Notice(
        at=event.at,
        priority=Priority.NOW,
        key=key,
        what="paused again",
        pairs=tuple(event.paused_again.split(", ")),
        because=expired,
        state=TradingState.PAUSED,
    )


__all__ = ["bot_pause_changed", "resume_expired"]
