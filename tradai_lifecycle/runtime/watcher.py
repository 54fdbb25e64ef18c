"""Asks the registry which version is in production, and brings a new one as far as the slot's waiting place."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import ModelNotFoundError, RegistryUnreachableError
from tradai_lifecycle.events import CandidateDecided, Event, FaultReported
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.candidate import EntryRate, Expectations
from tradai_lifecycle.model.probe import probe_in_subprocess
from tradai_lifecycle.model.slot import ModelSlot
from tradai_lifecycle.model.source import ModelSource, VersionRecord
from tradai_lifecycle.runtime.background_call import BackgroundCalls, CallOverdueError
from tradai_lifecycle.runtime.model_cache import ModelCache
from tradai_lifecycle.runtime.preparation import Preparation, Prepared, Probe
from tradai_lifecycle.states import Adoption, CandidateOutcome, SwapOutcome

logger = logging.getLogger(__name__)

POLL_DEADLINE_SECONDS = 10.0
#: Fetching, the trial process with its imports, and loading.
PREPARATION_DEADLINE_SECONDS = 300.0
JITTER = 0.1
LONGEST_BACK_OFF_SECONDS = 600.0
FIRST_RETRY = timedelta(minutes=10)
LONGEST_RETRY = timedelta(hours=6)
SWAP_LIMIT_WINDOW = timedelta(hours=24)
#: Refusals that may heal without a new version: the files can be completed or repaired. The others are final.
RETRIED_OUTCOMES = frozenset(
    {CandidateOutcome.INCOMPLETE, CandidateOutcome.DIGEST_MISMATCH, CandidateOutcome.UNREADABLE}
)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One look at the registry: whether it answered, which version it named, and what became of that version.

    `outcome` is None when the registry was unreachable or has no version in production.
    """

    at: datetime
    reachable: bool
    version: str | None = None
    outcome: CandidateOutcome | None = None
    detail: str = ""


# A version that was refused, with the digest it bore. Without `retry_at` it is never tried again.
@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    digest: str | None
    prepared: Prepared
    retry_at: datetime | None
    wait: timedelta

    def covers(self, digest: str | None, now: datetime) -> bool:
        return self.digest == digest and (self.retry_at is None or now < self.retry_at)


class Watcher:
    """Follows the production version of one `ModelSource` and stages it once it passed every check.

    All methods belong to one event loop; blocking work runs on one daemon thread, never two calls at once. Each
    decision is given to `on_event` once, as CandidateDecided, and again only when it changes. An unreachable registry
    is one FaultReported, and one more when it answers again.
    """

    def __init__(
        self,
        *,
        source: ModelSource,
        slot: ModelSlot,
        config: LifecycleConfig,
        expectations: Expectations,
        cache_directory: Path,
        on_event: Callable[[Event], None],
        entry_rate: EntryRate | None = None,
        adoption_times: Callable[[], Sequence[datetime]] = lambda: (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Random | None = None,
        probe: Probe = probe_in_subprocess,
        poll_deadline_seconds: float = POLL_DEADLINE_SECONDS,
        preparation_deadline_seconds: float = PREPARATION_DEADLINE_SECONDS,
        pause: Callable[[float], Awaitable[None]] | None = None,
        held_version: str | None = None,
    ) -> None:
        self._source = source
        self._slot = slot
        self._config = config
        self._on_event = on_event
        self._adoption_times = adoption_times
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter, not secrecy
        self._poll_deadline_seconds = poll_deadline_seconds
        self._preparation_deadline_seconds = preparation_deadline_seconds
        self._pause = pause or self._wait
        self._cache = ModelCache(cache_directory, config.model_name)
        self._preparation = Preparation(
            source,
            self._cache,
            name=config.model_name,
            expectations=expectations,
            trusted_types=config.trusted_types,
            entry_rate=entry_rate,
            probe=probe,
        )
        self._registry_calls = BackgroundCalls("tradai-registry")
        self._disk_calls = BackgroundCalls("tradai-cache")
        self._wake = asyncio.Event()
        self._unreachable_polls = 0
        self._last_success_at: datetime | None = None
        self._last_poll: Poll | None = None
        self._faults: set[str] = set()
        self._refusals: dict[str, _Refusal] = {}
        self._reported: dict[str, CandidateOutcome] = {}
        self._confirmed: set[str] = set()
        self._awaiting: ModelBundle | None = None
        self._noted_current: str | None = None
        self._held_version = held_version

    @property
    def last_success_at(self) -> datetime | None:
        """When the registry last answered; its age is the registry's silence."""
        return self._last_success_at

    @property
    def last_poll(self) -> Poll | None:
        """The newest poll that ended."""
        return self._last_poll

    @property
    def awaiting_confirmation(self) -> ModelBundle | None:
        """The checked candidate that a person has not confirmed yet."""
        return self._awaiting

    async def run(self) -> None:
        """Load the last good model, then poll until cancelled. An error in a poll is reported; the next one follows."""
        if self._slot.current is None and self._slot.staged is None:
            await self._guarded(self.load_last_good)
        while True:
            await self._guarded(self.poll_once)
            await self._pause(self.next_delay_seconds())

    def next_delay_seconds(self) -> float:
        """Seconds until the next poll: the interval, doubled per unreachable poll up to ten minutes, jittered by 10 %.

        Only an unreachable registry is given time. A refused version is not: the way back must stay short.
        """
        interval = self._config.poll_interval_seconds
        longest = max(interval, LONGEST_BACK_OFF_SECONDS)
        backed_off = min(longest, interval * 2.0 ** min(self._unreachable_polls, 16))
        return backed_off * self._random.uniform(1.0 - JITTER, 1.0 + JITTER)

    def poll_now(self) -> None:
        """End the pause before the next poll."""
        self._wake.set()

    async def load_last_good(self) -> ModelBundle | None:
        """Stage the model that was in charge when the bot last ran, without asking the registry; None if there is none.

        It must fit the strategy as it is now. A damaged or unfitting one is left out: the registry has the next word.
        """
        prepared = await self._disk_calls.run(
            self._preparation.last_good, deadline_seconds=self._preparation_deadline_seconds
        )
        if prepared is None:
            return None
        if prepared.bundle is None:
            logger.warning("The cached last good model is not used (%s): %s", prepared.outcome, prepared.detail)
            return None
        await self._slot.stage(prepared.bundle)
        self._noted_current = prepared.bundle.version
        return prepared.bundle

    async def hold(self, version: str | None) -> None:
        """Follow `version` instead of the production version, or with None the production version again; polls now.

        A person asked for it, so neither `adoption` nor the swap limit keeps it out; every check still applies.
        """
        self._held_version = version
        self.poll_now()

    async def confirm(self, version: str) -> SwapOutcome:
        """A person lets this version take over: staged at once if it waits for that, else as soon as it is checked.

        STAGED, PINNED, or NOTHING_STAGED: it was not waiting (yet).
        """
        version = version.removeprefix("v")
        self._confirmed.add(version)
        if self._awaiting is None or self._awaiting.version != version:
            return SwapOutcome.NOTHING_STAGED
        bundle, self._awaiting = self._awaiting, None
        outcome = await self._slot.stage(bundle)
        self._decided(self._of_staging(version, outcome, "confirmed by an operator"))
        return outcome

    def forget_refusal(self, version: str) -> None:
        """Let a refused version be tried again at the next poll."""
        self._refusals.pop(version.removeprefix("v"), None)

    async def poll_once(self) -> Poll:
        """Ask once, and bring the version in production as far as it may go. Ends within the deadlines.

        Never raises for what the registry or a model does: both are in the `Poll` and in the events.
        """
        await self._note_current()
        try:
            version = self._held_version
            if version is None:
                version = await self._ask(self._source.production_version, self._poll_deadline_seconds)
                self._answered()
            poll = await self._considered(version) if version is not None else self._poll(None)
        except (RegistryUnreachableError, CallOverdueError) as error:
            poll = self._unreachable(str(error))
        self._last_poll = poll
        return poll

    async def _considered(self, version: str) -> Poll:
        if self._slot.current is not None and self._slot.current.version == version:
            return await self._already_current(version)
        if self._slot.staged is not None and self._slot.staged.version == version:
            return self._poll(version, CandidateOutcome.STAGED)
        held = self._held(version)
        if held is not None:
            return self._decided(held)
        if self._awaiting is not None and self._awaiting.version == version:
            return self._poll(version, CandidateOutcome.AWAITING_CONFIRMATION)
        self._awaiting = None
        return self._decided(await self._prepared(version))

    # What keeps any candidate out, before anything of it is fetched. A slot without a model is open.
    def _held(self, version: str) -> Poll | None:
        incumbent = self._slot.current or self._slot.staged
        if incumbent is None or version == self._held_version:
            return None
        if self._slot.state.held or self._config.adoption is Adoption.PINNED:
            return self._poll(version, CandidateOutcome.HELD_BY_PIN, f"{incumbent.label} is pinned")
        since = self._clock() - SWAP_LIMIT_WINDOW
        recent = sum(adopted_at > since for adopted_at in self._adoption_times())
        if recent >= self._config.maximum_swaps_per_day and version not in self._confirmed:
            return self._poll(version, CandidateOutcome.HELD_BY_SWAP_LIMIT, f"{recent} adoptions within 24 hours")
        return None

    async def _prepared(self, version: str) -> Poll:
        incumbent = self._slot.current or self._slot.staged
        try:
            record = await self._ask(lambda: self._source.describe(version), self._poll_deadline_seconds)
        except ModelNotFoundError as error:
            return self._poll(version, CandidateOutcome.INCOMPLETE, str(error))
        refusal = self._refusals.get(version)
        if refusal is not None and refusal.covers(record.digest, self._clock()):
            return self._poll(version, refusal.prepared.outcome, refusal.prepared.detail)
        prepared = await self._ask(
            lambda: self._preparation.prepare(record, self._slot.current), self._preparation_deadline_seconds
        )
        if prepared.bundle is None:
            self._remember_refusal(record, prepared)
            return self._poll(version, prepared.outcome, prepared.detail)
        self._refusals.pop(version, None)
        if self._needs_confirmation(version) and incumbent is not None:
            self._awaiting = prepared.bundle
            return self._poll(version, CandidateOutcome.AWAITING_CONFIRMATION, prepared.detail)
        return self._of_staging(version, await self._slot.stage(prepared.bundle), prepared.detail)

    def _needs_confirmation(self, version: str) -> bool:
        asked_for = version in self._confirmed or version == self._held_version
        return self._config.adoption is Adoption.CONFIRM and not asked_for

    def _remember_refusal(self, record: VersionRecord, prepared: Prepared) -> None:
        if prepared.outcome is CandidateOutcome.NOT_READY:
            return
        earlier = self._refusals.get(record.version)
        wait = min(earlier.wait * 2, LONGEST_RETRY) if earlier else FIRST_RETRY
        retry_at = self._clock() + wait if prepared.outcome in RETRIED_OUTCOMES else None
        self._refusals[record.version] = _Refusal(digest=record.digest, prepared=prepared, retry_at=retry_at, wait=wait)

    # Production is what runs: a candidate that still waits was taken back.
    async def _already_current(self, version: str) -> Poll:
        self._awaiting = None
        self._reported.clear()
        if self._slot.staged is not None:
            await self._slot.unstage()
        return self._poll(version, CandidateOutcome.ALREADY_CURRENT)

    def _of_staging(self, version: str, outcome: SwapOutcome, detail: str) -> Poll:
        if outcome is SwapOutcome.PINNED:
            return self._poll(version, CandidateOutcome.HELD_BY_PIN, "pinned while it was being checked")
        return self._poll(version, CandidateOutcome.STAGED, detail)

    def _poll(self, version: str | None, outcome: CandidateOutcome | None = None, detail: str = "") -> Poll:
        return Poll(at=self._clock(), reachable=True, version=version, outcome=outcome, detail=detail)

    def _decided(self, poll: Poll) -> Poll:
        if poll.version is not None and poll.outcome is not None and self._reported.get(poll.version) != poll.outcome:
            self._reported[poll.version] = poll.outcome
            self._report(CandidateDecided(at=poll.at, version=poll.version, outcome=poll.outcome, detail=poll.detail))
        return poll

    # Which model is in charge is written beside the cache once it is, so that a restart begins with it.
    async def _note_current(self) -> None:
        current = self._slot.current
        if current is None or current.version == self._noted_current or self._disk_calls.is_busy:
            return
        try:
            await self._disk_calls.run(
                lambda: self._cache.set_last_good(current.version), deadline_seconds=self._poll_deadline_seconds
            )
            self._noted_current = current.version
            self._recovered("model cache")
        except (OSError, CallOverdueError) as error:
            self._fault("model cache", f"the model in charge could not be noted: {error}")

    async def _ask(self, function: Callable[[], Answer], deadline_seconds: float) -> Answer:
        return await self._registry_calls.run(function, deadline_seconds=deadline_seconds)

    def _answered(self) -> None:
        self._unreachable_polls = 0
        self._last_success_at = self._clock()
        self._recovered("registry")

    def _unreachable(self, cause: str) -> Poll:
        self._unreachable_polls += 1
        self._fault("registry", cause)
        return Poll(at=self._clock(), reachable=False, detail=cause)

    async def _guarded(self, step: Callable[[], Awaitable[object]]) -> None:
        try:
            await step()
            self._recovered("watcher")
        except Exception as error:
            logger.exception("The model watcher failed; it goes on.")
            self._fault("watcher", repr(error))

    def _fault(self, part: str, message: str) -> None:
        if part not in self._faults:
            self._faults.add(part)
            self._report(FaultReported(at=self._clock(), part=part, message=message))

    def _recovered(self, part: str) -> None:
        if part in self._faults:
            self._faults.discard(part)
            self._report(FaultReported(at=self._clock(), part=part, message="works again", recovered=True))

    def _report(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("An event of the model watcher could not be delivered: %s", event)

    async def _wait(self, seconds: float) -> None:
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return


__all__ = ["Poll", "Watcher"]
