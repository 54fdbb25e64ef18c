"""`tradai train`: fit a model from the strategy's own features and register it."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tradai_lifecycle.cli.accuracy_outlook import accuracy_outlook
from tradai_lifecycle.cli.options import DEFAULT_CONFIG, Bot, ConfigFiles, UserData, load_trading_bot
from tradai_lifecycle.cli.progress import Tell, stages, untold
from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.source import COMMIT_TAG
from tradai_lifecycle.monitor.limits import ENOUGH_TRAINING_WINDOWS, FEWEST_TRAINING_WINDOWS, series_limits
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.quiet import quiet
from tradai_lifecycle.retraining.estimators import make_estimator
from tradai_lifecycle.retraining.progress import OnProgress, TrainingProgress
from tradai_lifecycle.retraining.training import TrainingPlan, train_bundle

DEFAULT_ESTIMATOR = "HistGradientBoostingClassifier"


def train(
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="strategy class that derives from the mixin")],
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    timerange: Annotated[str, typer.Option(help="training range, such as 20240101-20240901; default: all")] = "",
    datadir: Annotated[Path | None, typer.Option(help="freqtrade data directory; default: user_data/data")] = None,
    estimator: Annotated[str, typer.Option(help="scikit-learn class name")] = DEFAULT_ESTIMATOR,
    param: Annotated[list[str] | None, typer.Option(help="estimator parameter NAME=JSON; repeatable")] = None,
    seed: Annotated[int, typer.Option(help="random state of the estimator")] = 0,
    promote: Annotated[bool, typer.Option("--promote", help="put the version into production at once")] = False,
) -> None:
    """Train a model on freqtrade's candles through the strategy's own feature code, and register it."""
    options: dict[str, Any] = {"strategy": strategy}
    if timerange:
        options["timerange"] = timerange
    if datadir is not None:
        options["datadir"] = str(datadir)
    bot = load_trading_bot(config, userdir, **options)
    if timerange:
        bot.freqtrade_config["timerange"] = timerange
    parameters = parsed_parameters(param or [])
    with stages() as tell:
        version, bundle = train_and_register(bot, estimator=estimator, parameters=parameters, seed=seed, tell=tell)
    console = Console()
    console.print(
        f"registered {bundle.name} v{version}: {bundle.trained_from:%Y-%m-%d %H:%M} to "
        f"{bundle.trained_until:%Y-%m-%d %H:%M} UTC, {', '.join(bundle.training_pairs)}",
        highlight=False,
    )
    for name, value in sorted(bundle.metrics.items()):
        console.print(f"  {name} = {value:.4g}", highlight=False)
    for line in monitoring_report(bundle, bot.lifecycle):
        console.print(line, highlight=False)
    if promote:
        with bot.source() as source:
            source.promote(version)
        console.print(f"v{version} is in production; a running bot takes it up at its next poll", highlight=False)
    else:
        console.print(f"next: tradai promote {version}", highlight=False)


def train_and_register(
    bot: Bot, *, estimator: str, parameters: dict[str, object], seed: int, tell: Tell = untold
) -> tuple[str, ModelBundle]:
    """Train on what `bot` is configured for and register the result; gives the version and the bundle.

    `tell` hears what is being done.
    """
    with quiet():
        from tradai_lifecycle.strategy.dataset import load_strategy, training_samples  # noqa: PLC0415 - heavy

        model, task = make_estimator(estimator, parameters, seed=seed)
        strategy = load_strategy(bot.freqtrade_config)
        tell("candles and features")
        names, samples = training_samples(bot.freqtrade_config, strategy, on_progress=_counts(tell))
        plan = TrainingPlan(
            name=bot.lifecycle.model_name,
            estimator=model,
            task=task,
            feature_names=names,
            horizon_candles=strategy.horizon_candles,
            timeframe=strategy.timeframe,
            candle_ns=candle_seconds(strategy.timeframe) * 1_000_000_000,
            window_candles=bot.lifecycle.window_candles,
            maximum_share_of_time_reduced=bot.lifecycle.maximum_share_of_time_reduced,
            prediction_dead_band=bot.lifecycle.prediction_dead_band,
        )
        rows = sum(int(sample.usable.sum()) for sample in samples)
        subject = f"{estimator} on {rows:,} rows of {len(samples)} pair(s): "
        bundle = train_bundle(samples, plan, on_progress=_counts(tell, subject))
        tell(f"registering in {bot.lifecycle.model_name}")
        with tempfile.TemporaryDirectory(prefix="tradai-") as directory, bot.source() as source:
            write_artefact(Path(directory), bundle)
            version = source.register(
                Path(directory),
                metrics=bundle.metrics,
                parameters=_recorded_parameters(bot, bundle, estimator, parameters, seed),
                tags={COMMIT_TAG: _git_commit()} if _git_commit() else {},
            )
    return version, bundle


# A stage of one step has nothing to count.
def _counts(tell: Tell, subject: str = "") -> OnProgress:
    def told(progress: TrainingProgress) -> None:
        tell(f"{subject}{progress.stage}", progress.done, progress.total if progress.total > 1 else None)

    return told


def monitoring_report(bundle: ModelBundle, config: LifecycleConfig) -> list[str]:
    """What the monitors of drift and accuracy will see of this model, and what they cannot, one line per finding."""
    from tradai_lifecycle.strategy.memory import health_settings  # noqa: PLC0415 - its room imports freqtrade

    settings = health_settings(config, timeframe=bundle.timeframe, horizon_candles=bundle.horizon_candles)
    lines = []
    for reference in bundle.profile.pairs:
        ratio = reference.training_candles / bundle.profile.window_candles
        limits = series_limits(reference, settings)
        names = (*bundle.feature_names, "the prediction")
        blind = [name for name, limit in zip(names, limits, strict=True) if not limit.monitorable]
        seen = len(names) - len(blind)
        lines.append(f"  {reference.pair}: drift is watched in {seen} of {len(names)} series (m/n = {ratio:.0f})")
        if blind:
            lines.append(f"    cannot be monitored at this window: {', '.join(blind)}")
        lines.extend(_fast_alarms(reference))
        if ratio < FEWEST_TRAINING_WINDOWS:
            lines.append(
                f"    WARNING: fewer than {FEWEST_TRAINING_WINDOWS} windows of training: drift is only reported"
            )
        elif ratio < ENOUGH_TRAINING_WINDOWS:
            lines.append(f"    warning: fewer than {ENOUGH_TRAINING_WINDOWS} windows of training data: loose limits")
        outlook = accuracy_outlook(bundle, reference.pair, settings)
        heard = outlook.is_known and outlook.can_be_judged
        lines.append(f"    {outlook.words}" if heard else f"    WARNING: {outlook.words}")
    return [*lines, *golden_report(bundle)]


def _fast_alarms(reference: PairReference) -> list[str]:
    groups = {"the market": reference.market.shifts, "its features' relations": reference.relations}
    told = [
        f"{name} over {shifts.fast_tier.window} candles, held for {shifts.fast_tier.persistence}"
        for name, shifts in groups.items()
        if shifts.combinations
    ]
    return [f"    fast alarms look at {'; '.join(told)}"] if told else []


def golden_report(bundle: ModelBundle) -> list[str]:
    """Which features a bot will compare with training, and which it cannot, one line per finding."""
    golden = bundle.golden_candles
    if golden is None or not golden.pairs:
        why = golden.problem if golden is not None else "no golden candles were made"
        return [f"  WARNING: a bot cannot check that its features are those of training: {why}"]
    checked = len(bundle.feature_names) - len(golden.unchecked)
    pairs = ", ".join(pair.pair for pair in golden.pairs)
    lines = [
        f"  golden candles of {pairs}: {checked} of {len(bundle.feature_names)} features are compared at every start"
    ]
    if golden.problem:
        lines.append(f"    warning: {golden.problem}")
    return [*lines, *(f"    cannot be checked: {name}: {why.words}" for name, why in golden.unchecked.items())]


def parsed_parameters(given: list[str]) -> dict[str, object]:
    """NAME=VALUE options as a mapping; a value is JSON where it parses as JSON, else text."""
    parameters: dict[str, object] = {}
    for item in given:
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise ConfigurationError(f"--param {item!r} is not NAME=VALUE.")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def _recorded_parameters(
    bot: Bot, bundle: ModelBundle, estimator: str, parameters: dict[str, object], seed: int
) -> dict[str, str]:
    return {
        "estimator": estimator,
        "seed": str(seed),
        **{f"estimator.{name}": json.dumps(value) for name, value in parameters.items()},
        "strategy": str(bot.freqtrade_config["strategy"]),
        "pairs": ",".join(bundle.training_pairs),
        "trained_from": bundle.trained_from.isoformat(),
        "trained_until": bundle.trained_until.isoformat(),
        "window_candles": str(bundle.profile.window_candles),
        "features": str(len(bundle.feature_names)),
    }


def _git_commit() -> str:
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


__all__ = [
    "DEFAULT_ESTIMATOR",
    "golden_report",
    "monitoring_report",
    "parsed_parameters",
    "train",
    "train_and_register",
]
