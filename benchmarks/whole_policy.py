"""How often is a bot held back when nothing is wrong, and how soon when something is?

`python -m benchmarks.whole_policy`; with `--only TEXT...` some parts of it. Each part is kept as it is done;
the documents are written by a whole run alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks.judging import POLICIES
from benchmarks.latency import NO_FAULT, ONSETS, WATCHED_CANDLES
from benchmarks.latency_market import DATA_VARIABLE, Market, load_market
from benchmarks.models import BOOSTED
from benchmarks.parts import Parts, run_parts
from benchmarks.report import now
from benchmarks.walk import FOR_EVER, WalkPlan, walk
from benchmarks.whole_policy_delays import RULES, delays_in_days, delays_over
from benchmarks.whole_policy_shares import Shares, mean_of, shares_of
from benchmarks.whole_policy_tables import BotShares, FaultDelays, WholeReport, markdown
from tradai_lifecycle.config import candle_seconds

NAME = "whole_policy"
_FEW = tuple(f"{coin}/USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "LTC", "LINK"))
_MORE = tuple(f"{coin}/USDT" for coin in ("BTC", "ETH", "BNB", "XRP", "ADA", "LTC", "SOL", "LINK"))
PAIRS: Mapping[str, tuple[str, ...]] = {"5m": _FEW, "15m": _FEW, "1h": _MORE, "4h": _MORE}
#: How many pairs a bot is asked to have; where there are fewer, all there are.
SIZES = (1, 8, 20)
DELAY_PAIRS = ("BTC/USDT", "ETH/USDT", "LTC/USDT")
PLANS: Mapping[str, WalkPlan] = {
    timeframe: WalkPlan(
        timeframe=timeframe,
        model=BOOSTED,
        trained_candles=most,
        fewest_candles=fewest,
        fold_candles=fold,
        section={},
    )
    for timeframe, most, fewest, fold in (
        ("5m", 20_000, 20_000, 10_000),
        ("15m", 12_000, 12_000, 4_000),
        ("1h", 20_000, 10_000, 4_000),
        ("4h", 10_000, 5_000, 1_000),
    )
}
OWN_FILES = (
    *("features.py", "judging.py", "latency_market.py", "models.py", "walk.py", "faults.py", "latency.py"),
    *("whole_policy_shares.py", "whole_policy_delays.py"),
)
RENEWED, KEPT = "renewed", "kept"


def markets_of(timeframe: str, pairs: Sequence[str]) -> list[Market]:
    """Real candles of each pair up to where the first of all pairs of the timeframe ends. Stops without them."""
    known = {pair: load_market(timeframe, pair) for pair in PAIRS[timeframe]}
    missing = [pair for pair, market in known.items() if not market.real]
    if missing:
        raise SystemExit(
            f"There are no {timeframe} candles of {', '.join(missing)}. Next: let {DATA_VARIABLE} name their directory."
        )
    last = min(market.candles["date"].iloc[-1] for market in known.values())
    return [replace(known[pair], candles=known[pair].candles[known[pair].candles["date"] <= last]) for pair in pairs]


def bot_shares(timeframe: str, pairs: Sequence[str], model: str) -> dict[str, Any]:
    """One bot: its shares of time under each policy, JSON-ready."""
    plan = PLANS[timeframe] if model == RENEWED else replace(PLANS[timeframe], fold_candles=FOR_EVER)
    watched = walk(markets_of(timeframe, pairs), plan, starts_with=markets_of(timeframe, PAIRS[timeframe]))
    return {policy: asdict(shares_of({one.pair: one.policies[policy] for one in watched})) for policy in POLICIES}


def bots_of(timeframe: str) -> dict[str, list[tuple[str, ...]]]:
    """The bots of each size by its words: one per pair for a single pair, then one of as many as there are."""
    known = PAIRS[timeframe]
    bots: dict[str, list[tuple[str, ...]]] = {"1 pair": [(pair,) for pair in known]}
    for size in sorted({min(size, len(known)) for size in SIZES[1:]}):
        unmet = [str(asked) for asked in SIZES if asked > size == len(known)]
        more = f", of {' and '.join(unmet)} asked for" if unmet else ""
        bots[f"{size} pairs{more}"] = [known[:size]]
    return bots


def parts() -> Parts:
    """Every part by its key."""
    made: dict[str, Callable[[], Any]] = {}
    for timeframe in PAIRS:
        for bots in bots_of(timeframe).values():
            for pairs in bots:
                for model in (RENEWED, KEPT) if len(pairs) > 1 else (RENEWED,):
                    made[_bot_key(timeframe, pairs, model)] = partial(bot_shares, timeframe, pairs, model)
        for pair in DELAY_PAIRS:
            made[_delay_key(timeframe, pair)] = partial(_delays, timeframe, pair)
    return made


def _bot_key(timeframe: str, pairs: Sequence[str], model: str) -> str:
    return f"{timeframe} bot {pairs[0] if len(pairs) == 1 else len(pairs)} {model}"


def _delay_key(timeframe: str, pair: str) -> str:
    return f"{timeframe} delays {pair}"


def _delays(timeframe: str, pair: str) -> dict[str, Any]:
    (market,) = markets_of(timeframe, [pair])
    return delays_in_days(market)


def report_of(found: Mapping[str, Any]) -> WholeReport:
    """Every figure from the parts there are."""
    return WholeReport(about=_about(), shares=_bot_rows(found), delays=_delay_rows(found))


def _bot_rows(found: Mapping[str, Any]) -> list[BotShares]:
    rows = []
    for timeframe, plan in PLANS.items():
        for name, bots in bots_of(timeframe).items():
            for model in (RENEWED, KEPT):
                keys = [_bot_key(timeframe, pairs, model) for pairs in bots]
                measured = [found[key] for key in keys if key in found]
                words = f"every {plan.fold_days:.0f} days" if model == RENEWED else "never"
                rows += [_bot_row(timeframe, name, words, policy, measured) for policy in POLICIES if measured]
    return rows


def _bot_row(timeframe: str, bot: str, model: str, policy: str, measured: Sequence[Mapping[str, Any]]) -> BotShares:
    shares = mean_of([Shares(**one[policy]) for one in measured])
    days = shares.candles * candle_seconds(timeframe) / timedelta(days=1).total_seconds()
    return BotShares(timeframe=timeframe, bot=bot, model=model, policy=policy, days=days, shares=shares)


def _delay_rows(found: Mapping[str, Any]) -> list[FaultDelays]:
    rows = []
    for timeframe in PAIRS:
        keys = [_delay_key(timeframe, pair) for pair in DELAY_PAIRS]
        pairs = [found[key] for key in keys if key in found]
        for fault in pairs[0] if pairs else ():
            by_rule = {rule: delays_over(pairs, fault, rule) for rule in RULES}
            rows.append(
                FaultDelays(
                    timeframe=timeframe,
                    fault=fault,
                    onsets=by_rule[RULES[0]][0],
                    delays={rule: delays for rule, (_, delays) in by_rule.items()},
                )
            )
    return rows


def _about() -> tuple[str, ...]:
    trained = ", ".join(
        f"{plan.trained_candles:,} at {timeframe}"
        + (f" (at least {plan.fewest_candles:,})" if plan.fewest_candles < plan.trained_candles else "")
        for timeframe, plan in PLANS.items()
    )
    bots = (
        f"Measured on {now():%Y-%m-%d} with {BOOSTED}, one model for all pairs of a bot, trained on the newest candles "
        f"of each: {trained}. All bots of a timeframe watch the same candles; one pair is the mean over bots of each."
    )
    delays = (
        f"Delays: {ONSETS} onsets in each of {', '.join(DELAY_PAIRS)}, watched for {WATCHED_CANDLES:,} candles; "
        f'a cut is reduced or stricter, days are medians; read each fault against "{NO_FAULT}".'
    )
    return bots, delays


def main() -> None:
    """Measure what is missing, show the tables, write the results."""
    run_parts(
        name=NAME,
        about=__doc__,
        own_files=OWN_FILES,
        parts=parts(),
        report_of=report_of,
        markdown=markdown,
        values_of=asdict,
        columns=260,
    )


if __name__ == "__main__":
    main()
