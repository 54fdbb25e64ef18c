"""Columns of one pair's live frames, one after another: each frame's are a later part of a longer store."""

from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

# a store is copied once in so many candles
_SPARE_ROWS = 256


class Columns(Protocol):
    """Arrays with one entry per row, such as DriftColumns."""

    def part(self, rows: slice) -> Self:
        """Some of the rows; what is written into them is written here."""

    def put(self, start: int, other: Self, rows: slice = ...) -> None:
        """Write `rows` of `other` over those from `start` on."""


Kind = TypeVar("Kind", bound=Columns)


class KeptColumns(Generic[Kind]):
    """The columns of the newest frame, to be written into and to go on from: a new row costs no copy of the others."""

    def __init__(self, columns: Kind, rows: int, empty: Callable[[int], Kind]) -> None:
        self._empty, self._none = empty, empty(1)
        self._store: Kind
        self._start: int
        self._rows: int
        self._room: int
        self._from_row = 0
        self._keep(columns, rows)

    def go_on(self, gone: int, rows: int, from_row: int) -> Kind:
        """Those of a frame of so many rows that lacks the last one's first `gone` and ends no earlier.

        Rows that were not known, and those before `from_row`, are empty. That row is no older than the last frame's.
        """
        start, end = self._start + gone, self._start + self._rows
        if start + rows > self._room:
            self._keep(self._store.part(slice(start, end)), rows)
            start = 0
        self._start, self._rows = start, rows
        newest = self._store.part(slice(start, start + rows))
        forgotten = range(max(self._from_row - gone, 0), min(from_row, rows))
        if forgotten:
            newest.put(forgotten.start, self._none if len(forgotten) == 1 else self._empty(len(forgotten)))
        self._from_row = from_row
        return newest

    def _keep(self, columns: Kind, rows: int) -> None:
        self._start, self._rows, self._room = 0, rows, rows + _SPARE_ROWS
        self._store = self._empty(self._room)
        self._store.put(0, columns)


__all__ = ["Columns", "KeptColumns"]
