"""Frozen values from JSON: what was written comes back, and what is unknown, missing or of another type is named."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.plain import from_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The innermost."""

    name: str
    share: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Lists in lists of values in values."""

    title: str
    parts: tuple[Part, ...]
    table: tuple[tuple[float, ...], ...]
    first: Part


finite = st.floats(allow_nan=False, allow_infinity=False)
parts = st.builds(Part, name=st.text(), share=finite, count=st.integers(-(2**63), 2**63))
wholes = st.builds(
    Whole,
    title=st.text(),
    parts=st.lists(parts, max_size=3).map(tuple),
    table=st.lists(st.lists(finite, max_size=3).map(tuple), max_size=3).map(tuple),
    first=parts,
)
GIVEN: dict[str, Any] = {
    "title": "t",
    "parts": [{"name": "a", "share": 0.5, "count": 1}, {"name": "b", "share": 2, "count": 0}],
    "table": [[1.0], [], [2.0, 3]],
    "first": {"name": "c", "share": 0.25, "count": 7},
}


def changed(*path: Any, value: Any = None, drop: bool = False) -> dict[str, Any]:
    """GIVEN with one place changed or left out."""
    raw = json.loads(json.dumps(GIVEN))
    place = raw
    for key in path[:-1]:
        place = place[key]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return raw


@given(whole=wholes)
@examples(max_examples=80, deadline=None)
def test_what_json_carries_comes_back_to_the_last_bit(whole):
    assert from_plain(Whole, json.loads(json.dumps(asdict(whole)))) == whole


def test_whole_numbers_become_floats_where_floats_are_expected():
    whole = from_plain(Whole, GIVEN)
    assert (whole.parts[1].share, whole.table[2][1]) == (2.0, 3.0)
    assert type(whole.parts[1].share) is type(whole.table[2][1]) is float
    assert type(whole.first.count) is int


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (changed("title", drop=True), r"^Whole is malformed, see \['title'\]$"),
        (changed("further", value=1), r"^Whole is malformed, see \['further'\]$"),
        (changed("first", "count", drop=True), r"^first is malformed, see \['count'\]$"),
        (changed("parts", 1, "further", value=1), r"^parts is malformed, see \['further'\]$"),
        (changed("first", value=[]), "^first is malformed, see list$"),
        (changed("first", value=None), "^first is malformed, see NoneType$"),
        ("text", "^Whole is malformed, see str$"),
        (changed("parts", value={}), "^parts is dict, expected a list$"),
        (changed("parts", value="ab"), "^parts is str, expected a list$"),
        (changed("table", 1, value=1.0), "^table is float, expected a list$"),
        (changed("title", value=1), "^title is 1, expected str$"),
        (changed("first", "count", value=1.0), r"^count is 1\.0, expected int$"),
        (changed("first", "count", value=True), "^count is True, expected int$"),
        (changed("first", "share", value=False), "^share is False, expected float$"),
        (changed("first", "share", value="1"), "^share is '1', expected float$"),
        (changed("first", "share", value=float("nan")), "^share is nan, expected float$"),
        (changed("table", 0, 0, value=float("inf")), "^table is inf, expected float$"),
        (changed("table", 0, 0, value=None), "^table is None, expected float$"),
        (changed("first", "share", value=10**400), "^share is 10+, expected float$"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(raw, message):
    with pytest.raises(ValueError, match=message):
        from_plain(Whole, raw)
