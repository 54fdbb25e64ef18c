"""The room exports what it defines, from one place each, and documents it."""

import inspect
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

from tradai_lifecycle import store

MODULES = [import_module(f"{store.__name__}.{found.name}") for found in iter_modules(store.__path__)]


def defined_in(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_is_what_is_defined(module: ModuleType) -> None:
    constants = {name for name in module.__all__ if name.isupper() or name == "Row"}
    assert set(module.__all__) - constants == defined_in(module)
    assert all(hasattr(module, name) for name in constants)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_everything_public_is_documented(module: ModuleType) -> None:
    for name in defined_in(module):
        value = getattr(module, name)
        members = {key: member for key, member in vars(value).items() if inspect.isclass(value)}
        methods = [key for key, member in members.items() if inspect.isfunction(member) and not key.startswith("_")]
        undocumented = [key for key in methods if not members[key].__doc__]
        assert (bool(value.__doc__), undocumented) == (True, []), name


def test_the_room_exports_the_ledger_and_every_record() -> None:
    records = import_module("tradai_lifecycle.store.records")
    classes = {name for name in records.__all__ if inspect.isclass(getattr(records, name))}
    assert set(store.__all__) == classes | {"Ledger", "deciding_records", "feature_hash"}
    assert all(getattr(store, name) is getattr(records, name) for name in classes)
