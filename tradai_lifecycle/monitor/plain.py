"""Frozen values from what JSON gives: strict, so that a damaged or foreign file is refused and not half understood."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, get_args, get_origin, get_type_hints

# a whole number of fewer bits is never too large for a float
_LARGEST_FLOAT_BITS = 1024


def from_plain(kind: Any, raw: object) -> Any:
    """`raw` (JSON's objects, lists, strings and numbers) as `kind`: a dataclass, tuple[X, ...], str, int or float.

    Raises ValueError naming what is unknown, missing or of another type; numbers must be finite.
    """
    return _read(kind, raw, kind.__name__)


def _read(kind: Any, raw: object, place: str) -> Any:
    if is_dataclass(kind):
        return _read_object(kind, raw, place)
    if get_origin(kind) is tuple:
        (item, _) = get_args(kind)
        if not isinstance(raw, list):
            raise ValueError(f"{place} is {type(raw).__name__}, expected a list")
        return tuple(_read(item, value, place) for value in raw)
    if kind is float and type(raw) is int and raw.bit_length() < _LARGEST_FLOAT_BITS:
        return float(raw)
    if type(raw) is not kind or (isinstance(raw, float) and not isfinite(raw)):
        raise ValueError(f"{place} is {raw!r}, expected {kind.__name__}")
    return raw


def _read_object(kind: Any, raw: object, place: str) -> Any:
    expected = {field.name for field in fields(kind)}
    if not isinstance(raw, Mapping) or set(raw) != expected:
        found = sorted(set(raw) ^ expected) if isinstance(raw, Mapping) else type(raw).__name__
        raise ValueError(f"{place} is malformed, see {found}")
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], raw[name], name) for name in expected})


__all__ = ["from_plain"]
