"""What a stream of candles is, and the figures that all streams share."""

import zlib
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Protocol

import numpy as np

from benchmarks.drift.markets import Series
from benchmarks.drift.scenes import Run
from benchmarks.judging import judge_settings

WINDOW = 500
#: Candles that are watched for a fault.
WATCHED_CANDLES = 1_500
SEED = 7


class Kind(StrEnum):
    """What a stream shows."""

    NO_DRIFT = "no drift"
    NEXT = "next candles"
    INJECTED = "injected"
    RAW = "raw candles"


class Stream(Protocol):
    """Runs of one series, with a fault or without. A frozen value: equal streams give equal runs, in every process."""

    @property
    def kind(self) -> Kind:
        """What it shows."""

    @property
    def series(self) -> Series:
        """The candles it is made of."""

    @property
    def trained(self) -> int:
        """The number m of training candles."""

    @property
    def faults(self) -> Sequence[str]:
        """The faults it can have; without one it shows false triggers alone."""

    def runs(self, fault: str) -> list[Run]:
        """The runs with that fault, which begins at their onset; empty where the series is too short."""


@cache
def history_candles(timeframe: str) -> int:
    """Rows before the first watched one, so that it is judged as in a bot that has run for long."""
    settings, _ = judge_settings(timeframe)
    assert settings.health.window_candles == WINDOW
    return settings.predecessors - settings.feature_warm_up


def generator(stream: Stream, *numbers: int) -> np.random.Generator:
    """Random numbers of one stream, the same in every process."""
    return np.random.default_rng([SEED, zlib.crc32(name_of(stream).encode()), *numbers])


def name_of(stream: Stream) -> str:
    """The stream in a few words."""
    return f"{stream.kind.value}, {stream.series}, m = {stream.trained:,}"


__all__ = ["SEED", "WATCHED_CANDLES", "WINDOW", "Kind", "Stream", "generator", "history_candles", "name_of"]
