"""The choice of a registry by its address."""

from pathlib import Path

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import InvalidConfigValueError
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.model.source import ModelSource


def open_source(config: LifecycleConfig, user_data_dir: Path) -> ModelSource:
    """The registry that `config.registry_uri` names; nothing is contacted yet.

    `directory:PATH` is a folder, PATH being relative to `user_data_dir`. `sqlite:///PATH` and `http(s)://SERVER` are
    MLflow; a relative PATH is relative to the current directory, as in SQLAlchemy. Raises InvalidConfigValueError for
    any other address.
    """
    uri = config.registry_uri
    if uri.startswith("directory:"):
        return LocalDirectorySource(config.path_in(user_data_dir, uri.removeprefix("directory:")), config.model_name)
    if uri.startswith(("sqlite:///", "http://", "https://")):
        return MlflowSource(uri, config.model_name)
    raise InvalidConfigValueError("registry_uri", uri, "use sqlite:///PATH, http(s)://SERVER or directory:PATH")


__all__ = ["open_source"]
