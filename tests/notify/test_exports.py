"""The room's modules export exactly what they define for others, and say what each thing is."""

import ast
import importlib
import inspect
import pkgutil

import pytest

import tradai_lifecycle.notify

MODULES = [
    f"tradai_lifecycle.notify.{module.name}" for module in pkgutil.iter_modules(tradai_lifecycle.notify.__path__)
]
KINDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@pytest.mark.parametrize("name", MODULES)
def test_all_names_every_public_class_and_function_and_nothing_that_is_not_there(name: str) -> None:
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
        and not key.startswith("_")
    }
    assert defined <= set(module.__all__) <= vars(module).keys()
    assert len(module.__all__) == len(set(module.__all__))


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_says_what_it_is(name: str) -> None:
    tree = ast.parse(inspect.getsource(importlib.import_module(name)))
    public = [node for node in tree.body if isinstance(node, KINDS) and not node.name.startswith("_")]
    methods = [
        method for node in public if isinstance(node, ast.ClassDef) for method in node.body
        if isinstance(method, KINDS) and not method.name.startswith("_")
    ]  # fmt: skip
    assert ast.get_docstring(tree)
    assert [node.name for node in (*public, *methods) if not ast.get_docstring(node)] == []
