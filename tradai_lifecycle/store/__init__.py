"""What survives a restart: the ledger and its records."""

from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import (
    AdoptionRecord,
    BatchRecord,
    BoundReasons,
    OperatorRecord,
    PinRecord,
    PredictionRecord,
    RetrainingRequest,
    StateRecord,
    StoredEvent,
    deciding_records,
    feature_hash,
)

__all__ = [
    "AdoptionRecord",
    "BatchRecord",
    "BoundReasons",
    "Ledger",
    "OperatorRecord",
    "PinRecord",
    "PredictionRecord",
    "RetrainingRequest",
    "StateRecord",
    "StoredEvent",
    "deciding_records",
    "feature_hash",
]
