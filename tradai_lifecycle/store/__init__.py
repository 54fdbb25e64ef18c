"""What survives a restart: the ledger and its records."""

from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import (
    AdoptionRecord,
    BatchRecord,
    BotRecord,
    BoundReasons,
    OperatorRecord,
    PairSeries,
    PinRecord,
    PositionRecord,
    PredictionRecord,
    RetrainingRequest,
    SeriesRecord,
    StateRecord,
    StoredEvent,
    deciding_records,
    feature_hash,
)

__all__ = [
    "AdoptionRecord",
    "BatchRecord",
    "BotRecord",
    "BoundReasons",
    "Ledger",
    "OperatorRecord",
    "PairSeries",
    "PinRecord",
    "PositionRecord",
    "PredictionRecord",
    "RetrainingRequest",
    "SeriesRecord",
    "StateRecord",
    "StoredEvent",
    "deciding_records",
    "feature_hash",
]
