"""The room exports the ledger and every record."""

import inspect
from importlib import import_module

from tradai_lifecycle import store


def test_the_room_exports_the_ledger_and_every_record() -> None:
    records = import_module("tradai_lifecycle.store.records")
    classes = {name for name in records.__all__ if inspect.isclass(getattr(records, name))}
    assert set(store.__all__) == classes | {"Ledger", "deciding_records", "feature_hash"}
    assert all(getattr(store, name) is getattr(records, name) for name in classes)
