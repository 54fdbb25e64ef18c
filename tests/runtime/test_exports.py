"""Both rooms export exactly what their `__all__` says, each name from one place."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import tradai_lifecycle.model
import tradai_lifecycle.runtime

ROOMS = [tradai_lifecycle.model, tradai_lifecycle.runtime]
MODULES = [f"{room.__name__}.{module.name}" for room in ROOMS for module in pkgutil.iter_modules(room.__path__)]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_a_room_exports_what_it_imports(room):
    tree = ast.parse(Path(room.__file__).read_text())
    imported = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(imported) == sorted(room.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_defines_what_it_exports(name):
    module = importlib.import_module(name)
    assert [missing for missing in module.__all__ if not hasattr(module, missing)] == []


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_says_what_it_is(name):
    tree = ast.parse(Path(importlib.import_module(name).__file__).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    methods = [
        method for node in public if isinstance(node, ast.ClassDef) for method in node.body
        if isinstance(method, kinds) and not method.name.startswith("_")
    ]  # fmt: skip
    assert [node.name for node in (*public, *methods) if not ast.get_docstring(node)] == []
