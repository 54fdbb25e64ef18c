"""A rehearsal as one HTML page: inline SVG, no script, nothing loaded from anywhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

import pandas as pd

from tradai_lifecycle.sandbox.chart import (
    Event,
    Line,
    Mark,
    Panel,
    Span,
    TimeAxis,
    draw_bands,
    draw_panel,
    legend,
)
from tradai_lifecycle.sandbox.timeline import RehearsalResult, RehearsedTrade, turning_points
from tradai_lifecycle.states import TradingState
from tradai_lifecycle.store.records import StateRecord

STATE_COLOURS = {TradingState.ACTIVE: "#2e9e5b", TradingState.REDUCED: "#e0a100", TradingState.PAUSED: "#d64545"}
PAIR_COLOURS = ("#2b6cb0", "#8a4fbf", "#0f8b8d", "#b7651d")
_WITH, _WITHOUT = "#1d7a46", "#8a8f98"
_ENTRY, _GAIN, _LOSS = "#2b6cb0", "#2e9e5b", "#d64545"

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 28px 24px 60px; max-width: 1140px; background: #fff; color: #1c2430;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 25px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 30px 0 4px; }
p { margin: 4px 0 8px; max-width: 90ch; } .lead { color: #465264; }
svg { display: block; width: 100%; height: auto; margin: 2px 0 6px; }
svg text { font-family: inherit; } .label { font-size: 13px; font-weight: 600; fill: #1c2430; }
.tick { font-size: 11.5px; fill: #465264; } .frame { fill: none; stroke: #c3cad4; }
.grid { stroke: #e8ebf0; } .limit { stroke: #b03030; stroke-dasharray: 6 4; }
.limit-name { font-size: 11.5px; fill: #b03030; } .event { stroke: #14527e; stroke-width: 1.4; stroke-dasharray: 2 3; }
.event-name { font-size: 12px; font-weight: 600; fill: #14527e; }
.legend { font-size: 13px; color: #465264; } .legend span { margin-right: 18px; white-space: nowrap; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; }
table { border-collapse: collapse; margin: 8px 0; font-size: 14px; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid #e8ebf0; vertical-align: top; }
th { color: #465264; font-weight: 600; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.state { padding: 1px 7px; border-radius: 9px; color: #fff; font-size: 12px; }
.state.active { background: #237d48; } .state.reduced { background: #8f6700; } .state.paused { background: #c03434; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the page shows. `rows` are figures for the table: name, trades, profit, share of the wallet, drawdown."""

    title: str
    lead: str
    result: RehearsalResult
    without: RehearsalResult | None
    candles: Mapping[str, pd.DataFrame]
    rows: Sequence[tuple[str, int, float, float, float]] = ()
    notes: Sequence[str] = ()


def report_page(report: Report) -> str:
    """The whole page as text."""
    result = report.result
    axis = TimeAxis(start=result.equity[0].candle, end=result.equity[-1].candle + _candle_duration(result))
    pairs = list(dict.fromkeys(state.pair for state in result.states))
    events = _version_events(result)
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="lead">{escape(report.lead)}</p>',
        _figures_table(report.rows, result.stake_currency),
        "".join(f"<p>{escape(note)}</p>" for note in report.notes),
        _states_section(result, pairs, axis, events),
        _prices_section(report, pairs, axis, events),
        _drift_section(result, pairs, axis, events),
        _equity_section(report, axis, events),
        _timeline_table(result),
    ]
    head = f'<meta charset="utf-8"><title>{escape(report.title)}</title><style>{_STYLE}</style>'
    icon = '<link rel="icon" href="data:,">'
    body = "\n".join(parts)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}{icon}</head>\n<body>\n{body}\n</body></html>\n'


def state_spans(states: Sequence[StateRecord], duration: timedelta) -> list[Span]:
    """One pair's consecutive candles of the same effective state, as spans."""
    spans: list[Span] = []
    begun: StateRecord | None = None
    for state, following in zip(states, [*states[1:], None], strict=True):
        begun = begun or state
        if following is None or following.effective is not state.effective:
            label = state.effective.label
            end = state.candle + duration if following is None else following.candle
            why = "; ".join(begun.reasons.words) or "healthy"
            title = f"{state.pair} {label} from {begun.candle:%b %d %H:%M} to {end:%b %d %H:%M} UTC: {why}"
            colour = STATE_COLOURS[state.effective]
            spans.append(Span(start=begun.candle, end=end, colour=colour, name=label, title=title))
            begun = None
    return spans


def _states_section(result: RehearsalResult, pairs: Sequence[str], axis: TimeAxis, events: Sequence[Event]) -> str:
    duration = _candle_duration(result)
    rows = [(pair, state_spans(result.states_of(pair), duration)) for pair in pairs]
    colours = legend([(state.label, colour) for state, colour in STATE_COLOURS.items()])
    return f"<h2>Trading states</h2>{colours}{draw_bands(rows, axis, events, 'what each pair may do')}"


def _prices_section(report: Report, pairs: Sequence[str], axis: TimeAxis, events: Sequence[Event]) -> str:
    duration = _candle_duration(report.result)
    named = [("entry", _ENTRY), ("exit with a gain", _GAIN), ("exit with a loss", _LOSS)]
    parts = ["<h2>Price and trades</h2>", legend(named)]
    for pair in pairs:
        frame = report.candles[pair]
        shown = frame[(frame["date"] >= axis.start) & (frame["date"] < axis.end)]
        points = list(zip(shown["date"].dt.to_pydatetime(), shown["close"].tolist(), strict=True))
        panel = Panel(
            label=f"{pair}, close, with the bot's trades",
            unit="",
            height=210,
            lines=[Line(points=points, colour="#3a4656", name=f"{pair} close", width=1.1)],
            marks=list(_trade_marks(trade for trade in report.result.trades if trade.pair == pair)),
            spans=[span for span in state_spans(report.result.states_of(pair), duration) if span.name != "active"],
            events=events,
        )
        parts.append(draw_panel(panel, axis))
    return "\n".join(parts)


def _drift_section(result: RehearsalResult, pairs: Sequence[str], axis: TimeAxis, events: Sequence[Event]) -> str:
    named = list(zip(pairs, PAIR_COLOURS, strict=False))
    lines = [
        Line(
            points=[(state.candle, state.significant_ratio) for state in result.states_of(pair)],
            colour=colour,
            name=pair,
        )
        for pair, colour in named
    ]
    panel = Panel(
        label="largest PSI over its limit, of the series that are watched",
        unit="",
        height=220,
        lines=lines,
        limits=[(1.0, "significant from here on, once it holds"), (0.75, "")],
        events=events,
        floor=0.0,
    )
    text = (
        "The population stability index compares the newest window of each feature with its training. Above 1.0 for "
        "half a window the pair is paused; below 0.75 the drift lets go. A new model brings a new reference."
    )
    return f"<h2>Drift</h2><p>{text}</p>{legend(named)}{draw_panel(panel, axis)}"


def _equity_section(report: Report, axis: TimeAxis, events: Sequence[Event]) -> str:
    runs = [("with the lifecycle", _WITH, "", report.result)]
    if report.without is not None:
        runs.append(("without: the first model goes on at full stake", _WITHOUT, "5 3", report.without))
    lines = [
        Line(
            points=[(point.candle, point.equity) for point in run.equity],
            colour=colour,
            name=name,
            dashes=dashes,
            width=2.0,
        )
        for name, colour, dashes, run in runs
    ]
    currency = report.result.stake_currency
    panel = Panel(label=f"worth of the wallet in {currency}", unit="", height=220, lines=lines, events=events)
    named = legend([(name, colour) for name, colour, _, _ in runs])
    return f"<h2>Equity</h2>{named}{draw_panel(panel, axis)}"


def _trade_marks(trades: Iterable[RehearsedTrade]) -> Iterable[Mark]:
    for trade in trades:
        entered = f"entry {trade.opened_at:%b %d %H:%M} UTC by {trade.version}, stake {trade.stake:.2f}"
        yield Mark(at=trade.opened_at, value=trade.open_rate, shape="up", colour=_ENTRY, title=entered)
        if trade.closed_at is not None and trade.close_rate is not None:
            left = f"exit {trade.closed_at:%b %d %H:%M} UTC, {trade.profit:+.2f}, {trade.exit_reason}"
            colour = _GAIN if trade.profit > 0 else _LOSS
            yield Mark(at=trade.closed_at, value=trade.close_rate, shape="down", colour=colour, title=left)


def _version_events(result: RehearsalResult) -> list[Event]:
    adopted = (entry for entry in result.entries if entry.kind == "model_adopted")
    return [Event(at=entry.candle, label=entry.after or "") for entry in adopted]


def _figures_table(rows: Sequence[tuple[str, int, float, float, float]], currency: str) -> str:
    if not rows:
        return ""
    heads = ("trades", f"profit in {currency}", "of the wallet", "largest drawdown")
    head = "<th></th>" + "".join(f'<th class="number">{name}</th>' for name in heads)
    body = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(
            f'<td class="number">{text}</td>' for text in (trades, f"{profit:+.2f}", f"{ratio:+.2%}", f"{fall:.2%}")
        )
        + "</tr>"
        for name, trades, profit, ratio, fall in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _timeline_table(result: RehearsalResult) -> str:
    rows = []
    for entry, count in turning_points(result.entries):
        times = f" &times; {count}" if count > 1 else ""
        change = f"{_badge(entry.before)} &rarr; {_badge(entry.after)}" if entry.after else ""
        why = "; ".join(entry.reasons) or str(entry.details.get("detail") or entry.details.get("message") or "")
        cells = (
            f"{entry.candle:%Y-%m-%d %H:%M}",
            escape(entry.kind.replace("_", " ")) + times,
            escape(entry.pair or ""),
            change,
            escape(entry.version or ""),
            escape(why),
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("candle (UTC)", "event", "pair", "change", "model", "why"))
    return f"<h2>Timeline</h2><table><tr>{head}</tr>{''.join(rows)}</table>"


def _badge(word: str | None) -> str:
    if word in {state.label for state in TradingState}:
        return f'<span class="state {word}">{word}</span>'
    return escape(word or "none")


def _candle_duration(result: RehearsalResult) -> timedelta:
    moments: list[datetime] = [point.candle for point in result.equity[:2]]
    return moments[1] - moments[0] if len(moments) > 1 else timedelta(hours=1)


__all__ = ["Report", "report_page", "state_spans"]
