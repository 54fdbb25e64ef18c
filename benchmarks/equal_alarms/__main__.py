"""Compare detectors at equal false alarms: `python -m benchmarks.equal_alarms`; a few runs of it with `--quick`.

Each part is kept as it is done, and a stopped run goes on. A whole run on real candles writes the document.
"""

import argparse
import logging
import sys
from functools import partial
from time import perf_counter

from rich.console import Console
from rich.markdown import Markdown
from threadpoolctl import threadpool_limits

from benchmarks.cells import Cells
from benchmarks.drift.markets import has_real_candles
from benchmarks.drift.streams import Stream
from benchmarks.equal_alarms.detectors import SCALED
from benchmarks.equal_alarms.figures import TARGET
from benchmarks.equal_alarms.measuring import Curve, curves_as_values, curves_from
from benchmarks.equal_alarms.plan import full_plan, parts_of, quick_plan, scope_of
from benchmarks.equal_alarms.report import NAME, in_markdown, ship, write
from benchmarks.equal_alarms.results import EqualAlarms
from benchmarks.report import now

OWN_FILES = (
    *(f"{name}.py" for name in ("faults", "features", "judging", "latency_market")),
    *(f"drift/{name}.py" for name in ("faults", "markets", "outcomes", "rows", "scenes")),
    *(f"drift/streams/{name}.py" for name in ("stream", "next_candles", "injected", "raw_candles")),
    *(f"drift/detectors/{name}.py" for name in ("detector", "ours", "rule_of_thumb")),
    *(f"equal_alarms/{name}.py" for name in ("scaling", "measuring")),
    *(f"equal_alarms/detectors/{name}.py" for name in ("domain_classifier", "ours", "series_index", "thumb")),
)


def main() -> int:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.equal_alarms", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few runs of one series; writes no file but the parts'")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/statistics.md as it is")
    parser.add_argument("--target", type=float, default=TARGET, help="false triggers per 1,000 candles (%(default)s)")
    arguments = parser.parse_args()
    # what a benchmark itself logs is of no use here
    logging.disable(logging.WARNING)
    began, console = perf_counter(), Console() if sys.stdout.isatty() else Console(width=200)
    streams = quick_plan() if arguments.quick else full_plan()
    with threadpool_limits(1):
        curves = _measured(streams)
    results = EqualAlarms.of(curves, scope=scope_of(streams), target=arguments.target, now=now())
    console.print(Markdown("\n".join(in_markdown(results))))
    paths = [] if arguments.quick else write(results)
    if not (arguments.quick or arguments.no_docs) and has_real_candles():
        paths.append(ship(results))
    console.print(f"{perf_counter() - began:.0f} s, written: {', '.join(map(str, paths)) or 'nothing'}")
    return 0


def _measured(streams: list[Stream]) -> list[Curve]:
    parts = {part.key: part for part in parts_of(streams)}
    work = {key: partial(curves_as_values, part, SCALED) for key, part in parts.items()}
    values = Cells.of(NAME, OWN_FILES).measured(work)
    return [curve for key, part in parts.items() for curve in curves_from(part, values[key], SCALED)]


if __name__ == "__main__":
    sys.exit(main())
