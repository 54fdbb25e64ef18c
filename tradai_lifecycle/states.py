"""The words of the lifecycle: severities, trading states, reasons and outcomes. No behaviour beyond naming."""

from enum import IntEnum, IntFlag, StrEnum


class Severity(IntEnum):
    """How far the evidence of one pair at one candle is from the training data. Ordered by strictness."""

    NONE = 0
    MODERATE = 1
    SIGNIFICANT = 2

    @property
    def label(self) -> str:
        """The lower-case word shown in columns, logs and messages."""
        return self.name.lower()


class TradingState(IntEnum):
    """What a pair may do. Ordered by strictness, so that `max` gives the stricter of two."""

    ACTIVE = 0
    REDUCED = 1
    PAUSED = 2

    @property
    def label(self) -> str:
        """The lower-case word shown in columns, logs and messages."""
        return self.name.lower()


class Reason(IntFlag):
    """Why a pair is not fully active. One bit each, so that a whole frame's reasons are one array of uint32."""

    NONE = 0
    WARMING_UP = 1 << 0
    PSI_MODERATE = 1 << 1
    PSI_SIGNIFICANT = 1 << 2
    ACCURACY_BREACH = 1 << 3
    ACCURACY_FELL = 1 << 27
    RECOVERING = 1 << 4
    NOT_FINITE = 1 << 5
    CONSTANT_FEATURE = 1 << 6
    FROZEN_FEED = 1 << 7
    OUT_OF_RANGE = 1 << 8
    SCALE_CHANGED = 1 << 9
    CANDLES_IRREGULAR = 1 << 10
    ADOPTED_WHILE_PAUSED = 1 << 11
    MODEL_MISSING = 1 << 12
    MODEL_FAILED = 1 << 13
    MONITOR_FAILED = 1 << 14
    SCHEMA_MISMATCH = 1 << 15
    NO_REFERENCE = 1 << 24
    STRATEGY_FAILED = 1 << 25
    MARKET_MODERATE = 1 << 28
    MARKET_SIGNIFICANT = 1 << 29
    RELATION_MODERATE = 1 << 30
    RELATION_BROKEN = 1 << 31
    # of a frame where the golden candles differ, of the gate where the newest rows do
    FEATURES_DIFFER = 1 << 26
    # the ones below are known to the gate alone: they are not a function of a pair's candles
    STALE_FEED = 1 << 16
    NOT_ANALYSED = 1 << 17
    STORE_FAILED = 1 << 18
    GATE_FAILED = 1 << 19
    OPERATOR_PAUSED = 1 << 20
    OPERATOR_REDUCED = 1 << 21
    BOT_PAUSE_SHARE = 1 << 22
    STAKE_BELOW_MINIMUM = 1 << 23

    @property
    def words(self) -> tuple[str, ...]:
        """Each set reason in words, strictest first where it matters to a reader."""
        return tuple(text for flag, text in _REASON_WORDS.items() if flag in self)


_REASON_WORDS: dict[Reason, str] = {
    Reason.OPERATOR_PAUSED: "paused by the operator",
    Reason.STORE_FAILED: "the lifecycle's database cannot be used",
    Reason.GATE_FAILED: "the entry gate failed",
    Reason.MODEL_MISSING: "no model is loaded",
    Reason.MODEL_FAILED: "the model failed to predict",
    Reason.MONITOR_FAILED: "the health monitor failed",
    Reason.STRATEGY_FAILED: "the strategy's own code failed",
    Reason.SCHEMA_MISMATCH: "the strategy's features are not the model's",
    Reason.FEATURES_DIFFER: "the features are not computed as in training",
    Reason.NO_REFERENCE: "the model was not trained on this pair",
    Reason.BOT_PAUSE_SHARE: "too many pairs drift significantly",
    Reason.NOT_ANALYSED: "the pair has no analysed candle",
    Reason.STALE_FEED: "the pair's last candle is too old",
    Reason.CANDLES_IRREGULAR: "candles are missing, doubled or out of order",
    Reason.NOT_FINITE: "features are NaN or infinite",
    Reason.FROZEN_FEED: "the close price has not moved for longer than in training",
    Reason.CONSTANT_FEATURE: "a feature is stuck for longer than in training",
    Reason.OUT_OF_RANGE: "features are outside the range of training",
    Reason.SCALE_CHANGED: "a feature's scale is not that of training",
    Reason.RELATION_BROKEN: "a feature no longer moves with its partners as in training",
    Reason.PSI_SIGNIFICANT: "significant drift of the features",
    Reason.MARKET_SIGNIFICANT: "the market has changed more than it ever did in training",
    Reason.ACCURACY_BREACH: "directional accuracy is below its floor",
    Reason.ACCURACY_FELL: "directional accuracy has fallen below validation",
    Reason.PSI_MODERATE: "moderate drift of the features",
    Reason.MARKET_MODERATE: "the market has changed against its recent past",
    Reason.RELATION_MODERATE: "features begin to move apart from their partners",
    Reason.ADOPTED_WHILE_PAUSED: "a model was swapped in while paused",
    Reason.RECOVERING: "recovering after a pause",
    Reason.OPERATOR_REDUCED: "stake reduced by the operator",
    Reason.STAKE_BELOW_MINIMUM: "the cut stake is below the exchange's minimum",
    Reason.WARMING_UP: "warming up",
}

#: Faults of the data: they make a severity significant at once, and never ask for retraining.
QUALITY_REASONS = (
    Reason.NOT_FINITE
    | Reason.CONSTANT_FEATURE
    | Reason.FROZEN_FEED
    | Reason.OUT_OF_RANGE
    | Reason.SCALE_CHANGED
    | Reason.CANDLES_IRREGULAR
    | Reason.RELATION_BROKEN
)
#: Faults of ours: they block entries, never exit a position, and no operator can resume over them.
FAULT_REASONS = (
    Reason.WARMING_UP
    | Reason.MODEL_MISSING
    | Reason.MODEL_FAILED
    | Reason.MONITOR_FAILED
    | Reason.SCHEMA_MISMATCH
    | Reason.FEATURES_DIFFER
    | Reason.NO_REFERENCE
    | Reason.STRATEGY_FAILED
    | Reason.STALE_FEED
    | Reason.NOT_ANALYSED
    | Reason.STORE_FAILED
    | Reason.GATE_FAILED
)
#: Something is broken between exchange and model: it pauses, and never asks for retraining, which would learn it.
BUG_REASONS = QUALITY_REASONS | Reason.STALE_FEED | Reason.SCHEMA_MISMATCH | Reason.FEATURES_DIFFER
#: Evidence about the model itself: the only reasons on which `positions_at_pause: exit` leaves a position.
DRIFT_REASONS = Reason.PSI_SIGNIFICANT | Reason.MARKET_SIGNIFICANT | Reason.ACCURACY_BREACH


class Unchecked(StrEnum):
    """Why a feature cannot be compared with what training computed from the golden candles."""

    NOT_REPEATABLE = "not_repeatable"
    OTHER_CANDLES = "other_candles"
    FRAME_START = "frame_start"

    @property
    def words(self) -> str:
        """What was found at training."""
        return _UNCHECKED_WORDS[self]


_UNCHECKED_WORDS: dict[Unchecked, str] = {
    Unchecked.NOT_REPEATABLE: "two computations on the same candles differ",
    Unchecked.OTHER_CANDLES: "it reads other candles through the data provider",
    Unchecked.FRAME_START: "it depends on where its frame begins, beyond startup_candle_count",
}


class AccuracyVerdict(IntEnum):
    """What the accuracy rule can say at a candle."""

    INSUFFICIENT_DATA = 0
    HEALTHY = 1
    BREACHED = 2
    FELL = 3


class CandidateOutcome(StrEnum):
    """What became of a model version that the watcher found. Every refusal keeps the old model."""

    STAGED = "staged"
    ALREADY_CURRENT = "already_current"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    HELD_BY_PIN = "held_by_pin"
    HELD_BY_SWAP_LIMIT = "held_by_swap_limit"
    NOT_READY = "not_ready"
    INCOMPLETE = "incomplete"
    DIGEST_MISMATCH = "digest_mismatch"
    UNTRUSTED_TYPE = "untrusted_type"
    UNREADABLE = "unreadable"
    WRONG_FEATURES = "wrong_features"
    WRONG_HORIZON = "wrong_horizon"
    WRONG_TIMEFRAME = "wrong_timeframe"
    WRONG_WINDOW = "wrong_window"
    NOT_FINITE = "not_finite"
    GOLDEN_SAMPLE_DIFFERS = "golden_sample_differs"
    ENTRY_RATE_OUT_OF_BAND = "entry_rate_out_of_band"


class SwapOutcome(StrEnum):
    """What a call on the slot did."""

    STAGED = "staged"
    ADOPTED = "adopted"
    NOTHING_STAGED = "nothing_staged"
    ROLLED_BACK = "rolled_back"
    NO_PREVIOUS = "no_previous"
    PINNED = "pinned"


class Role(IntEnum):
    """What a person may do. Ordered: each role may do all that the ones before it may."""

    VIEWER = 0
    OPERATOR = 1
    APPROVER = 2

    @property
    def label(self) -> str:
        """The lower-case word used in the configuration and in messages."""
        return self.name.lower()


class CommandName(StrEnum):
    """What a person may tell the lifecycle or ask of it, over any transport."""

    STATUS = "status"
    WHY = "why"
    PAUSE = "pause"
    RESUME = "resume"
    REDUCE = "reduce"
    VERSIONS = "versions"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    PIN = "pin"
    UNPIN = "unpin"
    ADOPT = "adopt"
    DRIFT = "drift"
    ACCURACY = "accuracy"
    BLOCKED = "blocked"
    RETRAIN = "retrain"
    ACK = "ack"
    RESOLVE = "resolve"
    RESET_DRIFT = "reset-drift"
    HISTORY = "history"


class CommandOutcome(StrEnum):
    """How an operator's command ended. Pending is not done: the bot has not yet acted on it."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"
    DENIED = "denied"
    UNCONFIRMED = "unconfirmed"


class OperatorAction(StrEnum):
    """What an operator told the bot. The newest record decides.

    END_RESUME is the bot's own note that a resume over drift has ended for the pairs it names; it lifts nothing.
    RESET_DRIFT names the candle from which evidence of drift counts anew; it neither lifts nor sets a pause.
    """

    PAUSE = "pause"
    RESUME = "resume"
    REDUCE = "reduce"
    END_RESUME = "end_resume"
    RESET_DRIFT = "reset_drift"


class Mode(StrEnum):
    """Whether decisions reach the trades."""

    ACT = "act"
    OBSERVE = "observe"


class Adoption(StrEnum):
    """Who lets a checked candidate take over."""

    AUTO = "auto"
    CONFIRM = "confirm"
    PINNED = "pinned"


class Thresholds(StrEnum):
    """Where limits come from: what training shows, a rate of false alarms in it, a series' own past, the bare rule."""

    CALIBRATED = "calibrated"
    TARGET_FALSE_ALARMS_PER_1000 = "target_false_alarms_per_1000"
    DYNAMIC = "dynamic"
    FIXED = "fixed"


class SignificantRule(StrEnum):
    """What counts as significant drift: one feature held beyond its limit, or that with other evidence beside it."""

    ANY_FEATURE = "any_feature"
    CORROBORATED = "corroborated"


class PositionsAtPause(StrEnum):
    """What happens to open positions when drift or accuracy pauses their pair."""

    HOLD = "hold"
    EXIT = "exit"


class ExitsWithoutPrediction(StrEnum):
    """What the exit signal says on candles that carry no prediction."""

    HOLD = "hold"
    EXIT = "exit"
    STRATEGY = "strategy"


__all__ = [
    "BUG_REASONS",
    "DRIFT_REASONS",
    "FAULT_REASONS",
    "QUALITY_REASONS",
    "AccuracyVerdict",
    "Adoption",
    "CandidateOutcome",
    "CommandName",
    "CommandOutcome",
    "ExitsWithoutPrediction",
    "Mode",
    "OperatorAction",
    "PositionsAtPause",
    "Reason",
    "Role",
    "Severity",
    "SignificantRule",
    "SwapOutcome",
    "Thresholds",
    "TradingState",
    "Unchecked",
]
