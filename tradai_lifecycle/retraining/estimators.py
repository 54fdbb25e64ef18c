"""Which scikit-learn estimator a name stands for."""

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.model.bundle import ModelTask

#: Estimators of these modules need features on one scale; trees do not.
_SCALED_MODULES = ("sklearn.linear_model", "sklearn.svm", "sklearn.neighbors", "sklearn.neural_network")


class UnknownEstimatorError(ConfigurationError):
    """The name is not that of a scikit-learn classifier or regressor."""

    def __init__(self, name: str, nearest: str | None) -> None:
        hint = f" Did you mean {nearest}?" if nearest else ""
        super().__init__(f"--estimator: scikit-learn has no classifier or regressor named {name!r}.{hint}")


class EstimatorParameterError(ConfigurationError):
    """A parameter that the estimator does not have."""

    def __init__(self, estimator: str, parameter: str, known: list[str]) -> None:
        nearest = get_close_matches(parameter, known, n=1)
        hint = f" Did you mean {nearest[0]}?" if nearest else f" It has: {', '.join(known)}."
        super().__init__(f"--param: {estimator} has no parameter {parameter!r}.{hint}")


def make_estimator(name: str, parameters: Mapping[str, object], *, seed: int) -> tuple[Any, ModelTask]:
    """A fresh estimator by its class name, seeded where it can be, scaled where it must be, and what it predicts."""
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - scikit-learn takes seconds to import
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from sklearn.utils import all_estimators  # noqa: PLC0415

    found = dict(all_estimators(type_filter=["classifier", "regressor"]))
    if name not in found:
        nearest = get_close_matches(name, found, n=1, cutoff=0.4)
        raise UnknownEstimatorError(name, nearest[0] if nearest else None)
    kind = found[name]
    known = list(inspect.signature(kind).parameters)
    for parameter in parameters:
        if parameter not in known:
            raise EstimatorParameterError(name, parameter, known)
    seeded = {"random_state": seed} if "random_state" in known else {}
    estimator = kind(**{**seeded, **parameters})
    task = ModelTask.CLASSIFICATION if hasattr(kind, "predict_proba") else ModelTask.REGRESSION
    if kind.__module__.startswith(_SCALED_MODULES):
        estimator = make_pipeline(StandardScaler(), estimator)
    return estimator, task


__all__ = ["EstimatorParameterError", "UnknownEstimatorError", "make_estimator"]
