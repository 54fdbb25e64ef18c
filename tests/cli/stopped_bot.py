"""A stopped bot's folder as `tradai uninstall` meets it, and what it left of it."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tradai_lifecycle.cli.app import app
from tradai_lifecycle.config import SECTION
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.trades import count_noted_versions

#: A configuration that says why in comments: a person's, and one in the section that is to go.
COMMENTED = """{
    // mine
    "dry_run": true,
    "db_url": "sqlite:///trades.sqlite", /* "tradai_lifecycle": {} */
    "tradai_lifecycle": {
        "model_name": "demo", // theirs
        "registry_uri": "directory:registry"
    },
    "max_open_trades": 3,
}
"""


def ledger_of(file: Path) -> Path:
    with closing(Ledger(file)) as ledger:
        ledger.open()
    return file


def configured(place: Path, **section: Any) -> Path:
    file = place / "config.json"
    config = {
        "dry_run": True,
        "db_url": f"sqlite:///{place / 'trades.sqlite'}",
        "user_data_dir": str(place),
        SECTION: {"model_name": "demo", "registry_uri": "directory:registry", **section},
        "max_open_trades": 3,
    }
    file.write_text(json.dumps(config, indent=4), encoding="utf-8")
    return file


def uninstall(place: Path, *arguments: str, answer: str = "") -> Any:
    return CliRunner().invoke(app, ["uninstall", "-c", str(place / "config.json"), *arguments], input=answer)


def snapshot(place: Path) -> dict[str, bytes]:
    """Every file with its content; a database's log may come and go."""
    files = (path for path in place.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


def noted(place: Path) -> int:
    return count_noted_versions(f"sqlite:///{place / 'trades.sqlite'}")
