"""The server stacks: what they are, how they are built, started and ended.

A server ends when its standard input does, and so with the tests, whatever ends them.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kit.missing import lacking

HERE = Path(__file__).parent
SERVERS = HERE / "servers"
CLIENTS = HERE / "clients"

# A server that has not said where it listens by then never will; not a measure of anything.
_PATIENCE = 120.0


def need(*programs: str) -> None:
    """Programs that must be on the path."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        lacking(f"not installed: {', '.join(missing)}")


def run(*command: str, cwd: Path = HERE) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, without input."""
    return subprocess.run(  # noqa: S603  # all commands are of these files
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def need_soap_of_php() -> None:
    """PHP's SOAP, which is a package of its own in Debian."""
    need("php")
    found = run("php", "-m").stdout
    if "soap" not in found.split():
        lacking("not installed: the extension soap of php (php-soap)")


def build() -> str:
    """Builds all that is in Java; returns what Maven complained of."""
    need("mvn", "java", "javac")
    done = run("mvn", "-B", "-q", "--fail-at-end", "package", cwd=SERVERS)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Stack:
    """A server stack.

    Attributes:
        name: its folder in ``servers``.
        title: as its makers call it.
        services: the context paths of its services.
        command: what starts it there.
        banner: finds version and port in what it prints.
        programs: what must be installed.
    """

    name: str
    title: str
    services: tuple[str, ...]
    command: Sequence[str] = (
        "java",
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "-cp",
        "target/classes:target/dependency/*",
        "interop.Main",
    )
    banner: str = r"version (\S+)\nport (\d+)\n"
    programs: tuple[str, ...] = ("mvn", "java", "javac")

    @property
    def java(self) -> bool:
        return self.programs[0] == "mvn"


_PHP = "php -d memory_limit=1G -d display_errors=0 -S 127.0.0.1:0 userApi.php & read -r _ <&3; kill $!"

STACKS = (
    Stack("axis2-1.6", "Apache Axis2", ("six", "seven", "nodebug")),
    Stack("axis2-1.8", "Apache Axis2", ("six", "seven", "nodebug")),
    Stack("cxf", "Apache CXF", ("six", "seven", "named", "soap12")),
    Stack("jaxws-ri", "JAX-WS RI (Metro)", ("six", "seven", "named", "soap12")),
    Stack("xfire", "XFire", ("six", "seven", "nodebug")),
    Stack(
        "php",
        "PHP SoapServer",
        ("six", "seven"),
        # The server reads no input by itself; a shell in the background gets none but over another descriptor.
        ("sh", "-c", f"exec 3<&0; {_PHP}"),
        r"PHP (\S+) Development Server \(http://127\.0\.0\.1:(\d+)\) started",
        ("php",),
    ),
    Stack("axis", "Apache Axis", ("six", "seven", "nodebug", "rpc", "rpc-seven")),
)


@dataclass
class Server:
    """A stack that runs."""

    stack: Stack
    record: Path
    process: subprocess.Popen[bytes]
    version: str = ""
    url: str = ""
    _read: int = field(default=0, repr=False)

    @classmethod
    def start(cls, stack: Stack, folder: Path) -> Server:
        """Starts it, and waits until it says where it listens."""
        folder.mkdir()
        record, log = folder / "record", folder / "log"
        record.touch()
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # the commands are those above
                stack.command,
                cwd=SERVERS / stack.name,
                env={**os.environ, "INTEROP_RECORD": str(record)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = cls(stack, record, process)
        end = time.monotonic() + _PATIENCE
        while (banner := re.search(stack.banner, said := log.read_text("utf-8", "replace"))) is None:
            if process.poll() is not None or time.monotonic() > end:
                server.close()
                pytest.fail(f"{stack.name} did not start:\n{said[-4000:]}", pytrace=False)
            time.sleep(0.05)
        server.version, server.url = banner[1], f"http://127.0.0.1:{banner[2]}"
        return server

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def received(self) -> list[tuple[str, tuple[str | None, ...]]]:
        """The calls that arrived since this was last asked: operation and arguments."""
        data = self.record.read_bytes()
        lines, self._read = data[self._read :].decode("ascii").splitlines(), len(data)
        calls = [line.split("\t") for line in lines]
        return [(operation, tuple(map(_decoded, arguments))) for operation, *arguments in calls]


def _decoded(argument: str) -> str | None:
    return None if argument == "-" else base64.b64decode(argument).decode()


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a server that runs."""

    server: Server
    path: str

    @property
    def stack(self) -> Stack:
        return self.server.stack

    @property
    def name(self) -> str:
        return f"{self.stack.name}/{self.path}"

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.path}"

    @property
    def extends(self) -> bool:
        """True if its sendSms has the extension number."""
        return self.path in ("seven", "named", "rpc-seven")


class Running:
    """At most one server at a time."""

    def __init__(self, folder: Callable[[str], Path], complaints: Callable[[], str]) -> None:
        self._folder = folder
        self._complaints = complaints
        self._server: Server | None = None

    def get(self, stack: Stack) -> Server:
        """The stack's server, started unless it runs."""
        if self._server is None or self._server.stack is not stack:
            self.close()
            need(*stack.programs)
            if stack.name == "php":
                need_soap_of_php()
            if stack.java:
                complaints = self._complaints()
                if re.search(rf"on project {stack.name}\b", complaints):
                    lacking(f"{stack.name} could not be built: {complaints[-4000:]}")
            self._server = Server.start(stack, self._folder(stack.name))
        return self._server

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
