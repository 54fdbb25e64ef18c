"""Which detector is shown which stream with which fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.drift.detectors import DETECTORS, Detector
from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.markets import series_of
from benchmarks.drift.streams import Injected, Kind, NextCandles, NoDrift, RawCandles, Stream, name_of

#: Training candles by timeframe: 10, 20 and 40 windows. The 30m candles are made of 5m ones, and few.
TRAINED = {"1h": (5_000, 10_000, 20_000), "5m": (5_000, 10_000, 20_000), "30m": (5_000,)}
#: How many series of a timeframe, the first ones, also get faults into their features.
WITH_FAULTS = {"1h": 4, "5m": 3, "30m": 0}
#: What a sparse detector is shown.
SPARSE_SERIES = ("BTC 1h", "ETH 1h")
SPARSE_FAULTS = (NO_FAULT, "one feature +1 sd", "volatility x2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure to be measured."""

    detector: Detector
    stream: Stream
    fault: str

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.detector.name}; {name_of(self.stream)}; {self.fault}"


def full_plan() -> list[Stream]:
    """Every stream, those of one series after each other."""
    streams: list[Stream] = []
    for timeframe, lengths in TRAINED.items():
        for place, series in enumerate(series_of(timeframe)):
            for trained in lengths:
                streams.append(NoDrift(series=series, trained=trained, blocks=12))
                streams.append(NextCandles(series=series, trained=trained, origins=3))
            if place < WITH_FAULTS[timeframe]:
                streams.append(Injected(series=series, trained=20_000, splits=3, runs_per_split=10))
            if timeframe == "1h" and place < 2:
                streams.append(Injected(series=series, trained=5_000, splits=3, runs_per_split=10))
                streams.append(RawCandles(series=series, trained=20_000, onsets=40))
    return streams


def cells_of(streams: Sequence[Stream], detectors: Sequence[Detector] = DETECTORS) -> Iterator[Cell]:
    """The cells, those of one stream and fault after each other: they share what is costly to make."""
    for stream in streams:
        for fault in stream.faults:
            for detector in detectors:
                if not detector.sparse or (str(stream.series) in SPARSE_SERIES and fault in SPARSE_FAULTS):
                    yield Cell(detector=detector, stream=stream, fault=fault)


def chosen(cells: Sequence[Cell], words: Sequence[str]) -> list[Cell]:
    """The cells whose name holds every one of `words`; all where there is none."""
    return [cell for cell in cells if all(word.lower() in cell.name.lower() for word in words)]


__all__ = ["Cell", "Kind", "cells_of", "chosen", "full_plan"]
