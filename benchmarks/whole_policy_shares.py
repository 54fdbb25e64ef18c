"""How much of the time a bot without any fault is held back: its pairs, any of them, all of it, and for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.walk import PolicyColumns
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.policy.entry_gate import bot_is_paused
from tradai_lifecycle.states import FAULT_REASONS, QUALITY_REASONS, Reason, Severity, TradingState

#: Which reasons count as what; whatever the package knows besides is drift.
GROUPS: Mapping[str, Reason] = {
    "accuracy": Reason.ACCURACY_BREACH,
    "quality": QUALITY_REASONS,
    "recovering": Reason.RECOVERING | Reason.ADOPTED_WHILE_PAUSED,
}
_DRIFT = ~np.uint32(GROUPS["accuracy"] | GROUPS["quality"] | GROUPS["recovering"] | FAULT_REASONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of the watched time, 0 to 1.

    `reduced`, `paused` and `by_reason` are means over the pairs; a candle may have several reasons, and a reason
    counts where the pair is reduced or paused. `whole_bot` is the time in which the share of pairs in significant
    drift paused all of them; the pairs' own figures leave that out.
    """

    candles: int
    reduced: float
    paused: float
    least_held_back: float
    most_held_back: float
    any_held_back: float
    any_paused: float
    whole_bot: float
    by_reason: Mapping[str, float]


def shares_of(pairs: Mapping[str, PolicyColumns], bot_pause_share: float | None = None) -> Shares:
    """Of one bot whose pairs have the same candles; the package's own share of pairs unless another is given."""
    state = np.stack([columns.state for columns in pairs.values()])
    reasons = np.stack([columns.reasons for columns in pairs.values()])
    held_back = state >= TradingState.REDUCED
    return Shares(
        candles=state.shape[1],
        reduced=float((state == TradingState.REDUCED).mean()),
        paused=float((state == TradingState.PAUSED).mean()),
        least_held_back=float(held_back.mean(axis=1).min()),
        most_held_back=float(held_back.mean(axis=1).max()),
        any_held_back=float(held_back.any(axis=0).mean()),
        any_paused=float((state == TradingState.PAUSED).any(axis=0).mean()),
        whole_bot=float(whole_bot_paused(pairs, bot_pause_share).mean()),
        by_reason={
            "drift": float((held_back & (reasons & _DRIFT != 0)).mean()),
            **{name: float((held_back & (reasons & np.uint32(group) != 0)).mean()) for name, group in GROUPS.items()},
        },
    )


def whole_bot_paused(pairs: Mapping[str, PolicyColumns], share: float | None = None) -> NDArray[np.bool_]:
    """Candles at which the gate pauses every pair, `(n,)`."""
    limit = LifecycleConfig(model_name="benchmark").bot_pause_share if share is None else share
    names, severity = list(pairs), np.stack([columns.severity for columns in pairs.values()], axis=1)
    kinds, kind_of = np.unique(severity, axis=0, return_inverse=True)
    paused = [bot_is_paused(dict(zip(names, map(Severity, kind.tolist()), strict=True)), limit) for kind in kinds]
    return np.array(paused, dtype=np.bool_)[kind_of.reshape(-1)]


def mean_of(shares: Sequence[Shares]) -> Shares:
    """The mean over several bots; the least and most held back of any."""
    plain = ("reduced", "paused", "any_held_back", "any_paused", "whole_bot")
    return Shares(
        candles=max(one.candles for one in shares),
        least_held_back=min(one.least_held_back for one in shares),
        most_held_back=max(one.most_held_back for one in shares),
        by_reason={name: float(np.mean([one.by_reason[name] for one in shares])) for name in shares[0].by_reason},
        **{name: float(np.mean([getattr(one, name) for one in shares])) for name in plain},
    )


__all__ = ["GROUPS", "Shares", "mean_of", "shares_of", "whole_bot_paused"]
