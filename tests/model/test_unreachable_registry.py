"""A registry that refuses, hangs, drips or babbles is unreachable, and says so in time."""

import threading
import time
import traceback
from contextlib import contextmanager
from functools import partial

import pytest

from tests.model.bundles import artefact
from tests.model.hostile_servers import (
    DRIP_BODY,
    DRIP_HEADERS,
    DRIP_UNMEASURED_BODY,
    SILENT,
    hostile_server,
    refusing_address,
)
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import InvalidConfigValueError, RegistryUnreachableError
from tradai_lifecycle.model import open_source
from tradai_lifecycle.model.mlflow_registry import MlflowSource

NOT_JSON = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"
WRONG_PATH = b'HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{"detail":"not here"}'
A_LIST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
CUT_SHORT = b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"registered'
FORBIDDEN = b'HTTP/1.1 401 Unauthorized\r\nContent-Length: 16\r\n\r\n{"message":"no"}'


@pytest.mark.parametrize("behaviour", [SILENT, DRIP_HEADERS, DRIP_BODY, DRIP_UNMEASURED_BODY])
def test_a_server_that_never_finishes_is_cut_off_at_the_deadline(behaviour):
    with hostile_server(behaviour) as address:
        source = MlflowSource(address, "btc", deadline_seconds=0.5)
        began = time.monotonic()
        for ask in (source.production_version, lambda: source.describe("1")):
            with pytest.raises(RegistryUnreachableError, match=r"within 0\.5 seconds"):
                ask()
        assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("answer", [NOT_JSON, WRONG_PATH, A_LIST, CUT_SHORT, FORBIDDEN])
def test_a_server_that_is_not_a_registry_is_unreachable_not_empty(answer):
    with hostile_server(answer) as address:
        source = MlflowSource(address, "btc")
        with pytest.raises(RegistryUnreachableError):
            source.production_version()


def test_a_refused_connection_is_unreachable():
    with pytest.raises(RegistryUnreachableError, match="cannot be reached"):
        MlflowSource(refusing_address(), "btc").production_version()


def test_closing_ends_a_call_that_hangs():
    with hostile_server(SILENT) as address:
        source = MlflowSource(address, "btc", deadline_seconds=60.0)
        ended = threading.Event()

        def ask():
            with pytest.raises(RegistryUnreachableError):
                source.production_version()
            ended.set()

        thread = threading.Thread(target=ask)
        thread.start()
        source.close()
        assert ended.wait(3.0)
        thread.join()
        with pytest.raises(RegistryUnreachableError):
            source.production_version()


@contextmanager
def refusing_server():
    yield refusing_address()


@pytest.mark.parametrize("credentials", ["anna:SEKRET", "anna:SE%40KRET", "SEKRET"])
@pytest.mark.parametrize("answer", [None, FORBIDDEN, NOT_JSON, A_LIST])
@pytest.mark.parametrize("ask", ["production_version", "versions", "register"])
def test_a_password_in_the_address_is_in_no_error_and_no_traceback(tmp_path, ask, answer, credentials):
    with refusing_server() if answer is None else hostile_server(answer) as address:
        source = MlflowSource(address.replace("http://", f"http://{credentials}@"), "btc")
        registering = partial(source.register, artefact(tmp_path / "model"), metrics={}, parameters={}, tags={})
        with pytest.raises(RegistryUnreachableError) as raised:
            (registering if ask == "register" else getattr(source, ask))()
    told = [source.uri, repr(raised.value), *traceback.format_exception(raised.value)]
    assert "KRET" not in "".join(told)
    assert address in str(raised.value)


def test_a_password_that_a_library_quotes_is_not_shown():
    with pytest.raises(RegistryUnreachableError) as raised:
        MlflowSource("http://anna:SEKRET@127.0.0.1:99999", "btc").production_version()
    assert "SEKRET" not in "".join(traceback.format_exception(raised.value)).replace("anna:SEKRET@127.0.0.1:99999", "")
    assert "SEKRET" not in str(raised.value)


def test_a_database_that_does_not_exist_is_an_empty_registry_and_is_not_made(tmp_path):
    source = MlflowSource(f"sqlite:///{tmp_path / 'mlflow.db'}", "btc")
    assert (source.production_version(), source.versions()) == (None, ())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_unreachable(tmp_path):
    (tmp_path / "mlflow.db").write_text("this is not a database, " * 100)
    with pytest.raises(RegistryUnreachableError):
        MlflowSource(f"sqlite:///{tmp_path / 'mlflow.db'}", "btc").production_version()


def test_a_folder_with_a_damaged_state_file_is_unreachable(tmp_path):
    (tmp_path / "registry" / "btc").mkdir(parents=True)
    (tmp_path / "registry" / "btc" / "registry.json").write_text('{"production": ')
    config = LifecycleConfig(model_name="btc", registry_uri="directory:registry")
    with pytest.raises(RegistryUnreachableError):
        open_source(config, tmp_path).production_version()


def test_another_kind_of_address_is_a_mistake_of_the_configuration(tmp_path):
    with pytest.raises(InvalidConfigValueError, match="registry_uri"):
        open_source(LifecycleConfig(model_name="btc", registry_uri="postgres://somewhere"), tmp_path)
