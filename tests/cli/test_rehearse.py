"""What `tradai rehearse` and `tradai demo` say before they begin."""

import importlib.util
from importlib.machinery import ModuleSpec
from typing import Any

import pytest
from typer.testing import CliRunner

from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.rehearse import RehearsalPartsMissingError


@pytest.mark.parametrize("command", [["demo"], ["rehearse", "--from", "2024-01-01", "--to", "2024-01-02"]])
def test_missing_parts_are_named_before_anything_is_done(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    found = importlib.util.find_spec

    def without_time_machine(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "time_machine" else found(name, package)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tradai_lifecycle.cli.rehearse.find_spec", without_time_machine)
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RehearsalPartsMissingError)
    assert str(result.exception) == ("A rehearsal needs time-machine. Next: pip install 'tradai-lifecycle[rehearsal]'.")
    assert list(tmp_path.iterdir()) == []
