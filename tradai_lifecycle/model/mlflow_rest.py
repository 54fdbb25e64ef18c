"""The two questions of every poll, asked of an MLflow server without MLflow: single GETs with a deadline."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from tradai_lifecycle.errors import ModelNotFoundError, RegistryUnreachableError
from tradai_lifecycle.model.deadline_http import DeadlineExceededError, DeadlineGetter
from tradai_lifecycle.model.source import VersionRecord

READY = "READY"
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"


class MlflowRest:
    """Reads one registered model over MLflow's REST protocol 2.0. Every call ends within `deadline_seconds`.

    Raises ModelNotFoundError for what the server does not have, RegistryUnreachableError for every other failure.
    """

    def __init__(self, address: str, name: str, deadline_seconds: float) -> None:
        self._address = address
        self._name = name
        self._shown = without_password(address)
        self._getter = DeadlineGetter(deadline_seconds, _authenticate)

    def aliases_and_stages(self) -> tuple[dict[str, str], dict[str, str]]:
        """The version of each alias, and the highest version of each stage."""
        model = self._get("registered-models/get", {"name": self._name}, "registered model")["registered_model"]
        return (
            {entry["alias"]: str(entry["version"]) for entry in model.get("aliases", ())},
            {entry["current_stage"]: str(entry["version"]) for entry in model.get("latest_versions", ())},
        )

    def describe(self, version: str) -> VersionRecord:
        """What the server knows of one version."""
        answer = self._get("model-versions/get", {"name": self._name, "version": version}, f"version {version}")
        entry = answer["model_version"]
        return VersionRecord(
            name=entry["name"],
            version=str(entry["version"]),
            stage=entry["current_stage"],
            aliases=tuple(sorted(entry.get("aliases", ()))),
            run_id=entry.get("run_id") or None,
            created_at=utc_of_milliseconds(entry["creation_timestamp"]),
            tags={tag["key"]: tag.get("value", "") for tag in entry.get("tags", ())},
            ready=entry.get("status") == READY,
        )

    def close(self) -> None:
        """End the calls that are under way, and all later ones. Never raises."""
        self._getter.close()

    def _get(self, path: str, parameters: Mapping[str, str], what: str) -> Mapping[str, Any]:
        try:
            status, body = self._getter.get(f"{self._address}/api/2.0/mlflow/{path}", parameters)
        except (requests.RequestException, DeadlineExceededError) as error:
            raise RegistryUnreachableError(self._shown, self._hidden(f"{type(error).__name__}: {error}")) from (
                error if self._shown == self._address else None
            )
        if not isinstance(body, dict):
            raise RegistryUnreachableError(self._shown, f"it answered HTTP {status} without a JSON object")
        if body.get("error_code") == NOT_FOUND:
            raise ModelNotFoundError(self._name, what)
        if status != requests.codes.ok:
            raise RegistryUnreachableError(
                self._shown, self._hidden(f"it answered HTTP {status}: {body.get('message', '')}")
            )
        return body

    def _hidden(self, text: str) -> str:
        return without_credentials(text, self._address)


def utc_of_milliseconds(milliseconds: float) -> datetime:
    """MLflow's timestamps as aware UTC times."""
    return datetime.fromtimestamp(float(milliseconds) / 1_000, UTC)


def without_password(address: str) -> str:
    """`address` without the user and password it may carry."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else address


def without_credentials(text: str, address: str) -> str:
    """`text` without the user and password that `address` carries, in whatever form a library has quoted them."""
    credentials = urlsplit(address).netloc.rpartition("@")[0]
    if not credentials:
        return text
    _, colon, password = credentials.partition(":")
    secret = password if colon else credentials
    text = text.replace(f"{credentials}@", "").replace(f"{unquote(credentials)}@", "")
    for form in {secret, unquote(secret)} - {""}:
        text = text.replace(form, "***")
    return text


# The variables MLflow's own client reads.
def _authenticate(session: requests.Session) -> None:
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    certificate = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    if user is not None:
        session.auth = (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))
    elif token is not None:
        session.headers["Authorization"] = f"Bearer {token}"
    if certificate:
        session.verify = certificate


__all__ = ["NOT_FOUND", "READY", "MlflowRest", "utc_of_milliseconds", "without_credentials", "without_password"]
