"""All that was measured as one value, and as JSON and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from benchmarks.drift.cells import Measured
from benchmarks.drift.figures import FalseTriggers, Found
from benchmarks.drift.markets import has_real_candles
from benchmarks.drift.results import read_figure, rounded
from benchmarks.equal_alarms.detectors import BASE, OURS
from benchmarks.equal_alarms.figures import Difference, FoundIn, Scale, differences, found_in, place_for, scale_of
from benchmarks.equal_alarms.measuring import Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualAlarms:
    """The figures of one run: when, on what, of which scope, and at how many false triggers per 1,000 candles."""

    at: str
    candles: str
    scope: str
    target: float
    scales: tuple[Scale, ...]
    found: tuple[FoundIn, ...]
    differences: tuple[Difference, ...]

    @classmethod
    def of(cls, curves: Sequence[Curve], *, scope: str, target: float, now: datetime) -> "EqualAlarms":
        """From the curves of all detectors; one that cannot be scaled to the target has a scale and finds nothing."""
        by_detector: dict[str, list[Curve]] = {}
        for curve in curves:
            by_detector.setdefault(curve.detector.name, []).append(curve)
        places = {name: place_for(own, target) for name, own in by_detector.items()}
        scaled = {
            name: [curve.at(place) for curve in own]
            for name, own in by_detector.items()
            if (place := places[name]) is not None
        }
        return cls(
            at=f"{now:%Y-%m-%d}",
            candles="real candles" if has_real_candles() else "candles of the sandbox's market, which are made up",
            scope=scope,
            target=target,
            scales=tuple(scale_of(own, places[name]) for name, own in by_detector.items()),
            found=tuple(one for measured in scaled.values() for one in found_in(measured)),
            differences=tuple(_differences(scaled)),
        )

    def to_json(self) -> str:
        """The results as text, a figure per line."""
        return json.dumps(rounded(asdict(self))).replace("}, {", "},\n{") + "\n"

    @classmethod
    def from_json(cls, text: str) -> "EqualAlarms":
        """Read what `to_json` wrote."""
        values = json.loads(text)
        parts = {
            "scales": tuple(_scale(part) for part in values["scales"]),
            "found": tuple(
                FoundIn(series=part["series"], found=read_figure(Found, part["found"])) for part in values["found"]
            ),
            "differences": tuple(read_figure(Difference, part) for part in values["differences"]),
        }
        return cls(**{**values, **parts})


def _differences(scaled: Mapping[str, Sequence[Measured]]) -> list[Difference]:
    if BASE.name not in scaled:
        return []
    base = scaled[BASE.name]
    return [one for ours in OURS if ours.name in scaled for one in differences(scaled[ours.name], base)]


def _scale(values: Mapping[str, Any]) -> Scale:
    scaled = values["scaled"]
    own = read_figure(FalseTriggers, values["own"])
    known = {**values, "own": own, "scaled": None if scaled is None else read_figure(FalseTriggers, scaled)}
    scale: Scale = read_figure(Scale, known)
    return scale


__all__ = ["EqualAlarms"]
