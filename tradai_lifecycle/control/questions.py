"""What must be confirmed before a command is run, and by whom."""

from collections.abc import Callable, Mapping

from tradai_lifecycle.control.phrases import clock
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import (
    awaiting_version,
    bound_of,
    newest_adoption,
    version_before,
    version_in_charge,
    was_in_charge,
)
from tradai_lifecycle.control.syntax import ROLE_NEEDED
from tradai_lifecycle.states import CommandName, Reason, Role, Severity

_BY_PEOPLE = Reason.OPERATOR_PAUSED | Reason.OPERATOR_REDUCED


def role_needed(request: Request) -> Role:
    """The least role for this command in the present situation.

    A step back to a version that was in charge before is the safe side, so an operator may roll back and pin. A version
    that never was in charge takes an approver, by whichever command it comes, as does a resume over significant drift.
    """
    least, version = ROLE_NEEDED[request.command.name], request.command.version
    match request.command.name:
        case CommandName.RESUME if significant_pairs(request):
            return Role.APPROVER
        case CommandName.PIN | CommandName.ROLLBACK if version is not None and not was_in_charge(
            request.ledger, version
        ):
            return Role.APPROVER
    return least


def question_of(request: Request) -> str | None:
    """What a person must say yes to before this command is run, in words; None where nothing."""
    asked = _QUESTIONS.get(request.command.name)
    return None if asked is None else asked(request)


def significant_pairs(request: Request) -> dict[str, Reason]:
    """The pairs that a resume given now would trade on over significant evidence, with their reasons."""
    return {
        pair: held.reasons & ~_BY_PEOPLE
        for pair, held in bound_of(request.ledger.watched_states().values()).items()
        if held.severity is Severity.SIGNIFICANT
    }


def _promote(request: Request) -> str | None:
    return f"Put v{request.command.version} into production? {_in_charge(request)}"


def _rollback(request: Request) -> str | None:
    return _swap(request, "Go back to", request.command.version or version_before(request.ledger))


def _pin(request: Request) -> str | None:
    version = request.command.version
    return None if version == version_in_charge(request.ledger) else _swap(request, "Hold", version)


def _adopt(request: Request) -> str | None:
    return _swap(request, "Let in", request.command.version or awaiting_version(request.ledger))


def _retrain(request: Request) -> str | None:
    return f"Ask for a new model? {_in_charge(request)}"


# Without a version there is nothing to confirm: the command fails and says why.
def _swap(request: Request, what: str, version: str | None) -> str | None:
    return None if version is None else f"{what} v{version}? {_in_charge(request)}"


def _in_charge(request: Request) -> str:
    adoption = newest_adoption(request.ledger)
    if adoption is None:
        return "No version is in charge yet."
    return f"In charge is {adoption.version}, since {clock(adoption.adopted_at)}."


def _resume(request: Request) -> str | None:
    pairs = significant_pairs(request)
    if not pairs:
        return None
    named = "; ".join(f"{pair}: {', '.join(reasons.words)}" for pair, reasons in sorted(pairs.items()))
    return f"Trade on over significant drift for {request.config.operator_resume_hours:g} hours? {named}."


def _reset(request: Request) -> str | None:
    pairs = significant_pairs(request)
    held = f" Held by it now: {', '.join(sorted(pairs))}." if pairs else ""
    return (
        f"Forget the drift up to now? It must hold again for {request.config.moderate_persistence} candles to reduce a "
        f"pair, {request.config.significant_persistence} to pause it.{held}"
    )


_QUESTIONS: Mapping[CommandName, Callable[[Request], str | None]] = {
    CommandName.PROMOTE: _promote,
    CommandName.ROLLBACK: _rollback,
    CommandName.PIN: _pin,
    CommandName.ADOPT: _adopt,
    CommandName.RESUME: _resume,
    CommandName.RETRAIN: _retrain,
    CommandName.RESET_DRIFT: _reset,
}

__all__ = ["question_of", "role_needed", "significant_pairs"]
