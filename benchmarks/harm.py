"""Is the model worse while it is held back? `python -m benchmarks.harm`, or with `--only TEXT...` some parts of it.

Three kinds of model are walked forward over the real candles that TRADAI_TEST_DATA names. Whatever comes out is printed
with its interval. Every part is kept as it is done; the documents are written by a whole run alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.harm_figures import LONG_ONLY, between, by_state, harm, money
from benchmarks.harm_outcome import Outcome
from benchmarks.harm_tables import ALL_MODELS, HarmReport, Key, markdown, method
from benchmarks.harm_trades import FEE
from benchmarks.judging import POLICIES, default_policy
from benchmarks.latency_market import DATA_VARIABLE, load_market
from benchmarks.models import MODELS
from benchmarks.parts import Parts, run_parts
from benchmarks.report import now
from benchmarks.walk import WalkPlan, walk

NAME = "harm"
PAIRS: Mapping[str, tuple[str, ...]] = {
    "1h": tuple(f"{coin}/USDT" for coin in ("BTC", "ETH", "BNB", "XRP", "ADA", "LTC", "SOL", "LINK")),
    "5m": tuple(f"{coin}/USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "LTC", "LINK")),
}
FOLD_CANDLES = {"1h": 4_000, "5m": 10_000}
TRAINED_CANDLES = 20_000
OWN_FILES = (
    "features.py",
    "judging.py",
    "latency_market.py",
    "models.py",
    "walk.py",
    "harm_outcome.py",
    "harm_trades.py",
)


def plan_of(timeframe: str, model: str) -> WalkPlan:
    """How a model is walked forward."""
    return WalkPlan(
        timeframe=timeframe,
        model=model,
        trained_candles=TRAINED_CANDLES,
        fewest_candles=TRAINED_CANDLES,
        fold_candles=FOLD_CANDLES[timeframe],
        section={},
    )


def measure(timeframe: str, pair: str, model: str) -> dict[str, Any]:
    """One part: one pair and one kind of model. Stops where there are no real candles."""
    market = load_market(timeframe, pair)
    if not market.real:
        raise SystemExit(f"There are no {timeframe} candles of {pair}. Next: let {DATA_VARIABLE} name their directory.")
    (watched,) = walk([market], plan_of(timeframe, model))
    return Outcome.of(watched, timeframe).values()


def parts() -> Parts:
    """Every part by its key."""
    return {
        f"{timeframe} {pair} {model}": partial(measure, timeframe, pair, model)
        for timeframe, pairs in PAIRS.items()
        for model in MODELS
        for pair in pairs
    }


def report_of(found: Mapping[str, Any]) -> HarmReport:
    """Every figure from the parts there are."""
    groups = _groups({key: Outcome.read(values) for key, values in found.items()})
    keyed: dict[Key, Sequence[Outcome]] = {
        (*group, policy): outcomes for group, outcomes in groups.items() for policy in POLICIES
    }
    shipped = default_policy()
    together = {key: outcomes for key, outcomes in keyed.items() if key[1] == ALL_MODELS}
    return HarmReport(
        about=_about(groups),
        states={key: by_state(own, key[2]) for key, own in keyed.items() if key[2] == shipped and key not in together},
        harms={key: harm(outcomes, key[2]) for key, outcomes in keyed.items()},
        money={key: money(outcomes, key[2]) for key, outcomes in keyed.items()},
        long_only={key: money(outcomes, key[2], LONG_ONLY) for key, outcomes in together.items()},
        between={(*group, ""): between(outcomes, "any_feature", "corroborated") for group, outcomes in groups.items()},
    )


# by (timeframe, model), and all models of a timeframe together
def _groups(outcomes: Mapping[str, Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    groups = {}
    for timeframe in PAIRS:
        own = {key: outcome for key, outcome in outcomes.items() if key.startswith(f"{timeframe} ")}
        for model in MODELS:
            groups[timeframe, model] = [outcome for key, outcome in own.items() if key.endswith(f" {model}")]
        groups[timeframe, ALL_MODELS] = list(own.values())
    return {key: found for key, found in groups.items() if found}


def _about(groups: Mapping[tuple[str, str], Sequence[Outcome]]) -> tuple[str, ...]:
    timeframes = list(dict.fromkeys(timeframe for timeframe, _ in groups))
    lines = [f"Measured on {now():%Y-%m-%d}; {FEE:.1%} fee on each order."]
    for timeframe in timeframes:
        outcomes = groups[timeframe, ALL_MODELS]
        pairs = sorted({outcome.pair.split("/")[0] for outcome in outcomes})
        first, last = min(one.adopted[0] for one in outcomes)[:10], max(one.adopted[-1] for one in outcomes)[:10]
        lines.append(
            f"{timeframe}: {', '.join(pairs)}; trained on {TRAINED_CANDLES:,} candles, renewed every "
            f"{plan_of(timeframe, '').fold_days:.0f} days; {sum(len(one.adopted) for one in outcomes)} models, adopted "
            f"{first} to {last}, mean validation accuracy "
            f"{sum(sum(one.validation) for one in outcomes) / sum(len(one.validation) for one in outcomes):.3f}."
        )
    return (*lines, method(timeframes))


def main() -> None:
    """Measure what is missing, show the tables, write the results."""
    run_parts(
        name=NAME,
        about=__doc__,
        own_files=OWN_FILES,
        parts=parts(),
        report_of=report_of,
        markdown=markdown,
        values_of=_values,
        columns=220,
    )


def _values(report: HarmReport) -> dict[str, Any]:
    values = {name: _by_key(getattr(report, name)) for name in ("states", "harms", "money", "long_only", "between")}
    return {"about": report.about, **values}


def _by_key(figures: Mapping[Key, Any]) -> dict[str, Any]:
    return {
        " ".join(key).strip(): [asdict(one) for one in value] if isinstance(value, list) else asdict(value)
        for key, value in figures.items()
    }


if __name__ == "__main__":
    main()
