"""Checks of registry and model: reachable, in production, whole, allowed, and made for this strategy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradai_lifecycle.cli.accuracy_outlook import accuracy_outlook
from tradai_lifecycle.cli.checks.finding import Finding, fail, ok, warn
from tradai_lifecycle.errors import UntrustedTypeError
from tradai_lifecycle.model.artefact import TRUSTED_TYPES, artefact_digest, asked_types
from tradai_lifecycle.model.candidate import check_candidate
from tradai_lifecycle.model.source import PRODUCTION_ALIAS, PRODUCTION_STAGE
from tradai_lifecycle.monitor.limits import ENOUGH_TRAINING_WINDOWS, FEWEST_TRAINING_WINDOWS, series_limits
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.states import CandidateOutcome, Thresholds

if TYPE_CHECKING:
    from tradai_lifecycle.cli.checks.surroundings import Surroundings


def registry(at: "Surroundings") -> Finding:
    """Whether the registry answers, and holds the model."""
    where = f"{at.source.uri}, model {at.bot.lifecycle.model_name}"
    if not at.versions:
        return warn(f"{where}: no version", "tradai train registers one")
    return ok(f"{where}: {len(at.versions)} version(s), the newest is v{at.versions[0].version}")


def production_version(at: "Surroundings") -> Finding:
    """Whether a version is in production, and alias and stage name the same one."""
    if at.production is None:
        return fail("no version is in production", "tradai promote VERSION")
    staged = [record.version for record in at.versions if record.stage == PRODUCTION_STAGE]
    named = [record.version for record in at.versions if PRODUCTION_ALIAS in record.aliases]
    if staged != named:
        words = f"alias {PRODUCTION_ALIAS}: {_labels(named)}; stage {PRODUCTION_STAGE}: {_labels(staged)}"
        return warn(f"v{at.production} decides, but {words}", f"tradai promote {at.production}")
    return ok(f"v{at.production}")


def model_files(at: "Surroundings") -> Finding:
    """Whether the production version's files are all there and are the registered ones."""
    files = at.artefact
    found = artefact_digest(files.directory)
    if found != files.expected_digest:
        return fail(
            f"v{files.version} has digest {found[:12]}..., {(files.expected_digest or '')[:12]}... was registered",
            "find out who changed the files; tradai rollback, or train and register again",
        )
    return ok(f"v{files.version}, digest {found[:12]}...")


def model_types(at: "Surroundings") -> Finding:
    """Whether each type in the model may be loaded, and none is allowed that it does not need."""
    allowed = set(at.bot.lifecycle.trusted_types)
    asked = asked_types(at.artefact.directory) - TRUSTED_TYPES
    if asked - allowed:
        error = UntrustedTypeError(f"v{at.artefact.version}", sorted(asked - allowed))
        return fail(str(error), "add them to trusted_types, if you know where the model comes from")
    if allowed - asked:
        unused = ", ".join(sorted(allowed - asked))
        return warn(f"trusted_types allows {unused}, which v{at.artefact.version} does not hold", "take it out")
    return ok("only types of the built-in list" if not asked else f"{len(asked)} type(s) of trusted_types")


def model_fits_strategy(at: "Surroundings") -> Finding:
    """What a running bot would say of the production version: features and order, horizon, window, golden sample."""
    from tradai_lifecycle.strategy.feature_probe import probed_feature_names  # noqa: PLC0415 - heavy

    names = probed_feature_names(at.strategy, at.lifecycle)
    if names is None:
        return warn("the strategy's features need real candles to be compared", "the bot compares at its first candle")
    outcome, detail = check_candidate(at.bundle, at.lifecycle.expectations(names))
    if outcome is CandidateOutcome.STAGED:
        return ok(f"{len(names)} features, {detail}")
    return fail(f"{outcome.value}: {detail}", "train a model for this strategy: tradai train")


def training_windows(at: "Surroundings") -> Finding:
    """Whether each pair of the bot was trained on, on enough candles for drift to be acted on."""
    settings = at.lifecycle.settings.health
    references = {reference.pair: reference for reference in at.bundle.profile.pairs}
    pairs = _named_pairs(at.config["exchange"]["pair_whitelist"]) or list(references)
    foreign = [pair for pair in pairs if pair not in references]
    if foreign:
        return fail(f"v{at.bundle.version} was not trained on {', '.join(foreign)}: paused", "train with these pairs")
    if settings.thresholds is Thresholds.FIXED:
        return ok("thresholds are fixed: every series counts")
    watched = [_Watched.of(references[pair], settings) for pair in pairs]
    off = [pair.words for pair in watched if not pair.series]
    if any(pair.windows < FEWEST_TRAINING_WINDOWS for pair in watched):
        few = FEWEST_TRAINING_WINDOWS * settings.window_candles
        return warn(f"drift is only reported, not acted on: {'; '.join(off)}", f"train on at least {few:,} candles")
    if off:
        return warn(
            f"drift is only reported, not acted on: {'; '.join(off)}",
            "accuracy and data quality still act; features that swing less with the years can be watched",
        )
    told = "; ".join(pair.words for pair in watched)
    if any(pair.windows < ENOUGH_TRAINING_WINDOWS for pair in watched):
        enough = ENOUGH_TRAINING_WINDOWS * settings.window_candles
        return warn(f"limits are loose: {told}", f"train on {enough:,} candles, where there are as many")
    return ok(told)


def accuracy_rule(at: "Surroundings") -> Finding:
    """Whether each pair's accuracy will be judged, and a fall below validation seen."""
    pairs = _named_pairs(at.config["exchange"]["pair_whitelist"])
    trained = [pair for pair in at.bundle.training_pairs if pairs is None or pair in pairs]
    outlooks = [accuracy_outlook(at.bundle, pair, at.lifecycle.settings.health) for pair in trained]
    told = "; ".join(f"{one.pair} {one.words}" for one in outlooks)
    if not all(one.can_be_judged for one in outlooks):
        return warn(
            told,
            "lower minimum_effective_predictions, or raise window_candles and train again: windows reach as far as it",
        )
    if not all(one.is_known for one in outlooks):
        return warn(told, "tradai train, with the prediction_dead_band that is configured now")
    return ok(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """How much of a pair's drift can be acted on."""

    windows: float
    series: int
    words: str

    @classmethod
    def of(cls, reference: PairReference, settings: HealthSettings) -> "_Watched":
        """From a pair's figures of training, under the settings that hold now."""
        windows = reference.training_candles / settings.window_candles
        monitorable = [limit.monitorable for limit in series_limits(reference, settings)]
        words = f"{reference.pair} m/n = {windows:.0f}, {sum(monitorable)} of {len(monitorable)} series"
        return cls(windows=windows, series=sum(monitorable), words=words)


# None where the list holds patterns, or is empty: then a pairlist decides, and only the bot knows its pairs.
def _named_pairs(whitelist: Sequence[str]) -> list[str] | None:
    named = [pair for pair in whitelist if re.fullmatch(r"[\w./:-]+", pair)]
    return named if named and len(named) == len(whitelist) else None


def _labels(versions: list[str]) -> str:
    return ", ".join(f"v{version}" for version in versions) or "none"


__all__ = [
    "accuracy_rule",
    "model_files",
    "model_fits_strategy",
    "model_types",
    "production_version",
    "registry",
    "training_windows",
]
