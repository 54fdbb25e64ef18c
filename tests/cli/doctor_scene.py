"""A bot's directory in which something can be found, and what there is to find: one function per state of affairs."""

import json
import os
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from tests.cli.trade_books import BookedTrade, write_trades
from tests.store.bots import running_bot
from tests.strategy.premises import Premises, market, variant
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.sandbox import SandboxExchange
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.schema import APPLICATION_ID

NOW = datetime(2024, 6, 1, 12, 0, 30, tzinfo=UTC)
TOKEN, OTHER_TOKEN = "111:AAA-own-token", "222:BBB-freqtrade-token"
MIXIN = "ModelLifecycleMixin, IStrategy"


@dataclass(slots=True, kw_only=True)
class Scene:
    """A bot's directory that a case changes until there is something to find; servers live as long as the test."""

    premises: Premises
    patch: pytest.MonkeyPatch
    servers: ExitStack
    options: dict[str, Any] = field(default_factory=lambda: {"clock": lambda: NOW})

    @property
    def user_data(self) -> Path:
        return self.premises.user_data

    @property
    def artefact(self) -> Path:
        """The files of the version in production."""
        return self.user_data / "registry" / "demo" / "1"

    @property
    def ledger_file(self) -> Path:
        return self.user_data / "tradai_lifecycle.sqlite"

    def configure(self, section: Mapping[str, Any] | None = None, **overrides: Any) -> None:
        self.premises.configure(section, **overrides)

    def strategy(self, source: str) -> None:
        """Another strategy in place of the demo."""
        self.premises = self.premises.add_strategy("Examined", source)
        self.configure()

    def telegram(self) -> str:
        """The address of a Telegram that knows both tokens."""
        return self.servers.enter_context(SandboxTelegram({TOKEN: "own_bot", OTHER_TOKEN: "freqtrade_bot"})).url

    def exchange_ahead_by(self, seconds: float) -> None:
        """An exchange whose clock is ahead of this machine's."""
        clock = lambda: datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: E731
        exchange = SandboxExchange.from_frames(market(), "1h", clock=clock)
        self.premises = replace(self.premises, exchange_url=self.servers.enter_context(exchange).url)
        self.configure()

    def batch(self, *, opened_ago: timedelta, said_ago: timedelta) -> None:
        """A ledger whose newest candle opened, and whose bot last wrote, so long ago."""
        with closing(Ledger(self.ledger_file)) as ledger:
            ledger.open()
            ledger.record_batch(version="v1", candle=NOW - opened_ago, at=NOW)
            ledger.record_bot(running_bot(NOW - said_ago, started_at=NOW - said_ago))


def installed(scene: Scene, name: str, version: str) -> None:
    """Another version of a library, as far as its metadata tells."""
    directory = scene.premises.root / "libraries" / f"{name}-{version}.dist-info"
    directory.mkdir(parents=True)
    (directory / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    scene.patch.syspath_prepend(str(directory.parent))


def no_mixin(scene: Scene) -> None:
    body = "def populate_indicators(self, dataframe, metadata):\n    return dataframe"
    scene.strategy(variant("Examined", body, (MIXIN, "IStrategy")))


def mixin_last(scene: Scene) -> None:
    scene.strategy(variant("Examined", "", (MIXIN, "IStrategy, ModelLifecycleMixin")))


def other_base_first(scene: Scene) -> None:
    base = "class Base(IStrategy):\n    def ft_bot_cleanup(self):\n        pass\n\n\nclass Examined("
    scene.strategy(variant("Examined", "", (MIXIN, "Base, ModelLifecycleMixin")).replace("class Examined(", base))


def unreachable_registry(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scene.configure({"registry_uri": f"http://someone:hidden-word@127.0.0.1:{port}"})


def nothing_promoted(scene: Scene) -> None:
    scene.premises.registry.register(scene.artefact, metrics={}, parameters={}, tags={})
    state = scene.user_data / "registry" / "demo" / "registry.json"
    values = json.loads(state.read_text())
    state.write_text(json.dumps({**values, "production": None}))


def alias_and_stage_differ(scene: Scene) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{scene.user_data / 'mlflow.db'}"
    with closing(MlflowSource(uri, "demo")) as source:
        for _ in range(2):
            source.register(scene.artefact, metrics={}, parameters={}, tags={})
        source.promote("1")
    MlflowClient(tracking_uri=uri, registry_uri=uri).set_registered_model_alias("demo", "production", "2")
    scene.configure({"registry_uri": uri})


def changed_file(scene: Scene) -> None:
    profile = scene.artefact / "profile.json"
    profile.write_text(profile.read_text() + " ")


def missing_file(scene: Scene) -> None:
    (scene.artefact / "golden.npz").unlink()


def untrusted_type(scene: Scene) -> None:
    (scene.artefact / "model.skops").write_bytes(skops.io.dumps(FunctionTransformer(func=os.system)))


def newer_schema(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.ledger_file)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 99")


def older_schema(scene: Scene) -> None:
    our_database(scene)
    with closing(sqlite3.connect(scene.ledger_file)) as connection:
        connection.execute("PRAGMA user_version = 1")


def empty_database(scene: Scene) -> None:
    scene.ledger_file.touch()


def no_database(scene: Scene) -> None:
    scene.ledger_file.write_text("no database", encoding="utf-8")


def foreign_database(scene: Scene) -> None:
    write_trades(scene.ledger_file, [BookedTrade()])


def our_database(scene: Scene) -> None:
    with closing(Ledger(scene.ledger_file)) as ledger:
        ledger.open()


def trades(scene: Scene) -> None:
    file = write_trades(scene.premises.root / "trades.sqlite", [BookedTrade(), BookedTrade(close_rate=None)])
    scene.options["db_url"] = f"sqlite:///{file}"


def no_trades_database(scene: Scene) -> None:
    scene.options["db_url"] = f"sqlite:///{scene.premises.root / 'absent.sqlite'}"


def other_trades_database(scene: Scene) -> None:
    scene.options["db_url"] = f"sqlite:///{scene.premises.root / 'config.json'}"


def own_bot(scene: Scene, **section: Any) -> None:
    own = {"token": TOKEN, "chat_id": "42", "base_url": scene.telegram(), **section}
    scene.configure({"telegram": own}, telegram={"enabled": True, "token": OTHER_TOKEN, "chat_id": "42"})


def joined_bot(scene: Scene) -> None:
    freqtrade = {"enabled": True, "token": OTHER_TOKEN, "chat_id": "42"}
    scene.configure({"telegram": {"base_url": scene.telegram()}}, telegram=freqtrade)


def unheard_bot(scene: Scene) -> None:
    scene.configure({"telegram": {"authorized_users": {"42": "viewer"}}})


def unreachable_telegram(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scene.configure({"telegram": {"token": TOKEN, "chat_id": "42", "base_url": f"http://127.0.0.1:{port}"}})


def other_pair(scene: Scene) -> None:
    scene.premises = replace(scene.premises, pairs=("BTC/USDT", "SOL/USDT"))
    scene.configure()


def pattern_of_pairs(scene: Scene) -> None:
    scene.premises = replace(scene.premises, pairs=(".*/USDT",))
    scene.configure()


def no_exchange(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scene.premises = replace(scene.premises, exchange_url=f"http://127.0.0.1:{port}")
    scene.configure()


def notify(scene: Scene, *addresses: str) -> None:
    scene.configure({"notices": {"apprise_urls": list(addresses)}})
