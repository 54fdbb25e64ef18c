"""Where a strategy's versions come from: a fixed model or a dated timeline offline, a session live."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import ConfigurationError, ModelNotFoundError
from tradai_lifecycle.events import Event
from tradai_lifecycle.model.artefact import read_artefact
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement
from tradai_lifecycle.strategy.overlap import TrainingOverlap

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle


class OfflineSupply:
    """The versions of an offline run, loaded once: no clock, no store, no polling, no thread."""

    live = False

    def __init__(self, versions: Sequence[ActiveVersion], overlap: TrainingOverlap) -> None:
        self._versions = tuple(versions)
        self._overlap = overlap

    def versions(self) -> Sequence[ActiveVersion]:
        """The fixed versions."""
        return self._versions

    def begin_loop(self, now: datetime) -> None:
        """Nothing changes between candles offline."""

    def judged(self, featured: pd.DataFrame, frame: Frame, judgement: Judgement) -> None:
        """Warn where the run trades the candles its model was trained on."""
        self._overlap.look_at(frame, self._versions)

    def report(self, event: Event) -> None:
        """A backtest's own report shows what was refused: by its trades."""

    def close(self) -> None:
        """Nothing runs."""


def offline_supply(lifecycle: "Lifecycle", config: Mapping[str, Any]) -> OfflineSupply:
    """Load what `version_timeline`, or else `backtest_model`, names.

    Raises ModelNotFoundError, RegistryUnreachableError or another ModelRefusedError: an offline run without its model
    would measure nothing.
    """
    settings = lifecycle.config
    source = open_source(settings, Path(config["user_data_dir"]))
    try:
        versions = _timeline(source, settings) if settings.version_timeline else (_single(source, settings),)
    finally:
        source.close()
    for active in versions:
        _require_fit(active.bundle, lifecycle)
    return OfflineSupply(versions, TrainingOverlap(lifecycle.budget.predecessors, config.get("timerange")))


def fingerprint(lifecycle: "Lifecycle", *, package_version: str) -> dict[str, Any]:
    """What a result depends on besides freqtrade's configuration and the strategy file, as plain JSON values."""
    versions = lifecycle.supply.versions() if lifecycle.supply is not None else ()
    return {
        "package": package_version,
        "models": [
            {"version": active.bundle.label, "digest": active.bundle.digest, "adopted_ns": active.adopted_ns}
            for active in versions
        ],
        # who is told and who may command changes no result, and holds secrets
        "settings": lifecycle.config.model_dump(mode="json", exclude={"telegram", "notices"}),
    }


def load_version(source: ModelSource, settings: LifecycleConfig, version: str) -> ModelBundle:
    """Fetch and read one version. Raises what the source and `read_artefact` raise."""
    with tempfile.TemporaryDirectory(prefix="tradai-") as directory:
        fetched = source.fetch(version, Path(directory) / "artefact")
        return read_artefact(
            fetched.directory,
            name=settings.model_name,
            version=fetched.version,
            run_id=fetched.run_id,
            expected_digest=fetched.expected_digest,
            trusted_types=settings.trusted_types,
        )


def _single(source: ModelSource, settings: LifecycleConfig) -> ActiveVersion:
    wanted = settings.backtest_model
    version = source.production_version() if wanted == "production" else wanted.removeprefix("v")
    if version is None:
        raise ModelNotFoundError(settings.model_name, "production version")
    return ActiveVersion(bundle=load_version(source, settings, version))


def _timeline(source: ModelSource, settings: LifecycleConfig) -> tuple[ActiveVersion, ...]:
    bundles = {
        version: load_version(source, settings, version)
        for version in dict.fromkeys(span.version.removeprefix("v") for span in settings.version_timeline)
    }
    return tuple(
        ActiveVersion(
            bundle=bundles[span.version.removeprefix("v")],
            adopted_ns=int(span.adopted_candle.timestamp()) * 1_000_000_000,
            state_before=span.state_before,
            drift_resets_ns=tuple(sorted(int(at.timestamp()) * 1_000_000_000 for at in span.drift_resets)),
        )
        for span in settings.version_timeline
    )


def _require_fit(bundle: ModelBundle, lifecycle: "Lifecycle") -> None:
    for what, found, needed in (
        ("timeframe", bundle.timeframe, lifecycle.timeframe),
        ("horizon_candles", bundle.horizon_candles, lifecycle.horizon_candles),
        ("window_candles", bundle.profile.window_candles, lifecycle.config.window_candles),
    ):
        if found != needed:
            raise ConfigurationError(
                f"Model {bundle.name} {bundle.label} was trained for {what} {found}, but this run has {needed}. "
                f"Next: train a model for it, or change the setting."
            )


__all__ = ["OfflineSupply", "fingerprint", "load_version", "offline_supply"]
