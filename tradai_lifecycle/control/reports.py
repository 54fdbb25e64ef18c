"""What answers hold, as frozen values. Their fields are the keys of `--json`; figures that are not known are NaN."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tradai_lifecycle.control.delays import FaultDelay
from tradai_lifecycle.states import AccuracyVerdict, CommandName, CommandOutcome, Reason, Severity, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The root of all reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Report):
    """What a command that changes something says of itself: one sentence, and lines below it."""

    detail: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFigure:
    """One monitored series at a pair's newest candle. `ratio` is PSI over the significant limit; beyond 1 is drift."""

    name: str
    psi: float
    limit: float
    moderate_limit: float
    ratio: float
    monitorable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftFigure:
    """One shift of the market or of a relation, as a ratio to the limit at which it pauses."""

    name: str
    group: str
    strayed: float
    limit: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionFigure:
    """How often predictions of one direction were right, with the 95 % interval by their effective number."""

    accuracy: float
    predictions: int
    effective_predictions: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyBeside:
    """What stands beside an accuracy, over the same window. No decision follows from any of it.

    `always_up` is what always saying up would have reached. `p_value` is how often chance gives a Pesaran-Timmermann
    statistic as large. `coverage` is the share of the candles with a prediction outside the dead band. Lengths in days
    are NaN where the length of a candle is not known, the validated figures where the model has none.
    """

    window_candles: int
    window_days: float
    predictions: int
    up: DirectionFigure
    down: DirectionFigure
    always_up: float
    pesaran_timmermann: float
    p_value: float
    coverage: float
    validated_accuracy: float
    validated_effective_predictions: float
    needed_candles: float
    needed_days: float
    widest_window_candles: int
    widest_window_days: float

    @property
    def cannot_be_judged(self) -> bool:
        """Whether the widest window cannot hold what the accuracy rules need to be heard."""
        return self.needed_candles > self.widest_window_candles


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyFigure:
    """The directional accuracy of a pair, with its 95 % interval.

    `effective_predictions` is how many independent predictions it is worth. The rules are mute below `minimum`.
    `beside` is None where the bot has not written it.
    """

    pair: str
    version: str
    candle: datetime
    accuracy: float
    lower: float
    upper: float
    effective_predictions: float
    minimum: int
    floor: float
    verdict: AccuracyVerdict
    beside: AccuracyBeside | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWord:
    """Something an operator said that still counts."""

    action: str
    who: str
    at: datetime
    note: str
    ratio: float | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open trade. `profit_ratio` is against the newest close, with fees as freqtrade counts them."""

    pair: str
    side: str
    stake: float
    profit_ratio: float
    opened_at: datetime
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStatus:
    """One pair: its effective `state` now, the automatic one behind it, and the figures of its newest candle.

    `since` is the candle from which the effective state has been the same; with `since_at_least` it may be older.
    """

    state: TradingState
    since: datetime
    since_at_least: bool
    automatic_state: TradingState
    severity: Severity
    reasons: Reason
    stake_ratio: float
    version: str
    candle: datetime
    psi_max: float
    psi_over_limit: float
    accuracy: AccuracyFigure
    worst_series: tuple[SeriesFigure, ...]
    shifts: tuple[ShiftFigure, ...]
    unmonitorable: tuple[str, ...]
    monitorable_series: int
    training_windows: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFacts:
    """What the bot said of itself at its last batch."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCommand:
    """The newest command that was to change the model, as long as it is not done."""

    command: CommandName
    version: str
    who: str
    at: datetime
    outcome: CommandOutcome
    detail: str
    #: promotion alone: it was begun, and nobody knows whether the registry took it
    unfinished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingWish:
    """An open request for a new model."""

    version: str
    pair: str
    candle: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How long drift must hold before it counts; `days` is None where the length of a candle is not known."""

    candles: int
    days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport(Report):
    """Everything about the bot at a glance. `bot` is None until it has run once.

    `features_differ` are the findings where features are not computed as in training, in words.
    """

    at: datetime
    model: str
    mode: str
    state: TradingState | None
    since: datetime | None
    version: str | None
    adopted_at: datetime | None
    last_batch: datetime | None
    candle_age_minutes: float | None
    pinned: str | None
    awaiting: str | None
    bot: BotFacts | None
    operator: tuple[OperatorWord, ...]
    model_command: ModelCommand | None
    incident_since: datetime | None
    muted_until: datetime | None
    pairs: Mapping[str, PairStatus]
    positions: tuple[Position, ...]
    retraining_requests: tuple[RetrainingWish, ...]
    drift_must_hold: Mapping[str, Persistence]
    fault_delays: tuple[FaultDelay, ...]
    fault_delays_other_settings: tuple[str, ...]
    features_differ: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link of the chain from evidence to effective state; with `since_at_least` it may be older than `since`."""

    link: str
    finding: str
    since: datetime | None = None
    since_at_least: bool = False
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyReport(Report):
    """The chain of reasons of each pair, evidence first; `bot` are the links that all pairs share."""

    at: datetime
    bot: tuple[Step, ...]
    pairs: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One registered version."""

    version: str
    stage: str
    aliases: tuple[str, ...]
    production: bool
    in_charge: bool
    created_at: datetime
    digest: str | None
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsReport(Report):
    """The registered versions, newest first."""

    model: str
    versions: tuple[VersionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDrift:
    """Every monitored series of a pair at its newest candle and every shift, the largest ratio first.

    `expected_alarms_per_1000` are significant alarms per 1,000 candles without drift, 0 for less than one in all of
    training, NaN where training cannot say; `days_per_alarm` is the same in days.
    """

    candle: datetime
    version: str
    training_windows: float
    series: tuple[SeriesFigure, ...]
    shifts: tuple[ShiftFigure, ...]
    expected_alarms_per_1000: float
    days_per_alarm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport(Report):
    """PSI of each series against its limit. `whole` asks for every series to be shown, not only the worst."""

    pairs: Mapping[str, PairDrift]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyReport(Report):
    """The directional accuracy of each pair."""

    pairs: Mapping[str, AccuracyFigure]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedEntry:
    """An entry that was refused (`share` 1) or whose stake was cut by `share`.

    `move` is what the part that was not traded would have made to the newest close, as a ratio of its stake: negative
    is a loss that was avoided. `worth` is that in stake currency; NaN for a refusal, whose stake was never asked for.
    """

    at: datetime
    pair: str
    side: str
    what: str
    share: float
    rate: float
    close: float
    move: float
    worth: float
    reasons: Reason
    observed_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedReport(Report):
    """Refused and cut entries since a moment, newest first. `unpriced` have no rate or no newest close."""

    since: datetime
    stake_currency: str
    entries: tuple[BlockedEntry, ...]
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One event, in words and in values."""

    at: datetime
    kind: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport(Report):
    """What happened, newest first."""

    entries: tuple[HistoryEntry, ...]


__all__ = [
    "AccuracyBeside",
    "AccuracyFigure",
    "AccuracyReport",
    "BlockedEntry",
    "BlockedReport",
    "BotFacts",
    "DirectionFigure",
    "DriftReport",
    "HistoryEntry",
    "HistoryReport",
    "ModelCommand",
    "OperatorWord",
    "PairDrift",
    "PairStatus",
    "Persistence",
    "Position",
    "Report",
    "RetrainingWish",
    "Said",
    "SeriesFigure",
    "ShiftFigure",
    "StatusReport",
    "Step",
    "VersionRow",
    "VersionsReport",
    "WhyReport",
]
