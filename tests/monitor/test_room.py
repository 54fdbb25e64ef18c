"""The room as a whole: what it exports, and that all its values are frozen."""

import importlib
import pkgutil
from dataclasses import fields, is_dataclass

import pytest

from tradai_lifecycle import monitor

MODULES = [f"{monitor.__name__}.{found.name}" for found in pkgutil.iter_modules(monitor.__path__)]


@pytest.mark.parametrize("name", [monitor.__name__, *MODULES])
def test_every_exported_name_exists_and_is_listed_in_order(name):
    module = importlib.import_module(name)
    assert all(hasattr(module, exported) for exported in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_every_exported_value_is_frozen_slotted_and_keyword_only(name):
    module = importlib.import_module(name)
    for exported in (getattr(module, export) for export in module.__all__):
        if isinstance(exported, type) and is_dataclass(exported):
            assert exported.__dataclass_params__.frozen, exported
            assert "__slots__" in vars(exported), exported
            assert all(field.kw_only for field in fields(exported)), exported
