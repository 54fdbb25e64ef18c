"""`tradai doctor` as a person runs it: every row, the exit code, no trace left behind, and no secret shown."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.doctor_scene import TOKEN, Scene, empty_database, older_schema, unreachable_registry
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.checks import Finding, Level, all_checks, examine, installation, people
from tradai_lifecycle.cli.checks.finding import ok
from tradai_lifecycle.cli.checks.surroundings import Surroundings


def run(scene: Scene, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", "-c", str(scene.premises.root / "config.json"), *arguments])


@pytest.mark.host
def test_an_older_ledger_is_not_brought_up_to_date_by_looking(scene: Scene) -> None:
    older_schema(scene)
    before = scene.ledger_file.read_bytes()
    run(scene)
    assert scene.ledger_file.read_bytes() == before


@pytest.mark.host
def test_an_emptied_ledger_is_given_no_tables_by_looking(scene: Scene) -> None:
    empty_database(scene)
    run(scene)
    assert scene.ledger_file.read_bytes() == b""


@pytest.mark.host
def test_a_bot_without_a_failure_ends_with_0_and_json_holds_every_row(scene: Scene) -> None:
    result = run(scene, "--json")
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["name"] for row in rows] == list(all_checks())
    assert {row["level"] for row in rows} == {"ok", "warn"}
    assert set(rows[0]) == {"name", "level", "detail", "fix"}


@pytest.mark.host
def test_what_a_broken_part_hides_points_to_it_and_fails_once(scene: Scene) -> None:
    scene.configure({"model_nam": "demo"})
    result = run(scene, "--json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert [name for name, row in rows.items() if row["level"] == "fail"] == ["configuration"]
    assert (rows["registry"]["detail"], rows["registry"]["fix"]) == ("not looked at", "mend 'configuration' first")
    scene.patch.setenv("COLUMNS", "600")
    shown = run(scene)
    assert (shown.exit_code, "Did you mean 'model_name'?" in " ".join(shown.stdout.split())) == (1, True)


def test_a_check_that_breaks_is_a_failed_row_and_the_others_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def telegram(_: Surroundings) -> Finding:
        raise ZeroDivisionError("of its own")

    telegram.__module__ = people.__name__
    monkeypatch.setattr(people, "telegram", telegram)
    monkeypatch.setattr("tradai_lifecycle.cli.checks._modules", lambda: (installation, people))
    with Surroundings([scene.premises.root / "config.json"]) as at:
        found = {finding.name: finding for finding in examine(at)}
    assert (found["telegram"].level, found["telegram"].detail) == (Level.FAIL, "ZeroDivisionError: of its own")
    assert found["channels"].level is Level.OK


@pytest.mark.host
def test_no_secret_is_shown_or_logged_whatever_fails(scene: Scene) -> None:
    secrets = {
        "registry": "hidden-registry",
        "database": "hidden-database",
        "exchange": "hidden-exchange-key",
        "channel": "hidden-channel",
        "hook": "hidden-hook",
    }
    unreachable_registry(scene)
    config = json.loads((scene.premises.root / "config.json").read_text())
    config["tradai_lifecycle"] |= {
        "registry_uri": config["tradai_lifecycle"]["registry_uri"].replace("hidden-word", secrets["registry"]),
        "telegram": {"token": TOKEN, "chat_id": "42", "base_url": "http://127.0.0.1:1"},
        "notices": {"apprise_urls": [f"nowhere://{secrets['channel']}"]},
    }
    config |= {"db_url": f"postgresql://bot:{secrets['database']}@127.0.0.1:1/trades"}
    config["exchange"] |= {"key": secrets["exchange"], "secret": secrets["exchange"]}
    config["webhook"] = {"enabled": False, "url": f"https://example.org/{secrets['hook']}"}
    (scene.premises.root / "config.json").write_text(json.dumps(config))

    command = [str(Path(sys.executable).with_name("tradai")), "doctor", "-c", "config.json"]
    done = subprocess.run(command, cwd=scene.premises.root, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 1
    assert done.stdout.count("fail") >= 3
    for secret in (*secrets.values(), TOKEN):
        assert secret not in done.stdout + done.stderr


def test_a_secret_in_an_error_is_masked() -> None:
    at = Surroundings([])
    at._parts["configuration"] = _bot({"exchange": {"secret": "s3cret-value"}})
    finding = at.without_secrets(ok("POST https://u:pw@host/path with s3cret-value"))
    assert finding.detail == "POST https://***@host/path with ***"


def _bot(config: dict[str, Any]) -> Any:
    from tradai_lifecycle.cli.options import Bot
    from tradai_lifecycle.config import LifecycleConfig

    return Bot(freqtrade_config=config, lifecycle=LifecycleConfig(model_name="demo"))
