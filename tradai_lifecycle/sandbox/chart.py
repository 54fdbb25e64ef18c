"""Charts as inline SVG: panels below each other on one axis of time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from math import floor, isfinite, log10

WIDTH = 1_100
LEFT, RIGHT = 74, 24
PLOT = WIDTH - LEFT - RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """The range of time that every panel shows."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """The horizontal place of a time."""
        return LEFT + PLOT * ((at - self.start) / (self.end - self.start))

    def ticks(self) -> list[datetime]:
        """Midnights, some seven of them."""
        days = max(1, round((self.end - self.start).days / 8))
        first = self.start.astimezone(UTC).replace(hour=0, minute=0) + timedelta(days=1)
        count = (self.end - first) // timedelta(days=days) + 1
        return [first + timedelta(days=days) * number for number in range(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve; values that are not finite interrupt it."""

    points: Sequence[tuple[datetime, float]]
    colour: str
    name: str
    dashes: str = ""
    width: float = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A symbol at a time and a value: "up" or "down" triangle, with the text shown when pointed at."""

    at: datetime
    value: float
    shape: str
    colour: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A coloured stretch of time. `name` is its CSS class and the text shown when pointed at."""

    start: datetime
    end: datetime
    colour: str
    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A vertical line through a panel, with a label at its top."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Curves over one vertical axis. `limits` are dashed levels with their names."""

    label: str
    unit: str
    height: int
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    spans: Sequence[Span] = ()
    limits: Sequence[tuple[float, str]] = ()
    events: Sequence[Event] = field(default=())
    floor: float | None = None

    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value shown, with a margin."""
        values = [value for line in self.lines for _, value in line.points if isfinite(value)]
        values += [level for level, _ in self.limits]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        margin = 0.06 * (high - low) or abs(high) * 0.01 or 1.0
        return (low - margin if self.floor is None else self.floor), high + margin


def draw_panel(panel: Panel, axis: TimeAxis) -> str:
    """One panel as a complete `<svg>` element with labelled axes."""
    low, high = panel.bounds()
    top, bottom = 22, panel.height - 24

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    body = [_frame(top, bottom), *_value_ticks(low, high, y, panel.unit), *_time_ticks(axis, top, bottom)]
    body += [_shade(span, axis, top, bottom) for span in panel.spans]
    body += [_limit(y(level), name) for level, name in panel.limits]
    body += [_curve(line, axis, y) for line in panel.lines]
    body += [_mark(mark, axis.x(mark.at), y(mark.value)) for mark in panel.marks]
    body += [_event(event, axis.x(event.at), top, bottom) for event in panel.events]
    title = f'<text class="label" x="{LEFT}" y="14">{escape(panel.label)}</text>'
    return _svg(panel.height, panel.label, [title, *body])


def draw_bands(rows: Sequence[tuple[str, Sequence[Span]]], axis: TimeAxis, events: Iterable[Event], label: str) -> str:
    """Rows of coloured spans, one row per name, as a complete `<svg>` element."""
    top, step = 36, 30
    bottom = top + step * len(rows)
    body = [f'<text class="label" x="{LEFT}" y="14">{escape(label)}</text>']
    for number, (name, spans) in enumerate(rows):
        place = top + step * number
        body.append(f'<text class="tick" x="{LEFT - 6}" y="{place + 17}" text-anchor="end">{escape(name)}</text>')
        body += [_band(span, axis, place, step - 8) for span in spans]
    body += [
        *_time_ticks(axis, top, bottom),
        *(_event(event, axis.x(event.at), top, bottom, above=True) for event in events),
    ]
    return _svg(bottom + 24, label, body)


def legend(items: Iterable[tuple[str, str]]) -> str:
    """Coloured squares with names: (name, colour)."""
    entries = (f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in items)
    return f'<p class="legend">{"".join(entries)}</p>'


def _svg(height: int, label: str, body: Iterable[str]) -> str:
    opening = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label, quote=True)}">'
    return "\n".join([opening, *body, "</svg>"])


def _frame(top: int, bottom: int) -> str:
    return f'<rect class="frame" x="{LEFT}" y="{top}" width="{PLOT}" height="{bottom - top}"/>'


def _value_ticks(low: float, high: float, y: Callable[[float], float], unit: str) -> Iterable[str]:
    step = _round_step((high - low) / 4)
    first = -(-low // step)
    for number in range(5):
        value = (first + number) * step
        if value > high:
            return
        at = y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{LEFT + PLOT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        shown = _number(value, step) + unit
        yield f'<text class="tick" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{shown}</text>'


def _time_ticks(axis: TimeAxis, top: int, bottom: int) -> Iterable[str]:
    for tick in axis.ticks():
        at = axis.x(tick)
        yield f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{bottom}"/>'
        yield f'<text class="tick" x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:%b %d}</text>'


def _shade(span: Span, axis: TimeAxis, top: int, bottom: int) -> str:
    return _rectangle(span, axis, top, bottom - top, 'fill-opacity="0.13"')


def _band(span: Span, axis: TimeAxis, top: int, height: int) -> str:
    return _rectangle(span, axis, top, height, 'rx="2"')


def _rectangle(span: Span, axis: TimeAxis, top: int, height: int, extra: str) -> str:
    left, width = axis.x(span.start), axis.x(span.end) - axis.x(span.start)
    place = f'x="{left:.1f}" y="{top}" width="{max(width, 0.5):.1f}" height="{height}"'
    title = f"<title>{escape(span.title)}</title>"
    return f'<rect class="span {escape(span.name)}" {place} fill="{span.colour}" {extra}>{title}</rect>'


def _limit(at: float, name: str) -> str:
    line = f'<line class="limit" x1="{LEFT}" x2="{LEFT + PLOT}" y1="{at:.1f}" y2="{at:.1f}"/>'
    return f'{line}<text class="limit-name" x="{LEFT + 6}" y="{at - 5:.1f}">{escape(name)}</text>'


def _curve(line: Line, axis: TimeAxis, y: Callable[[float], float]) -> str:
    parts, pen = [], "M"
    for at, value in line.points:
        if not isfinite(value):
            pen = "M"
            continue
        parts.append(f"{pen}{axis.x(at):.1f} {y(value):.1f}")
        pen = "L"
    dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
    stroke = f'stroke="{line.colour}" stroke-width="{line.width}"{dashes}'
    title = f"<title>{escape(line.name)}</title>"
    return f'<path fill="none" stroke-linejoin="round" {stroke} d="{"".join(parts)}">{title}</path>'


def _mark(mark: Mark, x: float, y: float) -> str:
    way = 1 if mark.shape == "up" else -1
    corners = f"{x:.1f},{y + 2 * way:.1f} {x - 4:.1f},{y + 10 * way:.1f} {x + 4:.1f},{y + 10 * way:.1f}"
    return f'<polygon points="{corners}" fill="{mark.colour}"><title>{escape(mark.title)}</title></polygon>'


def _event(event: Event, at: float, top: int, bottom: int, *, above: bool = False) -> str:
    line = f'<line class="event" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{bottom}"/>'
    height = top - 4 if above else top + 12
    return f'{line}<text class="event-name" x="{at + 4:.1f}" y="{height}">{escape(event.label)}</text>'


def _round_step(raw: float) -> float:
    scale: float = 10.0 ** floor(log10(raw)) if raw > 0 else 1.0
    return next(factor * scale for factor in (1, 2, 2.5, 5, 10) if factor * scale >= raw * 0.999)


def _number(value: float, step: float) -> str:
    decimals = max(0, -floor(log10(step))) + (1 if f"{step:.0e}"[0] == "2" and step % 1 == 0.5 else 0)
    return f"{value:,.{decimals}f}"


__all__ = ["Event", "Line", "Mark", "Panel", "Span", "TimeAxis", "draw_bands", "draw_panel", "legend"]
