"""How far a training is: what it repeats, and how often it has done it."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

_Item = TypeVar("_Item")


class TrainingStage(StrEnum):
    """The parts of a training, in their order, in words."""

    #: The strategy works out the features of each pair.
    PAIRS = "pairs read"
    #: A model is fitted that never sees the newest candles, and scored on these.
    VALIDATION = "validation"
    #: The model that is registered is fitted on every candle.
    FINAL_FIT = "final fit"
    #: A model is fitted for each fold, for honest predictions of it.
    FOLDS = "folds fitted"
    #: The null distribution of each pair's monitors is measured.
    REFERENCES = "references fitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress:
    """`done` of `total` steps of a stage. Each stage begins with nothing done."""

    stage: TrainingStage
    done: int = 0
    total: int = 1


OnProgress = Callable[[TrainingProgress], None]


def silent(_progress: TrainingProgress) -> None:
    """Nobody looks."""


def counted(items: Collection[_Item], stage: TrainingStage, on_progress: OnProgress) -> Iterator[_Item]:
    """The items one after the other; tells of each that the caller is done with it."""
    on_progress(TrainingProgress(stage=stage, total=len(items)))
    for done, item in enumerate(items, 1):
        yield item
        on_progress(TrainingProgress(stage=stage, done=done, total=len(items)))


__all__ = ["OnProgress", "TrainingProgress", "TrainingStage", "counted", "silent"]
