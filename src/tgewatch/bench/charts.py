"""Charts as SVG, written by hand: bars, and lines over the number of feeds."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from tgewatch.bench.rows import shown

WIDTH, BAR, GAP, LEFT = 720, 22, 10, 250
COLOURS = ("#2563eb", "#94a3b8", "#f59e0b", "#16a34a")
TEXT = "#64748b"
"""Readable on white and on black."""
FONT = 'font-family="system-ui, sans-serif" font-size="13"'

Series = Mapping[str, Sequence[tuple[float, float]]]


def bars(title: str, unit: str, values: Sequence[tuple[str, float]]) -> str:
    """Return a chart of labelled values, longest bar as wide as there is room."""
    room = WIDTH - LEFT - 110
    most = max((value for _, value in values), default=0.0) or 1.0
    lines = []
    for number, (label, value) in enumerate(values):
        top = 44 + number * (BAR + GAP)
        long = max(1.0, room * value / most)
        colour = COLOURS[1] if number else COLOURS[0]
        lines += [
            _text(LEFT - 10, top + 16, label, anchor="end"),
            f'<rect x="{LEFT}" y="{top}" width="{long:.1f}" height="{BAR}" rx="3" fill="{colour}"/>',
            _text(LEFT + long + 8, top + 16, f"{shown(value)} {unit}"),
        ]
    return _drawing(title, 54 + len(values) * (BAR + GAP), lines)


def curves(title: str, across: str, series: Series) -> str:
    """Return a chart with both axes logarithmic; points of zero or less are left out."""
    found = {name: [p for p in points if min(p) > 0] for name, points in series.items()}
    xs = [x for points in found.values() for x, _ in points]
    ys = [y for points in found.values() for _, y in points]
    height, left, right, top, bottom = 380, 70, 150, 44, 50
    if not xs:
        return _drawing(title, height, [])
    x_of = _scale(min(xs), max(xs), left, WIDTH - right)
    low, high = 10.0 ** math.floor(math.log10(min(ys))), 10.0 ** math.ceil(math.log10(max(ys)))
    y_of = _scale(low, high, height - bottom, top)
    lines = []
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        y = y_of(10.0**power)
        lines += [
            f'<path d="M{left} {y:.1f}H{WIDTH - right}" stroke="{TEXT}" stroke-opacity="0.25"/>',
            _text(left - 8, y + 4, f"{10.0**power:,g}", anchor="end"),
        ]
    lines += [
        _text(x_of(x), height - bottom + 20, f"{x:,.0f}", anchor="middle") for x in sorted(set(xs))
    ]
    lines.append(_text((left + WIDTH - right) / 2, height - 10, across, anchor="middle"))
    ends: list[float] = []
    for number, (name, points) in enumerate(found.items()):
        if not points:
            continue
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        lines += [
            f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3.5" fill="{colour}"/>'
            for x, y in points
        ]
        x, y = points[-1]
        at = y_of(y)
        while any(abs(at - other) < 15 for other in ends):  # noqa: PLR2004 - height of a line
            at -= 15
        ends.append(at)
        lines.append(_text(x_of(x) + 8, at + 4, name, colour=colour))
    return _drawing(title, height, lines)


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = TEXT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _scale(low: float, high: float, begin: float, end: float) -> "Scale":
    return Scale(math.log10(low), math.log10(high), begin, end)


class Scale:
    """A logarithmic axis."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self._low, self._span = low, (high - low) or 1.0
        self._begin, self._end = begin, end

    def __call__(self, value: float) -> float:
        return self._begin + (math.log10(value) - self._low) / self._span * (
            self._end - self._begin
        )


def _drawing(title: str, height: float, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}"'
        f' height="{height:.0f}" role="img" aria-label="{escape(title)}" {FONT}>\n'
        f'<text x="10" y="24" font-size="15" font-weight="600" fill="{TEXT}">{escape(title)}</text>\n'
        f"{body}\n</svg>\n"
    )


def charts(figures: Mapping[str, float], sizes: Sequence[int]) -> dict[str, str]:
    """Return file name → SVG for whatever was measured."""

    def pick(*pairs: tuple[str, str]) -> list[tuple[str, float]]:
        return [(label, figures[name]) for label, name in pairs if name in figures]

    def over(*names: tuple[str, str]) -> dict[str, list[tuple[float, float]]]:
        return {
            label: [(float(n), figures[f"size.{n}.{name}"]) for n in sizes] for label, name in names
        }

    return {
        "bench-cycle.svg": bars(
            f"One cycle over {min(sizes)} feeds", "s",
            pick(("tgewatch, steady", "cycle.ours.seconds"),
                 ("tgewatch, first", "cycle.ours.first.seconds"),
                 ("bare client, slowest answer", "cycle.bare.seconds"),
                 ("naive, remembers pages", "cycle.remembering.seconds"),
                 ("naive, fetches everything", "cycle.naive.seconds"),
                 ("lemon24/reader, steady", "cycle.reader.seconds")),
        ),
        "bench-features.svg": bars(
            "Saved by each feature, the same with it off beside it", "%",
            pick(("early filter: articles", "filter.saved"),
                 ("pooling: time on the network", "pooling.saved"),
                 ("validators: bytes of a steady cycle", "caching.saved"),
                 ("cache: requests of readers", "cache.requests_saved"),
                 ("batching: calls for users", "batching.saved")),
        ),
        "bench-growth.svg": curves(
            "Seconds until a cycle is over", "feeds",
            over(("tgewatch, first", "first.seconds"), ("tgewatch", "steady.seconds"),
                 ("bare client", "steady.bare.seconds")),
        ),
        "bench-processor.svg": curves(
            "Processor time of a cycle, in seconds", "feeds",
            over(("tgewatch, first", "first.cpu_seconds"), ("tgewatch", "steady.cpu_seconds"),
                 ("bare client", "steady.bare.cpu_seconds")),
        ),
    }  # fmt: skip
