"""Days from a fault to the stake cut and to the pause, under both rules, over the pairs of a timeframe together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.judging import POLICIES, judge_settings
from benchmarks.latency import bench_of, delays_to, onsets_of, runners, seeded
from benchmarks.latency_market import Market
from tradai_lifecycle.states import TradingState

#: The policies whose delays are measured: the rule of thumb is never off, so a fault cannot set it off.
RULES = ("any_feature", "corroborated")
STATES = {"reduced": TradingState.REDUCED, "paused": TradingState.PAUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How often, and after how many days, a state or a stricter one was reached; None where it never was."""

    share: float
    median_days: float | None


def delays_in_days(market: Market) -> dict[str, Any]:
    """Per fault: how many onsets, and per policy and state the days of those that reached it. JSON-ready.

    Faults begin at candles after the training at which the pair is active under the package's defaults; every policy
    judges the same faulty candles.
    """
    bench = bench_of(market)
    settings = {name: judge_settings(market.timeframe, **POLICIES[name])[0] for name in RULES}
    onsets = onsets_of(bench, bench.judge(bench.frame(bench.market.candles))).tolist()
    found: dict[str, Any] = {}
    for fault, run in runners(bench).items():
        frames = [run(onset, seeded(onset)) for onset in onsets]
        found[fault] = {"onsets": len(onsets)}
        for name, one in settings.items():
            states = [bench.judge(frame, one).states.state[bench.startup :] for frame in frames]
            found[fault][name] = {
                word: [bench.days(delay) for delay in delays_to(state, states)] for word, state in STATES.items()
            }
    return found


def delays_over(pairs: Sequence[Mapping[str, Any]], fault: str, policy: str) -> tuple[int, dict[str, Delay]]:
    """How many onsets all pairs have together, and the delay to each state over all of them."""
    onsets = sum(pair[fault]["onsets"] for pair in pairs)
    delays = {}
    for state in STATES:
        days = [one for pair in pairs for one in pair[fault][policy][state]]
        delays[state] = Delay(
            share=len(days) / onsets if onsets else float("nan"), median_days=median(days) if days else None
        )
    return onsets, delays


__all__ = ["RULES", "STATES", "Delay", "delays_in_days", "delays_over"]
