"""What the choice of the fast alarms' window at training gains over a fixed one, at the same budget."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.features import WARM_UP
from benchmarks.latency import Bench, bench_of, runners, seeded
from benchmarks.latency_market import load_market
from benchmarks.rows import Row
from tradai_lifecycle.monitor.fitting import MARKET_LIMIT, RELATION_LIMIT
from tradai_lifecycle.monitor.limits import MARKET_PART, RELATION_PART
from tradai_lifecycle.monitor.market import market_memory_candles, market_values
from tradai_lifecycle.monitor.psi import Floats, bin_codes, edge_codes
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.shift_calibration import SlowLimit, Weights, fit_shifts, scored
from tradai_lifecycle.monitor.shift_windows import (
    market_slow_window,
    relation_slow_window,
    shift_holding,
)
from tradai_lifecycle.monitor.shifts import FastTier, ShiftReference
from tradai_lifecycle.states import Reason
from tradai_lifecycle.strategy.columns import Frame

_SIX = ("BTC/USDT", "ETH/USDT", "LINK/USDT", "LTC/USDT", "SOL/USDT", "XRP/USDT")
PAIRS: Mapping[str, tuple[str, ...]] = {
    "5m": _SIX,
    "15m": _SIX,
    "1h": (*_SIX, "ADA/USDT", "BNB/USDT"),
    "4h": (*_SIX, "ADA/USDT", "BNB/USDT"),
}
ONSETS, WATCHED_CANDLES, SEED = 40, 500, 11
MARKET = Reason.MARKET_MODERATE | Reason.MARKET_SIGNIFICANT
#: Each fault with the alarms that are meant to see it.
SEEN_BY: Mapping[str, Reason] = {
    "volatility x2": MARKET,
    "volume x3": MARKET,
    "one feature +1 sd": Reason.RELATION_MODERATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One trained pair with the choices of its training, and with a tenth of the window held for a fortieth."""

    chosen: Bench
    fixed: Bench


def rows() -> list[Row]:
    """Per timeframe: the delay of each fault, then the time in alarm without one."""
    return [row for timeframe in PAIRS for row in _timeframe_rows(timeframe)]


def _timeframe_rows(timeframe: str) -> list[Row]:
    markets = [load_market(timeframe, pair) for pair in PAIRS[timeframe]]
    # made-up candles are the same for every pair
    known = [market for market in markets if market.real] or markets[:1]
    pairs = [_both(bench_of(market)) for market in known]
    return [
        *(_delay_row(timeframe, pairs, fault, reason) for fault, reason in SEEN_BY.items()),
        *(_share_row(timeframe, pairs, name, reason) for name, reason in _GROUPS.items()),
    ]


_GROUPS = {"market": MARKET, "relations": Reason.RELATION_MODERATE}


def _both(bench: Bench) -> Choices:
    (reference,) = bench.bundle.profile.pairs
    profile = replace(bench.bundle.profile, pairs=(_fixed(bench, reference),))
    return Choices(chosen=bench, fixed=replace(bench, bundle=replace(bench.bundle, profile=profile)))


def _fixed(bench: Bench, reference: PairReference) -> PairReference:
    window, frame = bench.settings.health.window_candles, bench.frame(bench.market.candles.iloc[: bench.trained])
    candles, features = frame.candles.rows(slice(WARM_UP, None)), frame.features[WARM_UP:]
    moves = market_values(candles, window)[market_memory_candles(window) :]
    budget = bench.settings.health.maximum_share_of_time_reduced
    market = _refitted(
        reference.market.shifts,
        scored(edge_codes(moves, reference.market.edges), reference.market.shifts.scores),
        (window, market_slow_window(window), MARKET_PART * budget),
        MARKET_LIMIT,
    )
    relations = _refitted(
        reference.relations,
        scored(bin_codes(features, reference.features), reference.relations.scores),
        (window, relation_slow_window(window), RELATION_PART * budget),
        RELATION_LIMIT,
    )
    return replace(reference, market=replace(reference.market, shifts=market), relations=relations)


# the same combinations with one window to choose from
def _refitted(
    shifts: ShiftReference, scores: Floats, shares: tuple[int, int, float], limit: SlowLimit
) -> ShiftReference:
    window, slow_window, fast_share = shares
    return fit_shifts(
        scores,
        shifts.scores,
        [Weights(name=one.name, series=one.series, weights=one.weights) for one in shifts.combinations],
        slow_window=slow_window,
        tiers=(FastTier(window=window // 10, persistence=window // 40),),
        fast_share=fast_share,
        holding=shift_holding(window),
        limit=limit,
    )


# how many of the pairs got which
def _chosen(pairs: Sequence[Choices], reason: Reason) -> str:
    references = [pair.chosen.bundle.profile.pairs[0] for pair in pairs]
    tiers = [
        reference.market.shifts.fast_tier if reason & MARKET else reference.relations.fast_tier
        for reference in references
    ]
    counts = Counter(f"{tier.window} candles held for {tier.persistence}" for tier in tiers)
    return ", ".join(f"{count} x {words}" for words, count in counts.most_common())


def _delay_row(timeframe: str, pairs: Sequence[Choices], fault: str, reason: Reason) -> Row:
    each = [np.array(delays) for pair in pairs if (delays := _delays(pair, fault, reason))]
    ratios = [float(np.divide(*delays.mean(axis=0))) for delays in each]
    chosen, fixed = np.concatenate(each).mean(axis=0) if each else (np.nan, np.nan)
    return Row(
        name=f"{timeframe}: {fault}, delay with the chosen window over a fixed one's",
        # of each pair alone: what one hardly ever sees would drown the others
        figure=float(np.exp(np.mean(np.log(ratios)))) if ratios else float("nan"),
        unit="x",
        measured=f"geometric mean of {len(ratios)} pairs; {chosen:.0f} candles against {fixed:.0f}, mean of "
        f"{sum(map(len, each))} onsets, {WATCHED_CANDLES} where not seen; {_chosen(pairs, reason)}",
        details={"timeframe": timeframe, "ratios": ratios, "chosen": float(chosen), "fixed": float(fixed)},
    )


# by both, of onsets at which neither was in alarm
def _delays(pair: Choices, fault: str, reason: Reason) -> list[tuple[int, int]]:
    bench = pair.chosen
    first, last = max(bench.trained, bench.startup), len(bench.market.candles) - WATCHED_CANDLES
    onsets = np.random.default_rng(SEED).integers(first, last, ONSETS)
    run, both = runners(bench, WATCHED_CANDLES)[fault], []
    for onset in sorted(onsets.tolist()):
        frame = run(onset, seeded(onset))
        on = [_on(one, frame, reason)[bench.startup - 1 :] for one in (pair.chosen, pair.fixed)]
        if not any(flags[0] for flags in on):
            both.append(tuple(_first(flags[1:]) for flags in on))
    return [(chosen, fixed) for chosen, fixed in both]


def _on(bench: Bench, frame: Frame, reason: Reason) -> NDArray[np.bool_]:
    return np.asarray((bench.judge(frame).states.reasons & np.uint32(reason)) != 0)


def _first(flags: NDArray[np.bool_]) -> int:
    return int(flags.argmax()) + 1 if flags.any() else WATCHED_CANDLES


def _share_row(timeframe: str, pairs: Sequence[Choices], name: str, reason: Reason) -> Row:
    shares = np.array([[_share(one, reason) for one in (pair.chosen, pair.fixed)] for pair in pairs])
    chosen, fixed = 100.0 * shares.mean(axis=0)
    return Row(
        name=f"{timeframe}: {name}, time in alarm without a fault",
        figure=float(chosen),
        unit=" %",
        digits=1,
        measured=f"against {fixed:.1f} % with a fixed window, mean of {len(pairs)} pairs, all candles after training",
        details={"timeframe": timeframe, "chosen_share": float(chosen / 100), "fixed_share": float(fixed / 100)},
    )


def _share(bench: Bench, reason: Reason) -> float:
    flags = _on(bench, bench.frame(bench.market.candles), reason)
    return float(flags[max(bench.trained, bench.startup) :].mean())


__all__ = ["PAIRS", "rows"]
