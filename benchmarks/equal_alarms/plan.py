"""What is shown to every detector: candles that really followed a training, and faults."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.markets import series_of
from benchmarks.drift.streams import Injected, Kind, NextCandles, RawCandles, Stream, name_of

TIMEFRAME, TRAINED = "1h", 20_000
#: How many series, the first ones, are measured at all, and with faults in their raw candles.
SERIES, RAW_SERIES = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stream with one fault: what every detector is shown before the next part is made."""

    stream: Stream
    fault: str

    @property
    def name(self) -> str:
        """In words."""
        return f"{name_of(self.stream)}, {self.fault}"

    @property
    def key(self) -> str:
        """The name, and whatever else the runs depend on beside code: the candles and the stream's own numbers."""
        file = self.stream.series.file
        return f"{self.name}, {file.stat().st_size if file else 'sandbox'}, {_numbers(self.stream)}"


def full_plan() -> list[Stream]:
    """Every stream, those of one series after each other."""
    streams: list[Stream] = []
    for place, series in enumerate(series_of(TIMEFRAME)[:SERIES]):
        streams.append(NextCandles(series=series, trained=TRAINED, origins=3))
        streams.append(Injected(series=series, trained=TRAINED, splits=3, runs_per_split=10))
        if place < RAW_SERIES:
            streams.append(RawCandles(series=series, trained=TRAINED, onsets=40))
    return streams


def quick_plan() -> list[Stream]:
    """A few runs of one series."""
    series = series_of(TIMEFRAME)[0]
    injected = Injected(series=series, trained=TRAINED, splits=1, runs_per_split=3)
    raw = RawCandles(series=series, trained=TRAINED, onsets=4)
    return [
        NextCandles(series=series, trained=TRAINED, origins=1),
        replace(injected, faults=(NO_FAULT, "one feature +1 sd", "one feature's sign flipped")),
        replace(raw, faults=(NO_FAULT, "volatility x2")),
    ]


def parts_of(streams: list[Stream]) -> Iterator[Part]:
    """The parts, those of one stream after each other: they share what is costly to make."""
    for stream in streams:
        for fault in stream.faults:
            yield Part(stream=stream, fault=fault)


def scope_of(streams: list[Stream]) -> str:
    """What a plan runs, in words."""
    words = [
        f"{kind.value}: {', '.join(str(stream.series) for stream in of_kind)}, {_runs_in_words(of_kind[0])}"
        for kind in Kind
        if (of_kind := [stream for stream in streams if stream.kind is kind])
    ]
    return "; ".join(words)


def _runs_in_words(stream: Stream) -> str:
    match stream:
        case NextCandles():
            return f"{stream.origins} trainings of each with up to {stream.longest:,} candles after it"
        case Injected():
            return f"{stream.splits} trainings of each with {stream.runs_per_split} runs a fault"
        case RawCandles():
            return f"one training of each with {stream.onsets} onsets a fault"
    raise AssertionError(f"no words for {stream}")


def _numbers(stream: Stream) -> str:
    return _runs_in_words(stream).replace(",", "")


__all__ = ["SERIES", "TIMEFRAME", "TRAINED", "Part", "full_plan", "parts_of", "quick_plan", "scope_of"]
