"""Terminal recordings for the documents: ``python -m tests.kit.casts`` writes ``docs/cast-*.svg``; needs pyte.

A scene runs in a real pseudo-terminal against a sandbox. What it printed goes through a terminal emulator, and the
screens become an SVG that moves by CSS alone: no script, no font. Where nothing may move, it shows the last screen.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from jzysoap.cli.arguments import columns
from jzysoap.sandbox import Gateway, Sandbox
from tests.kit.samples import PASSWORD
from tests.kit.terminals import CLONE

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES = {"en": "", "zh": ".zh-CN"}
"""The languages, and what the names of their pictures end in."""

# The gateway's address is in the pictures.
PORT = 9003
WIDTH, HEIGHT = 100, 40
# Seconds: of the last screen, of any other one at most, and between two at least.
LAST, LONGEST, SHORTEST = 6.0, 1.2, 0.15

_CELL, _LINE, _MARGIN = 8.4, 19, 14
_BACKGROUND, _TEXT = "#16191f", "#d7dae0"
_COLOURS = {
    "default": _TEXT,
    "black": "#8b949e",
    "red": "#ff7b72",
    "green": "#7fd88f",
    "brown": "#e3b341",
    "blue": "#79b8ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": _TEXT,
}


class Run(NamedTuple):
    """Characters of a line in one colour.

    Attributes:
        column: the column of the first one, from 0.
        text: the characters.
        colour: the colour, as SVG has it.
    """

    column: int
    text: str
    colour: str


Line = tuple[Run, ...]
Screen = tuple[Line, ...]


class Scene(NamedTuple):
    """A command that is recorded.

    Attributes:
        command: the arguments of ``jzysoap``, as a shell has them.
        path: what follows the gateway's address.
        seconds: the seconds that each send takes.
        typed: what a person answers, by what the program asks.
    """

    command: tuple[str, ...]
    path: str = ""
    seconds: float = 0.0
    typed: tuple[tuple[str, str], ...] = ()


SCENES = {
    "send": Scene(
        ("send", "--from", "people.csv", "--text", "【签名】您的包裹已到"),
        seconds=0.12,
        typed=(("(y/n)?", "y\n"), ("（y/n）？", "y\n")),
    ),
    "doctor": Scene(("doctor",), path="/sms"),
}


def main() -> None:
    """Record every scene in each language."""
    gateway = Gateway()
    gateway.add_account("test", PASSWORD, 100_000)
    with Sandbox(gateway=gateway, port=PORT) as sandbox:
        for name, scene in SCENES.items():
            for language, suffix in LANGUAGES.items():
                sandbox.clear_faults()
                sandbox.fail_next("sendSms", delay=scene.seconds, times=10**6)
                frames = record(scene, f"{sandbox.url}{scene.path}", language)
                title = f"jzysoap {' '.join(scene.command)}"
                (DOCS / f"cast-{name}{suffix}.svg").write_text(draw(frames, title), "utf-8")


def record(scene: Scene, url: str, language: str) -> list[tuple[float, Screen]]:
    """Run a scene, and return its screens, each with the seconds that it is shown for."""
    import pyte

    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ jzysoap {' '.join(map(_quote, scene.command))}\r\n".encode())
    frames = [(0.0, take(screen))]
    for at, piece in _run(scene, url, language):
        stream.feed(piece)
        now = take(screen)
        if now != frames[-1][1]:
            if at - frames[-1][0] < SHORTEST and len(frames) > 1:
                frames[-1] = (frames[-1][0], now)
            else:
                frames.append((at, now))
    ends = [at for at, _ in frames[1:]]
    lengths = [min(max(end - at, SHORTEST), LONGEST) for (at, _), end in zip(frames, ends, strict=False)]
    return [(length, shown) for length, (_, shown) in zip([*lengths, LAST], frames, strict=True)]


def _run(scene: Scene, url: str, language: str) -> Iterator[tuple[float, bytes]]:
    """Run the command of a scene at a terminal; yield what it prints, and when."""
    with tempfile.TemporaryDirectory() as directory:
        lines = ["手机", *(f"1380000{number:04d}" for number in range(5000)), "1380000", "13800000001"]
        Path(directory, "people.csv").write_text("\n".join(lines) + "\n", "utf-8")
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        variables = {
            "JZYSOAP_BASE_URL": url,
            "JZYSOAP_USERNAME": "test",
            "JZYSOAP_PASSWORD": PASSWORD,
            "JZYSOAP_CACHE_DIR": "off",
            "JZYSOAP_LANG": language,
            "TERM": "xterm-256color",
            "PYTHONPATH": str(CLONE),
            "PATH": os.environ["PATH"],
            "HOME": directory,
        }
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "jzysoap", *scene.command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=directory,
            env=variables,
        )
        os.close(slave)
        begun, shown, typed = time.monotonic(), "", list(scene.typed)
        while select.select([master], [], [], 30)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                # The other end is closed.
                break
            yield time.monotonic() - begun, piece
            shown += piece.decode(errors="replace")
            for asked, answer in [one for one in typed if one[0] in shown]:
                typed.remove((asked, answer))
                time.sleep(0.8)
                os.write(master, answer.encode())
        os.close(master)
        process.wait(30)


def _quote(argument: str) -> str:
    return argument if argument.isascii() else f'"{argument}"'


def take(screen: Any) -> Screen:
    """Return what a terminal emulator shows, without the empty lines at its end."""
    lines = [tuple(_runs(screen.buffer[row])) for row in range(HEIGHT)]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def _runs(cells: Any) -> Iterator[Run]:
    """Yield the runs of a line. A run ends where the colour changes, and before two blanks, so that columns stay."""
    begin, text, colour = 0, "", ""
    for column in range(WIDTH):
        cell = cells[column]
        if not cell.data:
            # The second column of a Chinese character.
            continue
        here = _COLOURS.get(cell.fg.removeprefix("bright"), f"#{cell.fg}")
        if here != colour or (cell.data != " " and text.endswith("  ")):
            if text.strip():
                yield Run(begin, text.rstrip(), colour)
            begin, text, colour = column, "", here
        text += cell.data
    if text.strip():
        yield Run(begin, text.rstrip(), colour)


def draw(frames: Sequence[tuple[float, Screen]], title: str) -> str:
    """Return an SVG that shows screens one after another, and again.

    Args:
        frames: the screens, each with the seconds that it is shown for.
        title: the title for those who cannot see it; its description is the text of the last screen.
    """
    total = sum(seconds for seconds, _ in frames)
    starts = [sum(seconds for seconds, _ in frames[:number]) / total * 100 for number in range(len(frames) + 1)]
    height = max(len(screen) for _, screen in frames)
    width = round(WIDTH * _CELL + 2 * _MARGIN)
    spans = _spans([screen for _, screen in frames])
    times = sorted({(first, last) for first, last, _, _ in spans} - {(0, len(frames))})
    names = {span: f"t{number}" for number, span in enumerate(times)}
    rules = [
        f"@keyframes {name}{{0%{{visibility:{'visible' if first == 0 else 'hidden'}}}"
        f"{starts[first]:.2f}%{{visibility:visible}}"
        + (f"{starts[last]:.2f}%{{visibility:hidden}}" if last < len(frames) else "")
        + f"}}.{name}{{animation:{name} {total:.1f}s step-end infinite}}"
        for (first, last), name in names.items()
    ]
    drawn = []
    for first, last, row, line in spans:
        name = names.get((first, last), "")
        kinds = " ".join(kind for kind in (name, "" if last == len(frames) else "gone") if kind)
        drawn.append(_draw_line(row, line, f' class="{kinds}"' if kinds else ""))
    said = "\n".join("".join(run.text for run in line) for line in frames[-1][1])
    return f"""<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" viewBox="0 0 {width} {
        height * _LINE + 2 * _MARGIN
    }">
<title>{escape(title)}</title>
<desc>{escape(said)}</desc>
<style>
text{{font:14px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace;white-space:pre}}
.gone{{visibility:hidden}}
@media (prefers-reduced-motion:no-preference){{
{chr(10).join(rules)}
}}
</style>
<rect width="100%" height="100%" rx="8" fill="{_BACKGROUND}"/>
{chr(10).join(drawn)}
</svg>
"""


def _spans(screens: Sequence[Screen]) -> list[tuple[int, int, int, Line]]:
    """Return each line: the first screen that has it there, the first one after that has not, its row, the line."""
    spans = []
    for row in range(max(map(len, screens))):
        shown = [screen[row] if row < len(screen) else () for screen in screens]
        first = 0
        for number in range(1, len(shown) + 1):
            if number == len(shown) or shown[number] != shown[first]:
                if shown[first]:
                    spans.append((first, number, row, shown[first]))
                first = number
    return spans


def _draw_line(row: int, line: Line, kind: str) -> str:
    parts = [
        f'<tspan x="{_MARGIN + run.column * _CELL:.1f}" textLength="{columns(run.text) * _CELL:.1f}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{run.colour}">{escape(run.text)}</tspan>'
        for run in line
    ]
    return f'<text y="{_MARGIN + (row + 0.75) * _LINE:.1f}"{kind}>{"".join(parts)}</text>'


if __name__ == "__main__":
    main()
