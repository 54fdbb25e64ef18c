"""`tradai status, pause, resume, reduce`: see a bot and tell it what to do, from another process."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, ConfigFiles, Note, UserData, load_bot, operator_name
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import InvalidConfigValueError
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BoundReasons, OperatorRecord, StateRecord

_STATE_STYLE = {TradingState.ACTIVE: "green", TradingState.REDUCED: "yellow", TradingState.PAUSED: "red"}


def status(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, as_json: AsJson = False) -> None:
    """Show each pair's state and why, the model in charge, and what operators said."""
    bot = load_bot(config, userdir)
    with bot.ledger() as ledger:
        report = status_report(ledger, bot.lifecycle)
    if as_json:
        typer.echo(json.dumps(report))
        return
    _print_status(report)


def pause(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, note: Note = "") -> None:
    """Stop entries of the whole bot until `tradai resume`. Exits run on."""
    # the one command that may make the file: a pause is the safe side
    _record(config, userdir, action=OperatorAction.PAUSE, note=note, create=True)
    typer.echo("paused: no entries until `tradai resume`; a running bot follows within one loop")


def resume(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, note: Note = "") -> None:
    """Lift an operator's pause and reduce, and trade on over the drift present now, for a limited time.

    A new reason or a higher severity ends that; so does time. A fault of the lifecycle itself cannot be resumed over.
    """
    bot = load_bot(config, userdir)
    now = datetime.now(UTC)
    with bot.ledger() as ledger:
        bound = bound_of(ledger.latest_states().values())
        expires = now + timedelta(hours=bot.lifecycle.operator_resume_hours)
        ledger.record_operator(
            action=OperatorAction.RESUME, who=operator_name(), note=note, at=now, bound=bound, expires_at=expires
        )
    typer.echo("resumed; a running bot follows within one loop")
    for pair, held in bound.items():
        typer.echo(f"  {pair} trades over: {'; '.join(held.reasons.words)} (until {expires:%Y-%m-%d %H:%M} UTC)")


def reduce(
    ratio: Annotated[float, typer.Argument(help="share of the stake, above 0 up to 1; 1 lifts the reduction")],
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    note: Note = "",
) -> None:
    """Cut the stake of every entry to RATIO."""
    if not (math.isfinite(ratio) and 0.0 < ratio <= 1.0):
        raise InvalidConfigValueError("reduce", ratio, "the ratio must be above 0 and at most 1")
    _record(config, userdir, action=OperatorAction.REDUCE, note=note, ratio=ratio)
    typer.echo(f"stakes are cut to {ratio:.0%}; a running bot follows within one loop")


def bound_of(states: Iterable[StateRecord]) -> dict[str, BoundReasons]:
    """What a resume given now is bound to: each held pair's reasons, the share of drifting pairs among them."""
    known = tuple(states)
    shared = any(state.severity is Severity.SIGNIFICANT for state in known)
    extra = Reason.BOT_PAUSE_SHARE if shared else Reason.NONE
    return {
        state.pair: BoundReasons(reasons=state.reasons | extra, severity=state.severity)
        for state in known
        if state.state is not TradingState.ACTIVE or shared
    }


def status_report(ledger: Ledger, config: LifecycleConfig) -> dict[str, Any]:
    """Everything `tradai status` shows, as JSON-ready values."""
    batch, pin = ledger.last_batch(), ledger.pin()
    return {
        "model": config.model_name,
        "mode": config.mode.value,
        "version": batch.version if batch is not None else None,
        "last_batch": batch.candle.isoformat() if batch is not None else None,
        "pinned": (pin.version or "current") if pin is not None and pin.pinned else None,
        "operator": [_operator(record) for record in ledger.operator()],
        "pairs": {pair: _pair(state, config) for pair, state in sorted(ledger.latest_states().items())},
        "retraining_requests": [
            {
                "version": request.version,
                "pair": request.pair,
                "candle": request.candle.isoformat(),
                "detail": request.detail,
            }
            for request in ledger.open_retraining_requests()
        ],
        "drift_must_hold": _persistence(ledger, config),
    }


# How long drift must hold before it counts, in candles, and in days where the ledger knows the candle's length.
def _persistence(ledger: Ledger, config: LifecycleConfig) -> dict[str, dict[str, float | None]]:
    newest = ledger.states(limit=50)
    opened = sorted({state.candle for state in newest})
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(opened)]
    candle_days = min(gaps) / 86_400 if gaps else None
    held = {"reduced": config.moderate_persistence, "paused": config.significant_persistence}
    return {
        state: {"candles": candles, "days": round(candles * candle_days, 2) if candle_days else None}
        for state, candles in held.items()
    }


def _operator(record: OperatorRecord) -> dict[str, Any]:
    return {
        "action": record.action.value,
        "who": record.who,
        "at": record.at.isoformat(),
        "note": record.note,
        "ratio": record.ratio,
        "expires_at": record.expires_at.isoformat() if record.expires_at is not None else None,
    }


def _pair(state: StateRecord, config: LifecycleConfig) -> dict[str, Any]:
    enough = state.effective_predictions >= config.minimum_effective_predictions
    return {
        "candle": state.candle.isoformat(),
        "state": state.effective.label,
        "automatic_state": state.state.label,
        "severity": state.severity.label,
        "reasons": list(state.reasons.words),
        "stake_ratio": state.stake_ratio,
        "version": state.version,
        "psi_max": _figure(state.psi_max),
        "psi_over_limit": _figure(state.significant_ratio),
        "accuracy": _figure(state.accuracy),
        "effective_predictions": _figure(state.effective_predictions),
        "accuracy_rule": "judging" if enough else "insufficient_data",
    }


def _figure(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _print_status(report: dict[str, Any]) -> None:
    console = Console()
    version = report["version"] or "no batch predicted yet"
    pinned = f", pinned to {report['pinned']}" if report["pinned"] else ""
    console.print(f"{report['model']} {version}{pinned}, mode {report['mode']}, last batch {report['last_batch']}")
    for record in report["operator"]:
        console.print(f"operator: {record['action']} by {record['who']} at {record['at']} {record['note']}".rstrip())
    table = Table("pair", "state", "stake", "PSI", "PSI/limit", "accuracy", "n_eff", "why")
    for pair, state in report["pairs"].items():
        style = _STATE_STYLE[TradingState[state["state"].upper()]]
        figures = [_cell(state[name]) for name in ("psi_max", "psi_over_limit", "accuracy")]
        counted = _cell(state["effective_predictions"])
        figures.append(counted if state["accuracy_rule"] == "judging" else f"{counted}, too few")
        why = "; ".join(state["reasons"]) or "healthy"
        table.add_row(pair, f"[{style}]{state['state']}[/]", f"{state['stake_ratio']:.2f}", *figures, why)
    console.print(table)
    console.print(_persistence_line(report["drift_must_hold"]))
    for request in report["retraining_requests"]:
        console.print(f"retraining wanted for {request['version']} since {request['candle']}: {request['detail']}")


def _persistence_line(held: dict[str, dict[str, float | None]]) -> str:
    parts = [f"{span['candles']} candles{_days(span['days'])} before a pair is {state}" for state, span in held.items()]
    return f"drift must fill the window and hold {', '.join(parts)}; measured delays: docs/statistics.md"


def _days(days: float | None) -> str:
    return "" if days is None else f" ({days:g} days)"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _record(
    config: list[Any],
    userdir: Any,
    *,
    action: OperatorAction,
    note: str,
    ratio: float | None = None,
    create: bool = False,
) -> None:
    bot = load_bot(config, userdir)
    with bot.ledger(create=create) as ledger:
        ledger.record_operator(action=action, who=operator_name(), note=note, at=datetime.now(UTC), ratio=ratio)


__all__ = ["pause", "reduce", "resume", "status", "status_report"]
