"""How often the accuracy rules call a sound model fallen, and how soon they call one that fell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.accuracy_candidates import FLOOR, RULES, WHOLE, JudgedHits, evidence_of_fall
from benchmarks.features import HORIZON
from benchmarks.hit_streams import PAIRS, Dependence, Floats, Hits, dependences, hits_of
from benchmarks.judging import judge_settings
from benchmarks.rows import Bound, Row
from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.effective import share_of
from tradai_lifecycle.monitor.persistence import within
from tradai_lifecycle.strategy.columns import JudgeSettings

#: How many streams of each pair are drawn: those of short candles are long.
STREAMS: Mapping[str, int] = {"5m": 120, "30m": 160, "1h": 160}
#: What the model showed in validation is drawn from so many candles, a fifth of its training.
VALIDATED_CANDLES = 4_000
SOUND, MARGINAL = 0.55, 0.53
FALLS = (0.50, 0.47)
SOUND_DAYS, FALL_AFTER_DAYS, WATCHED_DAYS, BUDGET_DAYS = 180, 60, 60, 30
SEED, RESAMPLED = 20, 400
#: The largest rate of false triggers at a true 0.55, per 30 days.
MOST_FALSE = 0.1
#: Of 14 days at 5m, where enough predictions come in: the share to be found of a fall to 0.50, and the median days.
LEAST_FOUND, MOST_DAYS = 83.0, {0.50: 18.0, 0.47: 13.0}


def rows() -> list[Row]:
    """Each timeframe: every rule, what was tried beside it, and what no rule can beat."""
    return [row for timeframe in STREAMS for row in _timeframe_rows(timeframe)]


def _timeframe_rows(timeframe: str) -> list[Row]:
    scene = _Scene.drawn(timeframe)
    settings, _ = judge_settings(timeframe)
    found = _measured(scene, settings)
    table = [_row(one, scene) for one in found]
    table.append(_row(_oracle(scene, settings), scene))
    whole = next(one for one in found if one.rule == WHOLE)
    return [*table, *(_delay_rows(whole, scene) if timeframe == "5m" else ())]


# the streams

_Streams = Sequence[tuple[Dependence, Hits, Validated]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """The chance that all rules meet: per stream its dependence, a long latent series and a shorter one that falls."""

    timeframe: str
    dependences: tuple[Dependence, ...]
    streams: tuple[tuple[Dependence, Floats, Floats], ...]

    @classmethod
    def drawn(cls, timeframe: str) -> "_Scene":
        generator, day = np.random.default_rng(SEED), 86_400 // candle_seconds(timeframe)
        found = dependences(timeframe)
        long = VALIDATED_CANDLES + SOUND_DAYS * day
        short = VALIDATED_CANDLES + (FALL_AFTER_DAYS + WATCHED_DAYS) * day
        streams = [
            (one, one.latent(long, generator).astype(np.float32), one.latent(short, generator).astype(np.float32))
            for one in found
            for _ in range(STREAMS[timeframe])
        ]
        return cls(timeframe=timeframe, dependences=found, streams=tuple(streams))

    @property
    def day(self) -> int:
        """Candles of a day."""
        return 86_400 // candle_seconds(self.timeframe)

    def sound(self, accuracy: float) -> _Streams:
        """Streams that stay at an accuracy: the hits after the validation, and what it showed."""
        return [(one, *_parted(hits_of(latent, accuracy))) for one, latent, _ in self.streams]

    def fallen(self, accuracy: float) -> _Streams:
        """Streams that fall from the sound accuracy after some time."""
        onset = VALIDATED_CANDLES + FALL_AFTER_DAYS * self.day
        return [
            (one, *_parted(np.concatenate([hits_of(latent[:onset], SOUND), hits_of(latent[onset:], accuracy)])))
            for one, _, latent in self.streams
        ]


def _parted(hits: Hits) -> tuple[Hits, Validated]:
    shown = hits[:VALIDATED_CANDLES]
    share = share_of(np.ones(len(shown), dtype=np.bool_), shown, 2 * HORIZON)
    validated = Validated(
        accuracy=share.accuracy,
        predictions=share.predictions,
        effective_predictions=share.effective_predictions,
        candles=len(shown),
    )
    return hits[VALIDATED_CANDLES:], validated


# the figures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delay:
    """How many of the falls were found in time, in per cent, and after how many days, with 95 % intervals."""

    found: tuple[float, float, float]
    days: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    """One rule: false triggers per 30 days by true accuracy, share of the time on at the sound one, delays by fall."""

    rule: str
    false: Mapping[float, tuple[float, float, float]]
    on: float
    delays: Mapping[float, _Delay]


def _measured(scene: _Scene, settings: JudgeSettings) -> list[_Figures]:
    sound = {accuracy: _seen(scene.sound(accuracy), settings, _false) for accuracy in (SOUND, MARGINAL)}
    falls = {accuracy: _seen(scene.fallen(accuracy), settings, partial(_days, scene.day)) for accuracy in FALLS}
    return [
        _Figures(
            rule=name,
            false={accuracy: _with_interval(seen[name][:, 0], np.mean) for accuracy, seen in sound.items()},
            on=100.0 * float(sound[SOUND][name][:, 1].mean()),
            delays={accuracy: _delay(seen[name][:, 0]) for accuracy, seen in falls.items()},
        )
        for name in RULES
    ]


# what `look` sees in the reduced rows of each stream, per rule (streams, figures)
def _seen(streams: _Streams, settings: JudgeSettings, look: Callable[[Hits], list[float]]) -> dict[str, Floats]:
    seen: dict[str, list[list[float]]] = {name: [] for name in RULES}
    for _, hits, validated in streams:
        judged = JudgedHits.of(hits, validated, settings)
        for name, rule in RULES.items():
            seen[name].append(look(rule(judged)))
    return {name: np.array(figures) for name, figures in seen.items()}


# false triggers per 30 days, and the share of the time
def _false(reduced: Hits) -> list[float]:
    return [_onsets(reduced) * BUDGET_DAYS / SOUND_DAYS, float(reduced.mean())]


def _onsets(reduced: Hits) -> int:
    return int(np.count_nonzero(reduced[1:] & ~reduced[:-1]) + reduced[0])


# days from the fall: infinite where it is not found, NaN where the stream was reduced when it began
def _days(day: int, reduced: Hits) -> list[float]:
    onset = FALL_AFTER_DAYS * day
    if reduced[onset - 1]:
        return [np.nan]
    after = reduced[onset:]
    return [(int(np.argmax(after)) + 1) / day if after.any() else np.inf]


# Streams that are reduced when the fall begins say nothing of the delay and are left out.
def _delay(days: Floats) -> _Delay:
    days = days[~np.isnan(days)]
    found = np.isfinite(days)
    median = _with_interval(np.where(found, days, np.nan), np.nanmedian)
    return _Delay(found=_with_interval(100.0 * found, np.mean), days=median)


def _with_interval(values: "Sequence[float] | Floats", statistic: Callable[..., Floats]) -> tuple[float, float, float]:
    data = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(SEED).integers(0, len(data), (RESAMPLED, len(data)))
    low, high = np.percentile(statistic(data[drawn], axis=1), [2.5, 97.5])
    return float(statistic(data)), float(low), float(high)


# The cumulative sum that knows both accuracies and the dependence: the fastest there is at a rate of false triggers
# (Moustakides 1986), which is set to the budget.
def _oracle(scene: _Scene, settings: JudgeSettings) -> _Figures:
    delays, on = {}, 0.0
    for accuracy in FALLS:
        sound, falls = (
            [
                evidence_of_fall(hits, SOUND, SOUND - accuracy, one.inflation, len(hits)).astype(np.float32)
                for one, hits, _ in streams
            ]
            for streams in (scene.sound(SOUND), scene.fallen(accuracy))
        )
        limit = _limit_within_budget(sound, settings.policy.recovery)
        on = 100.0 * float(np.mean([within(one > limit, settings.policy.recovery).mean() for one in sound]))
        reduced = (within(one > limit, settings.policy.recovery) for one in falls)
        delays[accuracy] = _delay(np.array([_days(scene.day, one)[0] for one in reduced]))
    known = (MOST_FALSE, MOST_FALSE, MOST_FALSE)
    return _Figures(rule="bound: a cumulative sum told everything", false={SOUND: known}, on=on, delays=delays)


def _limit_within_budget(evidence: Sequence[Floats], recovery: int) -> float:
    low, high = 0.3, 10.0
    for _ in range(12):
        limit = (low + high) / 2.0
        false = np.mean([_onsets(within(one > limit, recovery)) for one in evidence]) * BUDGET_DAYS / SOUND_DAYS
        low, high = (limit, high) if false > MOST_FALSE else (low, limit)
    return high


# the table


def _row(found: _Figures, scene: _Scene) -> Row:
    rate = found.false[SOUND]
    others = [f"[{rate[1]:.3f}, {rate[2]:.3f}], on {found.on:.1f} % of the time"]
    if MARGINAL in found.false:
        others.append("at {:.2f}: {:.3f} [{:.3f}, {:.3f}]".format(MARGINAL, *found.false[MARGINAL]))
    others += [
        "to {:.2f}: {:.0f} % [{:.0f}, {:.0f}]".format(accuracy, *delay.found)
        + " after {:.1f} d [{:.1f}, {:.1f}]".format(*delay.days)
        for accuracy, delay in found.delays.items()
    ]
    bounded = found.rule in (FLOOR, WHOLE)
    return Row(
        name=f"{scene.timeframe}: {found.rule}",
        figure=rate[0],
        unit=" per 30 days",
        digits=3,
        bound=Bound(most=MOST_FALSE) if bounded else None,
        measured="; ".join(others),
        details={**_about(scene), "rule": found.rule, "on_percent": found.on, **_values(found)},
    )


def _delay_rows(found: _Figures, scene: _Scene) -> list[Row]:
    measured = f"within {WATCHED_DAYS} days, {len(scene.streams)} streams like the hits of {len(PAIRS)} pairs"
    shares = Row(
        name=f"{scene.timeframe}: falls from {SOUND} to {FALLS[0]:.2f} found",
        figure=found.delays[FALLS[0]].found[0],
        unit=" %",
        digits=0,
        bound=Bound(least=LEAST_FOUND),
        measured=measured,
    )
    return [
        shares,
        *(
            Row(
                name=f"{scene.timeframe}: median days to a fall from {SOUND} to {accuracy:.2f}",
                figure=delay.days[0],
                unit=" d",
                digits=1,
                bound=Bound(most=MOST_DAYS[accuracy]),
                measured=measured,
            )
            for accuracy, delay in found.delays.items()
        ),
    ]


def _about(scene: _Scene) -> dict[str, object]:
    return {
        "timeframe": scene.timeframe,
        "real": all(one.real for one in scene.dependences),
        "streams": len(scene.streams),
        "inflation_by_pair": {one.pair: one.inflation for one in scene.dependences},
        "accuracy_by_pair": {one.pair: one.accuracy for one in scene.dependences},
    }


def _values(found: _Figures) -> dict[str, object]:
    return {
        "false_per_30_days": {f"{accuracy:.2f}": rate for accuracy, rate in found.false.items()},
        "found_percent": {f"{accuracy:.2f}": delay.found for accuracy, delay in found.delays.items()},
        "median_days": {f"{accuracy:.2f}": delay.days for accuracy, delay in found.delays.items()},
    }


__all__ = ["rows"]
