"""`tradai demo`: the whole life of a model, from training to a swap and back to a backtest, in a few minutes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tradai_lifecycle.cli.rehearse import comparison_table, rehearsed, stepping_a_bot, timeline_table
from tradai_lifecycle.cli.screen import wide_console

if TYPE_CHECKING:
    import pandas as pd

    from tradai_lifecycle.sandbox.agreement import Agreement
    from tradai_lifecycle.sandbox.demonstration import BacktestFigures, Demonstration, Retrainer, TrainedVersion
    from tradai_lifecycle.sandbox.timeline import RehearsalResult

_WITHOUT = {"tradai_lifecycle": {"mode": "observe"}}
_ONE_MODEL = "with the lifecycle, v1 to the end"
_NO_LIFECYCLE = "without (observe), v1 to the end"
_DATED = "with the lifecycle, v1 then v2 as dated"


def demo(
    directory: Annotated[Path, typer.Option(help="wiped at the start, where a demo made it")] = Path("demo_data"),
) -> None:
    """Train, backtest, rehearse through a change of the market, retrain, swap, and check the backtest against it."""
    from tradai_lifecycle.sandbox.demonstration import Demonstration  # noqa: PLC0415 - freqtrade takes seconds

    with stepping_a_bot():
        _Show(Demonstration(directory=directory)).run()


class _Show:
    # The demonstration with what a person sees of it.
    def __init__(self, demonstration: "Demonstration") -> None:
        self._demonstration = demonstration
        self._console = wide_console()
        self._began = time.perf_counter()
        self._stage_number = 0

    def run(self) -> None:
        """Show the six stages, each under its title, and the last words. Raises what a stage raises."""
        demonstration = self._demonstration
        with self._stage("a market that changes its ways, a bot and a registry"):
            candles = self._build()
        with self._stage("train v1 on the calm past and promote it (tradai train)"):
            self._show_training(demonstration.train(demonstration.start))
        with self._stage("backtest with and without the lifecycle (freqtrade backtesting)"):
            figures = demonstration.backtests({_ONE_MODEL: {}, _NO_LIFECYCLE: _WITHOUT})
            self._console.print(_backtest_table(figures))
        with self._stage("rehearse the live bot through the change; the operator retrains and promotes v2"):
            result, without, retrainer = self._rehearse()
        with self._stage("backtest the same range with the bot's dated versions (tradai timeline)"):
            timeline = demonstration.timeline(result.directory / "rehearsal.json")
            figures |= demonstration.backtests({_DATED: timeline})
            self._console.print(_backtest_table(figures))
            self._show_agreement(self._compared(result, timeline))
        with self._stage("the report"):
            self._report(result, without, figures, candles, retrainer)
        self._console.rule(f"done in {time.perf_counter() - self._began:.0f} s")
        self._last_words()

    @contextmanager
    def _stage(self, title: str) -> Iterator[None]:
        self._stage_number += 1
        elapsed = time.perf_counter() - self._began
        self._console.rule(f"[bold]{self._stage_number}/6  {title}[/]  [dim]{elapsed:.0f} s[/]", align="left")
        yield

    def _build(self) -> "Mapping[str, pd.DataFrame]":
        demonstration, scale = self._demonstration, self._demonstration.scale
        candles = demonstration.build()
        self._console.print(
            f"{demonstration.directory}: {', '.join(candles)}, 1h candles: {scale.training} to train on, {scale.calm} "
            f"calm, then {scale.changed} of another market (volume and volatility up, and what used to announce a "
            f"rise now announces a fall)"
        )
        return candles

    def _show_training(self, trained: "TrainedVersion") -> None:
        accuracy, always_up = trained.metric("validation_accuracy"), trained.metric("validation_always_up_accuracy")
        self._console.print(
            f"[bold cyan]{trained.version}[/] in {trained.seconds:.0f} s: directional accuracy {accuracy:.3f} on the "
            f"newest fifth, which it had not seen (always up: {always_up:.3f})"
        )
        for line in trained.printed.splitlines():
            if "drift is watched" in line or "cannot be monitored" in line:
                self._console.print(f"  [dim]{line.strip()}[/]")

    def _rehearse(self) -> "tuple[RehearsalResult, RehearsalResult, Retrainer]":
        from tradai_lifecycle.sandbox.demonstration import DemonstrationError, Retrainer  # noqa: PLC0415

        retrainer = Retrainer(self._demonstration)
        result, without = rehearsed(self._demonstration.plan(), compare=True, show=True, on_candle=retrainer)
        if without is None or retrainer.trained is None:
            raise DemonstrationError("the market changed, but the bot was never paused for long enough to retrain")
        patience = self._demonstration.scale.patience
        self._console.print(
            f"{patience} candles after both pairs were paused, at {retrainer.at:%Y-%m-%d %H:%M} UTC, on the candles "
            f"seen until then:"
        )
        self._show_training(retrainer.trained)
        self._console.print(timeline_table(result))
        self._console.print(comparison_table(result, without))
        self._console.print(f"{result.candles} candles at {result.candles_per_second:.1f} candles/s, two bots at once")
        return result, without, retrainer

    def _compared(self, result: "RehearsalResult", timeline: Mapping[str, Any]) -> "Agreement":
        from tradai_lifecycle.sandbox.agreement import agreement, backtest_states  # noqa: PLC0415 - heavy

        with self._demonstration.backtest_config(timeline) as config:
            return agreement(result.states, backtest_states(config))

    def _show_agreement(self, found: "Agreement") -> None:
        style = "red" if found.different else "green"
        self._console.print(
            f"states, severities and versions of the backtest and of the rehearsal, candle by candle: "
            f"[{style}]{found.equal} equal, {len(found.different)} different[/]"
        )
        for live, replayed in found.different[:20]:
            self._console.print(f"  {live} but {replayed}", markup=False)

    def _report(
        self,
        result: "RehearsalResult",
        without: "RehearsalResult",
        figures: "Mapping[str, BacktestFigures]",
        candles: "Mapping[str, pd.DataFrame]",
        retrainer: "Retrainer",
    ) -> None:
        from tradai_lifecycle.sandbox.page import Report, report_page  # noqa: PLC0415 - heavy

        rows = [
            (f"rehearsal {name}", len(run.trades), run.profit, run.profit / run.starting_balance, run.drawdown)
            for name, run in (("with the lifecycle", result), ("without", without))
        ]
        rows += [
            (f"backtest {name}", run.trades, run.profit, run.profit_ratio, run.drawdown)
            for name, run in figures.items()
        ]
        report = Report(
            title="A model's life, rehearsed",
            lead=_LEAD,
            result=result,
            without=without,
            candles=candles,
            rows=rows,
            notes=[
                f"v2 was trained after the candle of {retrainer.at:%Y-%m-%d %H:%M} UTC, on what was seen until then."
            ],
        )
        page = self._demonstration.directory / "report.html"
        page.write_text(report_page(report), encoding="utf-8")
        self._console.print(f"open {page.absolute()}", soft_wrap=True)

    def _last_words(self) -> None:
        demonstration = self._demonstration
        self._console.print(
            "The same bot, dry, against the real exchange. v2 knows the made-up market only, so its monitors will hold "
            "it back until it is trained on real candles (freqtrade download-data, then tradai train):"
        )
        command = f"freqtrade trade --config {demonstration.config_file} --userdir {demonstration.user_data_dir}"
        self._console.print(f"  {command}", style="bold", soft_wrap=True)


_LEAD = (
    "A real freqtrade bot over a made-up market that changes its ways: the model drifts, stakes are cut, entries stop, "
    "a new model is trained and swapped in without a restart, and the bot trades again."
)


def _backtest_table(figures: "Mapping[str, BacktestFigures]") -> Table:
    table = Table("backtest", "trades", "profit", "of the wallet", "largest drawdown")
    for name, run in figures.items():
        profit = f"{run.profit:+.2f} USDT"
        table.add_row(name, str(run.trades), profit, f"{run.profit_ratio:+.2%}", f"{run.drawdown:.2%}")
    return table


__all__ = ["demo"]
