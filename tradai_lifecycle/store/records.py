"""What the ledger keeps, as values: one frozen record per kind of row. Every datetime is aware and in UTC."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.events import Event
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState

#: Counts how features are laid out as bytes: little-endian float64, in the bundle's order, nothing between them.
FEATURE_LAYOUT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundReasons:
    """What a resume was told about one pair: it lifts a pause for this much evidence and no more."""

    reasons: Reason
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecord:
    """One thing an operator told the bot. `ratio` is the share of the stake of a reduce, in (0, 1]; 1 lifts it.

    `candle` of a RESET_DRIFT is the open time of the first candle whose evidence of drift counts again.
    """

    sequence: int
    at: datetime
    action: OperatorAction
    who: str
    note: str
    ratio: float | None = None
    candle: datetime | None = None
    bound: Mapping[str, BoundReasons] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRecord:
    """Whether the model version is pinned, and to which one. `version` None means: whichever is in charge.

    A pin that is lifted and names a version says that a person lets this one take over (`adoption: confirm`).
    """

    pinned: bool
    version: str | None
    at: datetime
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionRecord:
    """A version took over: `adopted_candle` is the open time of the first candle it judged."""

    sequence: int
    version: str
    previous_version: str | None
    adopted_candle: datetime
    adopted_at: datetime
    state_before: Mapping[str, TradingState]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRecord:
    """What was decided for one pair at one candle. Figures that were not known are NaN.

    `accuracy_lower` and `accuracy_upper` bound the accuracy as its rule sees it. These and `close` are NaN in rows of a
    database that was written before they were kept.
    """

    pair: str
    candle: datetime
    version: str
    severity: Severity
    state: TradingState
    effective: TradingState
    reasons: Reason
    stake_ratio: float
    psi_max: float
    significant_ratio: float
    accuracy: float
    effective_predictions: float
    close: float = math.nan
    accuracy_lower: float = math.nan
    accuracy_upper: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictionRecord:
    """One prediction with the feature row it was made from, `(n_features,)` float64, as evidence.

    The features are copied and made read-only. `feature_hash` is computed when it is left empty; a stored record keeps
    the hash it was written with, so `feature_hash(record.features) != record.feature_hash` shows damage.
    Two records are equal when every field is, features bit by bit (NaN equals NaN).
    """

    pair: str
    candle: datetime
    version: str
    features: NDArray[np.float64]
    feature_hash: str = ""
    prediction: float
    do_predict: int
    effective: TradingState

    def __post_init__(self) -> None:
        features = np.array(self.features, dtype=np.float64)
        features.setflags(write=False)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "feature_hash", self.feature_hash or feature_hash(features))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PredictionRecord) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        # + 0.0 makes -0.0 and 0.0 one value, as they are to SQLite
        prediction = float.hex(float(self.prediction) + 0.0)
        key = (self.pair, self.candle, self.version, self.feature_hash)
        return (*key, feature_bytes(self.features), prediction, self.do_predict, self.effective)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """Evidence asks for a new model. Open until `closed_at`; one open request per version."""

    sequence: int
    at: datetime
    pair: str
    candle: datetime
    version: str
    reasons: Reason
    detail: str
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """The newest batch that was predicted: which candle, by which version, and when."""

    version: str
    candle: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRecord:
    """An open trade of the bot, as freqtrade had it when it was looked at. `side` is "long" or "short".

    `profit_ratio` is against the newest close, with the fees freqtrade counts; NaN where no close is known. `version`
    is the model version that entered the trade, "none" where that is not known.
    """

    pair: str
    side: str
    stake: float
    profit_ratio: float
    opened_at: datetime
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotRecord:
    """What a running bot says of itself. It is replaced with every batch and at least once a minute.

    So an `at` that is minutes old means that the process has ended, or cannot write. `freqtrade_state` is freqtrade's
    own: "running", "paused" or "stopped". `registry_seen_at` is the last poll that reached the registry (None: none did
    since the start), `registry_problem` what the newest poll failed of ("" where it did not), `awaiting` the version
    that passed the checks and waits for a person, such as "v8".
    """

    at: datetime
    started_at: datetime
    timeframe: str
    horizon_candles: int
    window_candles: int
    freqtrade_state: str
    dry_run: bool
    stake_currency: str
    registry_seen_at: datetime | None
    registry_problem: str
    awaiting: str | None
    positions: tuple[PositionRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRecord:
    """One monitored series of a pair at its newest candle: PSI over the window (NaN if not full) beside its limits."""

    name: str
    psi: float
    moderate_limit: float
    significant_limit: float
    monitorable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRecord:
    """One shift of a pair: how many times its bounds of training it strays, and how many times it may.

    `group` is "market" or "relation". NaN before its window is full; an infinite limit is not acted on.
    """

    name: str
    group: str
    ratio: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionRecord:
    """How often predictions of one direction were right, with the 95 % interval by their effective number."""

    accuracy: float
    predictions: int
    effective_predictions: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRecord:
    """What stands beside a pair's accuracy at its newest candle, over the window its rule used; unknown is NaN.

    `needed_candles` is how many the rule needs to be heard, `widest_window_candles` how many it may use. The two
    validated figures are NaN where the model has none that live predictions compare with: then no fall is judged.
    """

    window_candles: int
    widest_window_candles: int
    needed_candles: float
    predictions: int
    up: DirectionRecord
    down: DirectionRecord
    always_up: float
    pesaran_timmermann: float
    p_value: float
    coverage: float
    validated_accuracy: float
    validated_effective_predictions: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSeries:
    """Every monitored series of a pair at its newest candle, the features in the model's order and the prediction last.

    `training_windows` is how many windows the pair's training data held. `expected_alarms_per_1000` are significant
    alarms per 1,000 candles without drift, as the training data judged itself; NaN where it did not. In rows that were
    written before they were kept, `accuracy` is None, `shifts` are empty and the expectation is NaN.
    """

    pair: str
    candle: datetime
    version: str
    training_windows: float
    series: tuple[SeriesRecord, ...]
    accuracy: AccuracyRecord | None = None
    shifts: tuple[ShiftRecord, ...] = ()
    expected_alarms_per_1000: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event with its place in the ledger: a higher sequence was recorded later."""

    sequence: int
    event: Event


def feature_bytes(features: NDArray[np.float64]) -> bytes:
    """The bytes a feature row is stored as, the same on every machine: little-endian float64."""
    return np.asarray(features, dtype="<f8").tobytes()


def feature_hash(features: NDArray[np.float64]) -> str:
    """SHA-256, in hex, of the layout's version and a feature row's bytes. Equal rows give equal hashes anywhere."""
    return sha256(b"features/%d:" % FEATURE_LAYOUT_VERSION + feature_bytes(features)).hexdigest()


def deciding_records(records: Iterable[OperatorRecord]) -> tuple[OperatorRecord, ...]:
    """The operator's records that still count, oldest first: at most one pause or resume, one reduce, one end.

    The newer of pause and resume counts. A reduce counts until a reduce to 1 or a resume comes after it: a resume lifts
    both. The end of a resume counts while that resume does. Whether a resume has expired is for its reader to say, who
    has the time. A reset of drift is no word about trading and never among them.
    """
    newest = {record.action: record for record in sorted(records, key=lambda record: record.sequence)}
    pause, resume = newest.get(OperatorAction.PAUSE), newest.get(OperatorAction.RESUME)
    reduce, end = newest.get(OperatorAction.REDUCE), newest.get(OperatorAction.END_RESUME)
    resumed = resume.sequence if resume else 0
    switch = pause if pause and pause.sequence > resumed else resume
    cut = reduce if reduce and reduce.sequence > resumed and reduce.ratio != 1.0 else None
    ended = end if end and resume and switch is resume and end.sequence > resumed else None
    return tuple(sorted((record for record in (switch, cut, ended) if record), key=lambda record: record.sequence))


__all__ = [
    "FEATURE_LAYOUT_VERSION",
    "AccuracyRecord",
    "AdoptionRecord",
    "BatchRecord",
    "BotRecord",
    "BoundReasons",
    "DirectionRecord",
    "OperatorRecord",
    "PairSeries",
    "PinRecord",
    "PositionRecord",
    "PredictionRecord",
    "RetrainingRequest",
    "SeriesRecord",
    "ShiftRecord",
    "StateRecord",
    "StoredEvent",
    "deciding_records",
    "feature_bytes",
    "feature_hash",
]
