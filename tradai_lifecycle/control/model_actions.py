"""What changes the model: promote, rollback, pin, unpin, adopt; and the versions there are."""

from collections.abc import Iterator
from contextlib import contextmanager

from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.progress import INTENT, progress_of, record_end, refusal_standing
from tradai_lifecycle.control.reports import VersionRow, VersionsReport
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import (
    awaiting_version,
    pinned_version,
    version_before,
    version_in_charge,
)
from tradai_lifecycle.errors import LifecycleError, ModelNotFoundError, RegistryUnreachableError, StoreUnavailableError
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.states import CommandOutcome


def versions(request: Request) -> Answer:
    """List the registered versions."""
    with opened(request) as source:
        found, production = source.versions(), source.production_version()
    try:
        in_charge = version_in_charge(request.ledger)
    except StoreUnavailableError:  # the registry is what was asked for
        in_charge = None
    rows = tuple(
        VersionRow(
            version=record.version,
            stage=record.stage,
            aliases=record.aliases,
            production=record.version == production,
            in_charge=record.version == in_charge,
            created_at=record.created_at,
            digest=record.digest,
            ready=record.ready,
        )
        for record in found
    )
    return request.shown(VersionsReport(model=request.config.model_name, versions=rows))


def promote(request: Request) -> Answer:
    """Put a version into production. What is about to be done is written before the registry is touched."""
    version = str(request.command.version)
    pinned = pinned_version(request.ledger)
    if pinned is not None and pinned[1] != version:
        what = f"v{pinned[1]}" if pinned[1] is not None else "the version in charge"
        return request.failed(f"nothing was changed: the bot is pinned to {what}. Next: unpin, then promote")
    with opened(request) as source:
        source.describe(version)
        was_production = source.production_version() == version
        request.ledger.record_events([request.event(CommandOutcome.PENDING, INTENT)])
        unknown = _put_into_production(source, version)
    if unknown is not None:
        return _begun(request, version, f"it is not known whether v{version} is in production: {unknown}")
    # a bot that has refused the version says so once: put into production again, it would say nothing
    refused = refusal_standing(request.ledger, version) if was_production else None
    if refused is not None:
        return request.failed(f"v{version} is in production, but {refused}")
    return _begun(request, version, f"v{version} is in production")


def rollback(request: Request) -> Answer:
    """Go back to an earlier version and pin it. The pin alone brings a running bot back: the registry may be down."""
    version = request.command.version or version_before(request.ledger)
    if version is None:
        raise ModelNotFoundError(request.config.model_name, "version before the present one")
    _require_version(request, version)
    _pin(request, version, f"v{version} is pinned")
    lines = [f"v{version} stays pinned: unpin lets later versions in again"]
    try:
        with opened(request) as source:
            unknown = _put_into_production(source, version)
        if unknown is not None:
            lines.append(f"it is not known whether the registry names it as its production version: {unknown}")
    except LifecycleError as error:
        lines.append(f"the registry still names another production version: {error}")
    return _awaited(request, version, f"v{version} is pinned", *lines)


def pin(request: Request) -> Answer:
    """Hold one version, whatever the registry says: the one given, or the one in charge."""
    current = version_in_charge(request.ledger)
    version = request.command.version or current
    if version is None:
        return request.failed("no model is in charge yet: name the version to pin")
    if version == current:
        return _pinned(request, version)
    _require_version(request, version)
    _pin(request, version, f"v{version} is pinned")
    return _awaited(request, version, f"v{version} is pinned")


def unpin(request: Request) -> Answer:
    """Follow the production version again."""
    detail = "the production version is followed again"
    request.ledger.record_pin(
        pinned=False,
        version=None,
        at=request.now,
        who=request.caller.who,
        event=request.event(CommandOutcome.DONE, detail),
    )
    return request.done(detail, "a running bot follows from its next poll on")


def adopt(request: Request) -> Answer:
    """Let the version that waits for a person take over."""
    waiting = awaiting_version(request.ledger)
    version = request.command.version or waiting
    if version is None:
        return request.failed("no version waits for a person")
    if version == version_in_charge(request.ledger):
        return _awaited(request, version, f"v{version} is in charge")
    if version != waiting:
        other = f"v{waiting} does" if waiting is not None else "none does"
        return request.failed(f"v{version} does not wait for a person; {other}", version=version)
    pinned = pinned_version(request.ledger)
    if pinned is not None:
        return request.failed(f"nothing was changed: the bot is pinned to v{pinned[1]}. Next: unpin", version=version)
    detail = f"v{version} may take over"
    # a pin that is lifted and names a version: follow production, and let this version in
    request.ledger.record_pin(
        pinned=False,
        version=version,
        at=request.now,
        who=request.caller.who,
        event=request.event(CommandOutcome.PENDING, detail, version=version),
    )
    return _awaited(request, version, detail)


@contextmanager
def opened(request: Request) -> Iterator[ModelSource]:
    """The bot's registry, closed at the end."""
    source = request.open_source()
    try:
        yield source
    finally:
        source.close()


# The registry may have done it although its answer was lost: then it says so when it is asked again. The error where
# it does not answer that either; raised where it has not done it.
def _put_into_production(source: ModelSource, version: str) -> RegistryUnreachableError | None:
    try:
        source.promote(version)
    except RegistryUnreachableError as error:
        try:
            done = source.production_version() == version
        except RegistryUnreachableError:
            return error
        if not done:
            raise
    return None


def _pinned(request: Request, version: str) -> Answer:
    detail = f"v{version} is pinned"
    request.ledger.record_pin(
        pinned=True,
        version=version,
        at=request.now,
        who=request.caller.who,
        event=request.event(CommandOutcome.DONE, detail, version=version),
    )
    return request.done(detail, "unpin follows the production version again")


def _pin(request: Request, version: str, detail: str) -> None:
    request.ledger.record_pin(
        pinned=True,
        version=version,
        at=request.now,
        who=request.caller.who,
        event=request.event(CommandOutcome.PENDING, detail, version=version),
    )


# The registry has answered: written down, so that nobody takes the promotion for one that was cut short.
def _begun(request: Request, version: str, detail: str) -> Answer:
    try:
        request.ledger.record_events([request.event(CommandOutcome.PENDING, detail, version=version)])
        return _awaited(request, version, detail)
    except StoreUnavailableError as error:
        return request.said(
            CommandOutcome.FAILED, f"{detail}, which could not be written down: {error} Next: repeat it"
        )


# Pending, unless the bot has predicted with that version already, or something stands in its way.
def _awaited(request: Request, version: str, detail: str, *lines: str) -> Answer:
    follow = request.follow(version)
    progress = progress_of(request.ledger, follow)
    if progress.outcome is CommandOutcome.PENDING:
        return request.said(CommandOutcome.PENDING, f"{detail}; {progress.detail}", *lines, follow=follow)
    # a running bot may have seen it, and written it, in this very moment
    record_end(request.ledger, follow, progress, request.now)
    return request.said(progress.outcome, progress.detail, *lines)


# A version that does not exist is a typing error; a registry that is down must not stand in the way back.
def _require_version(request: Request, version: str) -> None:
    try:
        with opened(request) as source:
            source.describe(version)
    except RegistryUnreachableError:
        return


__all__ = ["adopt", "opened", "pin", "promote", "rollback", "unpin", "versions"]
