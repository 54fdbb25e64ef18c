"""Measure how well drift is detected: `python -m benchmarks.drift`, in a few minutes with `--quick`."""

import argparse
import logging
import sys
from dataclasses import replace
from time import perf_counter

from rich.console import Console

from benchmarks.drift.cells import Measured, forget, store, stored
from benchmarks.drift.markets import has_real_candles
from benchmarks.drift.plan import cells_of, chosen, full_plan
from benchmarks.drift.quick import bounded_rows, quick_plan
from benchmarks.drift.report import ship, show, write
from benchmarks.drift.results import Results
from benchmarks.drift.running import run
from benchmarks.report import now
from benchmarks.report import show as show_rows
from benchmarks.rows import Standing


def main() -> int:
    """Measure what is asked for. Returns 1 where the quick form broke a bound, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few streams, held to bounds; no other libraries")
    parser.add_argument("--restart", action="store_true", help="forget what was measured, and measure it again")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="only cells with this in their name, such as 'no drift', 'BTC 1h', 'm = 5,000' or 'NannyML'; "
        "given again, all must be in it",
    )
    parser.add_argument("--docs", action="store_true", help="write docs/statistics.md even if cells are left out")
    arguments = parser.parse_args()
    # what a benchmark itself logs is of no use here
    logging.disable(logging.WARNING)
    # a file is as wide as the tables need
    console = Console() if sys.stdout.isatty() else Console(width=200)
    if arguments.quick:
        return _quick(console)
    _full(console, arguments)
    return 0


def _quick(console: Console) -> int:
    began, measured = perf_counter(), list[Measured]()
    run(quick_plan(), console, measured.append)
    # the other libraries are not asked here, installed or not
    show(replace(Results.of(measured, len(measured), now()), missing={}), console)
    rows = bounded_rows(measured)
    show_rows({"drift": rows}, console)
    broken = [row for row in rows if row.standing is Standing.MISSED]
    for row in broken:
        console.print(f"broken: {row.name}: {row.shown}, bound {row.shown_bound} ({row.measured})", style="red")
    console.print(f"{perf_counter() - began:.0f} s")
    return 1 if broken or not rows else 0


def _full(console: Console, arguments: argparse.Namespace) -> None:
    plan = [cell for cell in cells_of(full_plan()) if cell.detector.missing() is None]
    wanted = chosen(plan, arguments.only)
    if arguments.restart:
        forget(wanted)
    left = [cell for cell in wanted if stored(cell) is None]
    console.print(f"{len(wanted):,} cells, {len(wanted) - len(left):,} of them measured before")
    began = perf_counter()
    run(left, console, store)
    known = [measured for cell in plan if (measured := stored(cell)) is not None]
    results = Results.of(known, len(plan), now())
    show(results, console)
    paths = write(results)
    if has_real_candles() and (arguments.docs or len(known) == len(plan)):
        paths += ship(results)
    console.print(f"{perf_counter() - began:.0f} s, written: {', '.join(map(str, paths))}")


if __name__ == "__main__":
    sys.exit(main())
