"""Streams of candles that detectors are let loose on."""

from benchmarks.drift.streams.injected import Injected
from benchmarks.drift.streams.next_candles import NextCandles
from benchmarks.drift.streams.no_drift import NoDrift
from benchmarks.drift.streams.raw_candles import RawCandles
from benchmarks.drift.streams.stream import Kind, Stream, name_of

__all__ = ["Injected", "Kind", "NextCandles", "NoDrift", "RawCandles", "Stream", "name_of"]
