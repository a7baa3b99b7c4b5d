"""The plot of ``docs/performance.md``: bars, as SVG, with nothing installed for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

_BAR, _GAP, _LEFT, _WIDTH = 18, 8, 180, 640


def plot(values: Mapping[str, float], path: Path) -> None:
    """Writes seconds by name as bars, the shortest first."""
    rows = sorted(values.items(), key=lambda item: item[1])
    longest = max(values.values())
    height = 40 + len(rows) * (_BAR + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        '<text x="8" y="20" font-weight="bold">One send: user CPU, µs</text>',
    ]
    for number, (name, seconds) in enumerate(rows):
        top = 32 + number * (_BAR + _GAP)
        length = round((_WIDTH - _LEFT - 60) * seconds / longest)
        color = "#2a6fbb" if name.startswith("jzysoap") else "#b0b7bf"
        parts += [
            f'<text x="{_LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{length}" height="{_BAR}" fill="{color}"/>',
            f'<text x="{_LEFT + length + 6}" y="{top + 13}">{seconds * 1e6:,.0f}</text>',
        ]
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
