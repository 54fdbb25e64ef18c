"""The bins of one pair's live frames, one after another: looked at again only where a value may have crossed an edge.

A value that moved by less than its distance from the nearest edge is in the bin it was in. So one look at how far each
series moved at most spares the comparison of every value with every edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import BELIEVED, Codes, Floats, PaddedEdges

# rows are compared so many at a time: these stay in the cache, and what is proven of each block is kept
_BLOCK_ROWS = 128
_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossing:
    """A series of which values crossed an edge since the last frame.

    `before` `(n,)` are its codes as they were in that frame, at the rows of this one; `rows` are those that changed,
    ascending.
    """

    series: int
    before: Codes
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binned:
    """The codes `(n, S)` of a frame, the prediction's last, and how they differ from those of the last one.

    Each series' values moved by at most `moves` `(S,)`, NaN where one is not a number.
    """

    codes: Codes
    moves: Floats
    crossings: tuple[Crossing, ...]


class RememberedCodes:
    """Bins a pair's features and predictions, and keeps them for the next frame.

    Keeps a reference to the features, which must not be changed. Codes are good until the next frame is binned.
    """

    def __init__(self, edges: Sequence[Sequence[float]]) -> None:
        self._edges, self._series = PaddedEdges(edges), len(edges)

    def anew(self, features: Floats, judged: Floats, first: int) -> Codes:
        """The codes `(n, S)` of a frame's features `(n, S - 1)` and predictions `(n,)`.

        Rows before `first` are not compared with later frames.
        """
        series = np.column_stack([features, judged])
        codes = self._edges.codes(series)
        self._features, self._judged, self._start = features, judged, 0
        self._store(len(codes))
        self._stored[: len(codes)] = codes
        self._make_room(self._edges.room(series[first:], codes[first:]), slice(first, len(codes)))
        return codes

    def next(self, features: Floats, judged: Floats, gone: int, first: int) -> Binned:
        """The same for a frame that lacks the last one's first `gone` rows; `first` is as it was for that one."""
        known = len(self._features) - gone
        before, self._features, self._judged = (self._features[gone:], self._judged[gone:]), features, judged
        codes = self._go_on(gone, known)
        parts = self._parts(slice(first, known))
        moves = self._moves(*before, parts)
        crossings = self._look_again(codes, moves, parts)
        newest = np.concatenate([features[known:], judged[known:, None]], axis=1)
        codes[known:], away = self._edges.of_few(newest)
        for row, room in enumerate(away * BELIEVED, known + self._start):
            block = self._room[row // _BLOCK_ROWS]
            np.minimum(block, room, out=block)
        return Binned(codes=codes, moves=moves.max(axis=0, initial=0.0), crossings=crossings)

    # places for so many rows and a block more; no value is known yet, so none could cross an edge
    def _store(self, rows: int) -> None:
        blocks = rows // _BLOCK_ROWS + 2
        self._stored = np.empty((blocks * _BLOCK_ROWS, self._series), dtype=np.uint8)
        # how far the values may move before one could cross an edge, by block of stored rows and series
        self._room = np.full((blocks, self._series), np.inf)

    # the codes of the frame, of which those from row `known` on are still to be filled in
    def _go_on(self, gone: int, known: int) -> Codes:
        self._start, rows = self._start + gone, len(self._features)
        if self._start + rows > len(self._stored):
            left = self._start // _BLOCK_ROWS
            codes, room = self._stored[left * _BLOCK_ROWS : self._start + known], self._room[left:]
            self._start -= left * _BLOCK_ROWS
            self._store(self._start + rows)
            self._stored[: len(codes)], self._room[: len(room)] = codes, room
        return self._stored[self._start : self._start + rows]

    # some rows of the frame, cut where stored blocks begin: each block with its rows
    def _parts(self, rows: slice) -> list[tuple[int, slice]]:
        block = (rows.start + self._start) // _BLOCK_ROWS
        inner = range((block + 1) * _BLOCK_ROWS - self._start, rows.stop, _BLOCK_ROWS)
        cuts = [rows.start, *inner, rows.stop] if rows.start < rows.stop else []
        return [(block + at, slice(*cut)) for at, cut in enumerate(pairwise(cuts))]

    # how far the values of some rows are from their edges
    def _make_room(self, away: Floats, rows: slice) -> None:
        for block, part in self._parts(rows):
            room = away[part.start - rows.start : part.stop - rows.start].min(axis=0)
            np.minimum(self._room[block], room * BELIEVED, out=self._room[block])

    # how far the values of each part moved at most, `(parts, S)`; NaN where one is not a number
    def _moves(self, features: Floats, judged: Floats, parts: Sequence[tuple[int, slice]]) -> Floats:
        moves, away = np.empty((len(parts), self._series)), np.empty((_BLOCK_ROWS, features.shape[1]))
        with np.errstate(invalid="ignore", over="ignore"):
            for moved, (_, rows) in zip(moves, parts, strict=True):
                part = np.subtract(self._features[rows], features[rows], out=away[: rows.stop - rows.start])
                np.maximum.reduce(np.abs(part, out=part), axis=0, out=moved[:-1])
            if parts:
                starts, end = [rows.start for _, rows in parts], parts[-1][1].stop
                np.maximum.reduceat(np.abs(self._judged[:end] - judged[:end]), starts, out=moves[:, -1])
        return moves

    # bins what may have crossed an edge
    def _look_again(self, codes: Codes, moves: Floats, parts: Sequence[tuple[int, slice]]) -> tuple[Crossing, ...]:
        first = parts[0][0] if parts else 0
        room = self._room[first : first + len(parts)]
        # a move that is not a number proves nothing
        proven = moves < room
        places = _NONE if proven.all() else np.flatnonzero(~proven)
        places = places[moves.ravel()[places] != 0.0]
        with np.errstate(invalid="ignore"):
            np.subtract(room, moves, out=room)
        room *= BELIEVED
        crossed: dict[int, tuple[Codes, list[NDArray[np.intp]]]] = {}
        for at, index in (divmod(place, self._series) for place in places.tolist()):
            rows = parts[at][1]
            series = self._judged if index == self._series - 1 else self._features[:, index]
            after, away = self._edges.one(series[rows], index)
            room[at, index] = away * BELIEVED
            changed = np.flatnonzero(after != codes[rows, index])
            if len(changed):
                crossed.setdefault(index, (codes[:, index].copy(), []))[1].append(changed + rows.start)
                codes[rows, index] = after
        return tuple(
            Crossing(series=index, before=before, rows=np.concatenate(rows))
            for index, (before, rows) in crossed.items()
        )


__all__ = ["Binned", "Crossing", "RememberedCodes"]
