"""The desk behind every transport: takes a command, asks back, carries it out, writes it down, and answers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control import actions, blocked, chain, figures, history, model_actions, status
from tradai_lifecycle.control.command import Answer, Caller, Command, Follow
from tradai_lifecycle.control.progress import recorded_end
from tradai_lifecycle.control.questions import question_of, role_needed
from tradai_lifecycle.control.request import OpenSource, Request
from tradai_lifecycle.control.syntax import ROLE_NEEDED, VIEWING, CommandSyntaxError, check_command
from tradai_lifecycle.errors import LifecycleError, StoreUnavailableError
from tradai_lifecycle.states import CommandName, CommandOutcome, Role
from tradai_lifecycle.store.ledger import Ledger

_CARRY_OUT: Mapping[CommandName, Callable[[Request], Answer]] = {
    CommandName.STATUS: status.status,
    CommandName.WHY: chain.why,
    CommandName.PAUSE: actions.pause,
    CommandName.RESUME: actions.resume,
    CommandName.REDUCE: actions.reduce,
    CommandName.VERSIONS: model_actions.versions,
    CommandName.PROMOTE: model_actions.promote,
    CommandName.ROLLBACK: model_actions.rollback,
    CommandName.PIN: model_actions.pin,
    CommandName.UNPIN: model_actions.unpin,
    CommandName.ADOPT: model_actions.adopt,
    CommandName.DRIFT: figures.drift,
    CommandName.ACCURACY: figures.accuracy,
    CommandName.BLOCKED: blocked.blocked,
    CommandName.RETRAIN: actions.retrain,
    CommandName.ACK: actions.ack,
    CommandName.RESOLVE: actions.resolve,
    CommandName.RESET_DRIFT: actions.reset_drift,
    CommandName.HISTORY: history.history,
}


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class CommandDesk:
    """Answers commands of any transport, from any thread. Every call blocks: on the database, some on the registry.

    A command that changes something leaves a CommandAnswered event, in the same transaction as its record where it has
    one; a denied command always does. One that only shows leaves none, and neither does one that was not confirmed.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        config: LifecycleConfig,
        open_source: OpenSource,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._config = config
        self._open_source = open_source
        self._clock = clock

    def question(self, command: Command) -> str | None:
        """What must be confirmed before `command` is run, as a question; None where nothing has to be.

        Never raises a LifecycleError: where the situation cannot be read, that is asked about.
        """
        try:
            return question_of(self._request(command, _NOBODY))
        except LifecycleError as error:
            return f"What {command.name.value} would do cannot be said: {error} Try it all the same?"

    def run(
        self, command: Command, caller: Caller, *, confirmed: bool = False, confirmed_question: str | None = None
    ) -> Answer:
        """Carry out `command` for `caller`; UNCONFIRMED, and nothing is changed, where a question is open.

        `confirmed_question` is the question that the person said yes to: where another one is open by now, that one
        has to be asked. `confirmed` says yes to whatever is open. Never raises a LifecycleError: FAILED says what it
        was.
        """
        request = self._request(command, caller)
        try:
            check_command(command)
            return self._carried_out(request, confirmed=confirmed, confirmed_question=confirmed_question)
        except CommandSyntaxError as error:
            return request.said(CommandOutcome.FAILED, str(error))
        except LifecycleError as error:
            return self._failed(request, str(error))

    def end_of(self, follow: Follow) -> Answer | None:
        """What became of a pending command, once the running bot has written it down.

        None before, and while the database cannot be used.
        """
        try:
            end = recorded_end(self._ledger, follow)
        except StoreUnavailableError:
            return None
        return self._request(follow.command, follow.caller).said(end.outcome, end.detail) if end is not None else None

    def _carried_out(self, request: Request, *, confirmed: bool, confirmed_question: str | None) -> Answer:
        # the highest role needs no look at the situation: a pause must not depend on one
        if request.caller.role < max(Role) and request.caller.role < (needed := self._role_needed(request)):
            return self._denied(request, needed)
        question = None if confirmed else question_of(request)
        if question is not None and question != confirmed_question:
            return request.said(CommandOutcome.UNCONFIRMED, question)
        return _CARRY_OUT[request.command.name](request)

    def _role_needed(self, request: Request) -> Role:
        least = ROLE_NEEDED[request.command.name]
        return least if request.caller.role < least else role_needed(request)

    def _denied(self, request: Request, needed: Role) -> Answer:
        detail = f"it needs the role {needed.label}; {request.caller.who} is {request.caller.role.label}"
        try:
            self._ledger.record_events([request.event(CommandOutcome.DENIED, detail)])
        except StoreUnavailableError as error:
            return request.said(CommandOutcome.DENIED, detail, f"it could not be written down: {error}")
        return request.said(CommandOutcome.DENIED, detail)

    def _failed(self, request: Request, detail: str) -> Answer:
        if request.command.name in VIEWING:
            return request.said(CommandOutcome.FAILED, detail)
        try:
            return request.failed(detail)
        except StoreUnavailableError as error:
            lines = () if str(error) == detail else (f"it could not be written down: {error}",)
            return request.said(CommandOutcome.FAILED, detail, *lines)

    def _request(self, command: Command, caller: Caller) -> Request:
        return Request(
            command=command,
            caller=caller,
            now=self._clock(),
            ledger=self._ledger,
            config=self._config,
            open_source=self._open_source,
        )


_NOBODY = Caller(who="nobody", transport="none", role=Role.VIEWER)

__all__ = ["Answer", "Caller", "Command", "CommandDesk", "Follow", "OpenSource", "utc_now"]
