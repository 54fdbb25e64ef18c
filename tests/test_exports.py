"""Every module, found and not listed, exports exactly what it defines for others, and says what each thing is."""

import ast
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import tradai_lifecycle

PACKAGE = tradai_lifecycle.__name__
EVERY = {found.name: found.ispkg for found in pkgutil.walk_packages(tradai_lifecycle.__path__, f"{PACKAGE}.")}
ROOMS = [name for name, is_room in EVERY.items() if is_room]
MODULES = [name for name, is_room in EVERY.items() if not is_room]
#: Its guards bear the names of freqtrade's callbacks, and are reached through its table alone.
BY_TABLE = f"{PACKAGE}.strategy.guards"
KINDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def tree_of(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(name)))


def public(nodes: list[ast.stmt]) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    return [node for node in nodes if isinstance(node, KINDS) and not node.name.startswith("_")]


def defined_in(module: ModuleType) -> set[str]:
    """The public classes and functions of a module, without what it imports."""
    return {
        name
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_module_exports_what_it_defines_and_nothing_that_is_not_there(name: str) -> None:
    module = importlib.import_module(name)
    assert set(module.__all__) <= vars(module).keys()
    assert len(module.__all__) == len(set(module.__all__))
    assert name == BY_TABLE or defined_in(module) <= set(module.__all__)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_exports_what_it_imports_for_others(name: str) -> None:
    room, body = importlib.import_module(name), tree_of(name).body
    imported = {alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
    exported = set(getattr(room, "__all__", ()))
    assert exported <= imported | defined_in(room)
    assert public(body) or exported == imported


@pytest.mark.parametrize("name", [*ROOMS, *MODULES])
def test_everything_public_says_what_it_is(name: str) -> None:
    tree = tree_of(name)
    kinds = public(tree.body)
    methods = [method for kind in kinds if isinstance(kind, ast.ClassDef) for method in public(kind.body)]
    assert ast.get_docstring(tree)
    assert [node.name for node in (*kinds, *methods) if not ast.get_docstring(node)] == []
