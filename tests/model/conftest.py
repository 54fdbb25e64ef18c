"""A real MLflow server and a real MLflow database, each started once."""

import os
import socket
import subprocess
import sys
import time

import pytest
import requests


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory):
    """The address of a SQLite registry that the first user of it initialises."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory):
    """The address of an `mlflow server` on loopback, with its artefacts proxied."""
    home = tmp_path_factory.mktemp("mlflow-server")
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{home / 'server.db'}",
            "--artifacts-destination", str(home / "artefacts"),
        ],
        env={**os.environ, **quiet}, stdout=log, stderr=subprocess.STDOUT, cwd=home, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until_healthy(address, server, home / "log")
        yield address
    finally:
        os.killpg(server.pid, 15)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, 9)
            server.wait()
        log.close()


def wait_until_healthy(address, server, log):
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(f"{address}/health", timeout=1).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail(f"mlflow server did not start:\n{log.read_text()[-2_000:]}")
