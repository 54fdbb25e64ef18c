"""The golden part of an artefact, one npz file: rows with their predictions, candles with their features."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.model.bundle import GoldenCandles, GoldenPair, GoldenSample
from tradai_lifecycle.states import Unchecked

#: Of the golden candles alone: an older package reads the golden sample of the same file and does not see them.
CANDLES_FORMAT = 1
_HEADER = "golden_candles"
#: Kinds of columns that are kept: truth values, numbers and times. Others would need pickle.
KEPT_KINDS = "biufM"


def golden_file(sample: GoldenSample, candles: GoldenCandles | None) -> bytes:
    """Both as the content of one file. Raises ValueError for a column of another kind than `KEPT_KINDS`."""
    arrays: dict[str, NDArray[Any]] = {
        "features": np.asarray(sample.features, dtype=np.float64),
        "predictions": np.asarray(sample.predictions, dtype=np.float64),
    }
    if candles is not None:
        arrays[_HEADER] = np.frombuffer(json.dumps(_header(candles)).encode(), dtype=np.uint8)
        for number, pair in enumerate(candles.pairs):
            arrays[f"features_{number}"] = np.asarray(pair.features, dtype=np.float64)
            arrays |= {f"column_{number}_{place}": one for place, one in enumerate(pair.columns.values())}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read_golden(content: bytes) -> tuple[GoldenSample, GoldenCandles | None]:
    """What `golden_file` wrote; None for the candles where a version has none. Raises for a damaged file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        sample = GoldenSample(
            features=_frozen(arrays["features"].astype(np.float64)),
            predictions=_frozen(arrays["predictions"].astype(np.float64)),
        )
        return sample, _candles(arrays) if _HEADER in arrays else None


def _header(candles: GoldenCandles) -> dict[str, Any]:
    return {
        "format": CANDLES_FORMAT,
        "problem": candles.problem,
        "unchecked": {name: why.value for name, why in candles.unchecked.items()},
        "pairs": [{"pair": pair.pair, "columns": list(pair.columns)} for pair in candles.pairs],
    }


def _candles(arrays: Mapping[str, NDArray[Any]]) -> GoldenCandles:
    header = json.loads(arrays[_HEADER].tobytes())
    if header["format"] != CANDLES_FORMAT:
        raise ValueError(f"its golden candles have format {header['format']!r}, this package reads {CANDLES_FORMAT}")
    return GoldenCandles(
        pairs=tuple(_pair(arrays, number, said) for number, said in enumerate(header["pairs"])),
        unchecked={str(name): Unchecked(why) for name, why in header["unchecked"].items()},
        problem=str(header["problem"]),
    )


def _pair(arrays: Mapping[str, NDArray[Any]], number: int, said: Mapping[str, Any]) -> GoldenPair:
    columns = {str(name): _frozen(arrays[f"column_{number}_{place}"]) for place, name in enumerate(said["columns"])}
    features = _frozen(arrays[f"features_{number}"])
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or features.ndim != 2 or not 0 < len(features) <= min(lengths):
        raise ValueError(
            f"the golden candles of {said['pair']} have columns of {lengths} rows, features of {features.shape}"
        )
    return GoldenPair(pair=str(said["pair"]), columns=columns, features=features)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


__all__ = ["CANDLES_FORMAT", "KEPT_KINDS", "golden_file", "read_golden"]
