"""The whole way of a model with real parts: MLflow registry, trial process, cache, slot, and the runtime's thread."""

import queue

from tests.model.bundles import EXPECTATIONS, artefact, bundle
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.events import CandidateDecided, FaultReported
from tradai_lifecycle.model import ModelSlot, open_source
from tradai_lifecycle.runtime import Runtime, Watcher
from tradai_lifecycle.states import CandidateOutcome, SwapOutcome


def test_versions_are_promoted_adopted_and_taken_back_while_the_bot_runs(tmp_path):
    config = LifecycleConfig(
        model_name="btc", registry_uri=f"sqlite:///{tmp_path / 'mlflow.db'}", poll_interval_seconds=0.05
    )
    source, slot, events = open_source(config, tmp_path), ModelSlot(), queue.Queue()
    watcher = Watcher(
        source=source,
        slot=slot,
        config=config,
        expectations=EXPECTATIONS,
        cache_directory=tmp_path / "cache",
        on_event=events.put,
    )

    def adopt_next():
        # a slow disk may keep the registry from answering while it is made
        while not isinstance(event := events.get(timeout=60), CandidateDecided):
            assert isinstance(event, FaultReported)
        assert event.outcome is CandidateOutcome.STAGED
        assert slot.adopt() is SwapOutcome.ADOPTED
        return slot.current.version

    runtime = Runtime()
    runtime.add_task("watcher", watcher.run)
    runtime.on_close("registry", source.close)
    runtime.start()
    try:
        operator = open_source(config, tmp_path)
        directory = artefact(tmp_path / "made", bundle())
        for version in ("1", "2"):
            assert operator.register(directory, metrics={}, parameters={}, tags={}) == version
            operator.promote(version)
            assert adopt_next() == version
        operator.promote("1")
        assert adopt_next() == "1"
        assert slot.current.run_id == operator.describe("1").run_id
    finally:
        runtime.close()
    assert events.empty()
