"""Every kind of event, found and not listed, is a value that survives the ledger."""

import dataclasses
import json
import math
from datetime import UTC, datetime
from enum import Enum, IntFlag
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from tradai_lifecycle import events
from tradai_lifecycle.events import EntryBlocked, Event, StakeReduced, StateChanged, event_kinds
from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.store import Ledger

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
KINDS = event_kinds()
PLAIN: dict[type, tuple[Any, ...]] = {
    str: ("BTC/USDT", 'a "quoted" _word_\n\N{BULLET}', ""),
    float: (0.1 + 0.2, math.inf, -1e-300),
    int: (0, -3, 2**40),
    bool: (True, False),
    NoneType: (None,),
}


def samples(hint: Any) -> list[Any]:
    """Several values of a field's type. KeyError for a type that no event had yet: say here what it looks like."""
    if arguments := get_args(hint):
        return [value for argument in arguments for value in samples(argument)]
    if issubclass(hint, IntFlag):
        return [hint(0), *hint, hint(sum(hint))]
    if issubclass(hint, Enum):
        return list(hint)
    return list(PLAIN[hint])


def sample_events(kind: type[Event]) -> list[Event]:
    hints = get_type_hints(kind)
    choices = {spec.name: samples(hints[spec.name]) for spec in dataclasses.fields(kind) if spec.name != "at"}
    longest = max(len(values) for values in choices.values())
    return [
        kind(at=NOON, **{name: values[index % len(values)] for name, values in choices.items()})
        for index in range(longest)
    ]


def keep_and_read(path: Path, recorded: list[Event]) -> list[Event]:
    ledger = Ledger(path / "events.sqlite")
    ledger.open()
    try:
        ledger.record_events(recorded)
        return [stored.event for stored in reversed(ledger.events())]
    finally:
        ledger.close()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_comes_back_from_the_ledger_as_it_was(kind: type[Event], tmp_path: Path) -> None:
    recorded = sample_events(kind)
    read = keep_and_read(tmp_path, recorded)
    assert read == recorded
    assert repr(read) == repr(recorded)  # True == 1 and an enum's value == its member: repr tells them apart


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_is_frozen_documented_and_named_after_its_class(kind: type[Event]) -> None:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    assert kind.kind == words.lstrip("_")
    assert kind.__doc__
    assert getattr(events, kind.__name__) is kind
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample_events(kind)[0].at = NOON  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_values_of_every_kind_can_be_sent_as_json(kind: type[Event]) -> None:
    for sample in sample_events(kind):
        values = sample.values()
        assert values.keys() == {spec.name for spec in dataclasses.fields(sample)} - {"at"}
        assert json.loads(json.dumps(values)) == values


def test_values_are_words_and_not_numbers() -> None:
    blocked = EntryBlocked(
        at=NOON, pair="BTC/USDT", side="long", what="entry", reasons=Reason.MODEL_MISSING, observed_only=False
    )
    assert blocked.values() == {
        "pair": "BTC/USDT",
        "side": "long",
        "what": "entry",
        "reasons": ["no model is loaded"],
        "observed_only": False,
        "rate": None,
    }


def test_figures_from_numpy_and_nan_survive_the_ledger(tmp_path: Path) -> None:
    changed = StateChanged(
        at=NOON,
        pair="BTC/USDT",
        candle="2026-03-01 12:00",
        before=TradingState.ACTIVE,
        after=TradingState.PAUSED,
        severity=Severity.SIGNIFICANT,
        reasons=Reason.PSI_SIGNIFICANT,
        version="15",
        psi_max=np.float32(0.5),
        accuracy=np.float64("nan"),
    )
    cut = StakeReduced(
        at=NOON,
        pair="BTC/USDT",
        side="long",
        proposed=np.float64(100.5),
        granted=50,
        reasons=Reason.NONE,
        observed_only=np.bool_(True),
    )
    read_changed, read_cut = keep_and_read(tmp_path, [changed, cut])
    assert repr(read_changed) == repr(dataclasses.replace(changed, psi_max=0.5, accuracy=math.nan))
    assert repr(read_cut) == repr(dataclasses.replace(cut, proposed=100.5, granted=50.0, observed_only=True))
