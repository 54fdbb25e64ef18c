"""Asks the registry which version is in production, and brings a new one as far as the slot's waiting place."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from tradai_lifecycle.background_call import BackgroundCalls, CallOverdueError
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import ModelNotFoundError, RegistryUnreachableError
from tradai_lifecycle.events import Event
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.candidate import EntryRate, Expectations
from tradai_lifecycle.model.probe import probe_in_subprocess
from tradai_lifecycle.model.slot import ModelSlot
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.runtime.model_cache import ModelCache
from tradai_lifecycle.runtime.notices import Notices
from tradai_lifecycle.runtime.preparation import Preparation, Probe
from tradai_lifecycle.runtime.refusals import Refusals
from tradai_lifecycle.states import Adoption, CandidateOutcome, SwapOutcome

logger = logging.getLogger(__name__)

POLL_DEADLINE_SECONDS = 10.0
#: Fetching, the trial process with its imports, and loading.
PREPARATION_DEADLINE_SECONDS = 300.0
JITTER = 0.1
LONGEST_BACK_OFF_SECONDS = 600.0
SWAP_LIMIT_WINDOW = timedelta(hours=24)

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


class Watcher:
    """Follows the production version of one `ModelSource` and stages it once it passed every check.

    All methods belong to one event loop; polls take turns, and blocking work runs off the loop, one call at a time.
    Each decision is given to `on_event` once, as CandidateDecided, and again only when it changes. An unreachable
    registry is one FaultReported, and one more when it answers again.
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
        candles_seen: Callable[[], bool] = lambda: True,
    ) -> None:
        self._source = source
        self._slot = slot
        self._config = config
        self._notices = Notices(on_event, clock)
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
        self._polling = asyncio.Lock()
        self._unreachable_polls = 0
        self._last_success_at: datetime | None = None
        self._problem = ""
        self._last_poll: Poll | None = None
        self._refusals = Refusals()
        self._confirmed: str | None = None
        self._awaiting: ModelBundle | None = None
        self._noted_current: str | None = None
        self._held_version = held_version
        self._candles_seen = candles_seen

    @property
    def last_success_at(self) -> datetime | None:
        """When the registry last answered; its age is the registry's silence."""
        return self._last_success_at

    @property
    def problem(self) -> str:
        """What the newest poll failed of; "" where it did not, and before the first."""
        return self._problem

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

    async def poll_now(self) -> None:
        """End the pause before the next poll, or skip the next pause."""
        self._wake.set()

    async def load_last_good(self) -> ModelBundle | None:
        """Stage the model that was in charge when the bot last ran, without asking the registry; None if there is none.

        With a held version, that one. It must fit the strategy as it is now; a damaged or unfitting one is left out.
        """
        bundle = await self._cached(self._held_version)
        if bundle is not None:
            await self._slot.stage(bundle)
            self._noted_current = bundle.version
        return bundle

    # A version of the cache, or with None the last good one, if it fits; never the registry.
    async def _cached(self, version: str | None) -> ModelBundle | None:
        if self._disk_calls.is_busy:
            return None
        prepared = await self._disk_calls.run(
            lambda: self._preparation.from_cache(version), deadline_seconds=self._preparation_deadline_seconds
        )
        if prepared is not None and prepared.bundle is None:
            logger.warning("A cached model is not used (%s): %s", prepared.outcome, prepared.detail)
        return None if prepared is None else prepared.bundle

    async def hold(self, version: str | None) -> None:
        """Follow `version` instead of the production version, or with None the production version again; polls now.

        A person asked for it, so neither `adoption` nor the swap limit keeps it out; every check still applies. The
        previous model and the cached ones are at hand without the registry: the way back works while it is down. A
        confirmation given before is over: it was for another situation.
        """
        self._held_version = version
        if version is not None:
            self._confirmed = None
        await self.poll_now()

    async def confirm(self, version: str) -> SwapOutcome:
        """A person lets this version take over: staged at once if it waits for that, else as soon as it is checked.

        Counts for one adoption, and until another version is confirmed or one is held.
        STAGED, PINNED, or NOTHING_STAGED: it was not waiting (yet).
        """
        version = version.removeprefix("v")
        self._confirmed = version
        if self._awaiting is None or self._awaiting.version != version:
            return SwapOutcome.NOTHING_STAGED
        bundle, self._awaiting = self._awaiting, None
        outcome = await self._slot.stage(bundle)
        self._decided(self._of_staging(version, outcome, "confirmed by an operator"))
        return outcome

    def forget_refusal(self, version: str) -> None:
        """Let a refused version be tried again at the next poll."""
        self._refusals.forget(version.removeprefix("v"))

    async def poll_once(self) -> Poll:
        """Ask once, and bring the version in production as far as it may go. Ends within the deadlines.

        Never raises for what the registry or a model does: both are in the `Poll` and in the events.
        """
        async with self._polling:
            self._forget_confirmation()
            await self._note_current()
            self._last_poll = await self._stage_held_at_hand() or await self._asked()
            return self._last_poll

    async def _asked(self) -> Poll:
        try:
            production = await self._ask(self._source.production_version, self._poll_deadline_seconds)
            self._answered()
            version = self._held_version or production
            return self._poll(None) if version is None else await self._considered(version)
        except (RegistryUnreachableError, CallOverdueError) as error:
            return self._unreachable(str(error))

    # The held version, if it is neither in charge nor staged but in memory or in the cache. None: ask the registry.
    async def _stage_held_at_hand(self) -> Poll | None:
        version, previous = self._held_version, self._slot.previous
        known = {bundle.version for bundle in (self._slot.current, self._slot.staged) if bundle is not None}
        if version is None or version in known:
            return None
        bundle = previous if previous is not None and previous.version == version else await self._cached(version)
        if bundle is None:
            return None
        return self._decided(self._of_staging(version, await self._slot.stage(bundle), "held by an operator; at hand"))

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
        if not self._candles_seen():
            # without candles a candidate's entries cannot be compared with the incumbent's: it would slip through
            return self._poll(version, CandidateOutcome.NOT_READY, "it waits for the first candles to be compared on")
        since = self._clock() - SWAP_LIMIT_WINDOW
        recent = sum(adopted_at > since for adopted_at in self._adoption_times())
        if recent >= self._config.maximum_swaps_per_day and version != self._confirmed:
            return self._poll(version, CandidateOutcome.HELD_BY_SWAP_LIMIT, f"{recent} adoptions within 24 hours")
        return None

    async def _prepared(self, version: str) -> Poll:
        incumbent = self._slot.current or self._slot.staged
        try:
            record = await self._ask(lambda: self._source.describe(version), self._poll_deadline_seconds)
        except ModelNotFoundError as error:
            return self._poll(version, CandidateOutcome.INCOMPLETE, str(error))
        refused = self._refusals.covering(record, self._clock())
        if refused is not None:
            return self._poll(version, refused.outcome, refused.detail)
        prepared = await self._ask(
            lambda: self._preparation.prepare(record, incumbent), self._preparation_deadline_seconds
        )
        if prepared.bundle is None:
            self._refusals.remember(record, prepared, self._clock())
            return self._poll(version, prepared.outcome, prepared.detail)
        self._refusals.forget(version)
        if self._needs_confirmation(version) and incumbent is not None:
            self._awaiting = prepared.bundle
            return self._poll(version, CandidateOutcome.AWAITING_CONFIRMATION, prepared.detail)
        return self._of_staging(version, await self._slot.stage(prepared.bundle), prepared.detail)

    def _needs_confirmation(self, version: str) -> bool:
        asked_for = version in (self._confirmed, self._held_version)
        return self._config.adoption is Adoption.CONFIRM and not asked_for

    # Once it was adopted: after a step back it has to be confirmed anew.
    def _forget_confirmation(self) -> None:
        current = self._slot.current
        if current is not None and current.version == self._confirmed:
            self._confirmed = None

    # Production is what runs: a candidate that still waits was taken back.
    async def _already_current(self, version: str) -> Poll:
        self._awaiting = None
        self._notices.settled()
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
        if poll.version is not None and poll.outcome is not None:
            self._notices.decided(poll.version, poll.outcome, poll.detail)
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
            self._notices.recovered("model cache")
        except (OSError, CallOverdueError) as error:
            self._notices.fault("model cache", f"the model in charge could not be noted: {error}")

    async def _ask(self, function: Callable[[], Answer], deadline_seconds: float) -> Answer:
        return await self._registry_calls.run(function, deadline_seconds=deadline_seconds)

    def _answered(self) -> None:
        self._unreachable_polls, self._problem = 0, ""
        self._last_success_at = self._clock()
        self._notices.recovered("registry")

    def _unreachable(self, cause: str) -> Poll:
        self._unreachable_polls, self._problem = self._unreachable_polls + 1, cause
        self._notices.fault("registry", cause)
        return Poll(at=self._clock(), reachable=False, detail=cause)

    async def _guarded(self, step: Callable[[], Awaitable[object]]) -> None:
        try:
            await step()
            self._notices.recovered("watcher")
        except Exception as error:
            self._problem = repr(error)
            if self._notices.fault("watcher", repr(error)):
                logger.exception("The model watcher failed; it goes on.")

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()


__all__ = ["Poll", "Watcher"]
