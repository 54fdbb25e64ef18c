"""A command starts without what it does not use: a person waits for each import."""

import subprocess
import sys

import pytest

#: What takes a noticeable time to import, and belongs into the functions that need it.
HEAVY = ("freqtrade", "matplotlib", "mlflow", "pandas", "sklearn", "telegram", "tradai_lifecycle.sandbox")


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that the command tree itself brings."""
    program = "import sys, tradai_lifecycle.cli.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", HEAVY)
def test_the_command_tree_does_not_import(module: str, imported: set[str]) -> None:
    assert module not in imported
