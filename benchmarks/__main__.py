"""Run the benchmarks: `python -m benchmarks`, or `python -m benchmarks NAME...` for some of them."""

import argparse
import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from time import perf_counter

from rich.console import Console

from benchmarks.delays import write_delays
from benchmarks.latency_market import DATA_VARIABLE
from benchmarks.report import now, show, write
from benchmarks.rows import Row

#: name: module, function, and what it answers
REGISTRY: Mapping[str, tuple[str, str, str]] = {
    "prediction": ("slot", "prediction_rows", "what slot and bundle add to an estimator"),
    "torn-reads": ("slot", "torn_read_rows", "whether a reader sees half a swap"),
    "outage": ("outage", "rows", "what a silent registry costs the bot"),
    "health-share": ("health_share", "rows", "what judging a batch costs"),
    "monitor-speed": ("monitor_speed", "rows", "how fast the monitors are"),
    "backtest": ("backtest", "rows", "how much longer a backtest takes"),
    "latency": ("latency", "rows", "how soon a fault cuts the stake"),
    "fast-tier": ("fast_tier", "rows", "what choosing the window of the fast alarms gains"),
    "accuracy-rule": ("accuracy_rule", "rows", "how rarely and how soon the accuracy rules reduce"),
    "stepping": ("stepping", "rows", "how fast a bot can be stepped"),
}


def load(name: str) -> Callable[[], list[Row]]:
    """The function of one benchmark; its module is imported only now."""
    module, function, _ = REGISTRY[name]
    found: Callable[[], list[Row]] = getattr(import_module(f"benchmarks.{module}"), function)
    return found


def main() -> None:
    """Run what was named, show one table, write the results."""
    listed = "\n".join(f"  {name:<14}{answers}" for name, (_, _, answers) in REGISTRY.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure the lifecycle:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; all without one")
    names = parser.parse_args().names or list(REGISTRY)
    unknown = [name for name in names if name not in REGISTRY]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(REGISTRY)}")
    console = Console(width=None if Console().is_terminal else 180)
    results = {}
    for number, name in enumerate(names, start=1):
        began = perf_counter()
        console.print(f"{number}/{len(names)} {name}: {REGISTRY[name][2]} ...")
        results[name] = load(name)()
        logging.disable(logging.NOTSET)
        console.print(f"{number}/{len(names)} {name}: {perf_counter() - began:.0f} s")
    show(results, console)
    for path in write(results, now()):
        console.print(str(path))
    if "latency" in results:
        shipped = write_delays(results["latency"], now())
        console.print(str(shipped) if shipped else f"{DATA_VARIABLE} names no real candles: the shipped delays stay")


if __name__ == "__main__":
    main()
