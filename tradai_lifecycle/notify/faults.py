"""Parts of the lifecycle that fail: since when, and whether that was told."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tradai_lifecycle.events import FaultReported
from tradai_lifecycle.notify.notice import Notice, Priority
from tradai_lifecycle.notify.priorities import REGISTRY_PART
from tradai_lifecycle.notify.wording import span

#: Parts whose fault is told only when it has lasted so long.
PATIENCE = {REGISTRY_PART: timedelta(hours=1)}
#: After a restart, a fault that is not reported again within this time has ended meanwhile.
DOUBTED_FOR = timedelta(minutes=15)
MOST_FAULTS = 200


@dataclass(slots=True, kw_only=True)
class _Fault:
    notice: Notice
    since: datetime
    told: bool
    doubted_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What to do about one report of a part: what to tell, and whether the part changed between failing and working."""

    notice: Notice | None = None
    is_change: bool = False


class Faults:
    """The parts that fail. Of more than the most, the oldest is forgotten."""

    def __init__(self) -> None:
        self._faults: dict[str, _Fault] = {}

    def __len__(self) -> int:
        return len(self._faults)

    def __contains__(self, part: object) -> bool:
        return part in self._faults

    def take(self, event: FaultReported, notice: Notice, now: datetime) -> Report:
        """Take a report of a part, told as `notice`."""
        if event.recovered:
            return self._recovered(event.part, notice, now)
        fault = self._faults.get(event.part)
        if fault is None:
            return self._began(event.part, notice, now)
        if fault.doubted_until is not None:
            fault.doubted_until = None
            return Report()
        return Report(notice=notice) if fault.told else Report()

    def due(self, now: datetime) -> list[Notice]:
        """Faults that are told now because they have lasted."""
        for part, fault in tuple(self._faults.items()):
            if fault.doubted_until is not None and now >= fault.doubted_until:
                del self._faults[part]
        lasting = [part for part, fault in self._faults.items() if self._has_lasted(part, fault, now)]
        return [self._told(self._faults[part], now) for part in lasting]

    def doubt(self, now: datetime) -> None:
        """The bot was started anew: whether these parts still fail is not known until they are reported again."""
        for fault in self._faults.values():
            fault.doubted_until = now + DOUBTED_FOR

    def _began(self, part: str, notice: Notice, now: datetime) -> Report:
        at_once = part not in PATIENCE
        self._faults[part] = _Fault(notice=notice, since=now, told=at_once)
        while len(self._faults) > MOST_FAULTS:
            del self._faults[next(iter(self._faults))]
        return Report(notice=notice, is_change=True) if at_once else Report()

    def _recovered(self, part: str, notice: Notice, now: datetime) -> Report:
        fault = self._faults.pop(part, None)
        if fault is None:
            return Report(notice=replace(notice, priority=Priority.DIGEST))
        ended = notice.with_lines(f"It lasted {span(now - fault.since)}.")
        if not fault.told:
            return Report(notice=replace(ended, priority=Priority.DIGEST))
        return Report(notice=ended, is_change=True)

    def _has_lasted(self, part: str, fault: _Fault, now: datetime) -> bool:
        known = fault.told or fault.doubted_until is not None
        return not known and now - fault.since >= PATIENCE.get(part, timedelta())

    def _told(self, fault: _Fault, now: datetime) -> Notice:
        fault.told = True
        return fault.notice.with_lines(f"It has lasted {span(now - fault.since)}.")


__all__ = ["DOUBTED_FOR", "MOST_FAULTS", "PATIENCE", "Faults", "Report"]
