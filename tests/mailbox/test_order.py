"""The order of what reaches the disk and what reaches the gateway, as the kernel saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from jzysoap.sandbox import Sandbox
from tests.kit.missing import lacking
from tests.kit.samples import MOBILE

ROOT = Path(__file__).parents[2]

_SEND = """
import sys
from jzysoap import Client
from jzysoap.mailbox import Mailbox, State, database
url, path, number, durable = sys.argv[1:]
if durable == "no":
    set_pragmas = database._set_pragmas
    def set_fewer(connection, record):
        set_pragmas(connection, record)
        connection.execute("PRAGMA synchronous=NORMAL")
    database._set_pragmas = set_fewer
with Client(url, "test", "secret1", wsdl="bundled", cache_dir=False) as client:
    with Mailbox(client, "sqlite:///" + path) as box:
        assert box.send(number, "x").state is State.ACCEPTED
"""

# The calls that write to a disk, make that durable, or write to a socket. A line is one call of one thread, or the
# beginning or the end of one.
_CALLS = "fsync,fdatasync,write,writev,pwrite64,pwritev,sendto,sendmsg"
_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<ended>\w+) resumed>|(?P<begun>\w+)\(\d+<(?P<where>.*?)>[,)])")


def trace(sandbox: Sandbox, directory: Path, *, durable: bool) -> list[str]:
    """Return the calls that one send made."""
    if shutil.which("strace") is None:
        lacking("not installed: strace")
    output = directory / "trace"
    # Paths and the two ends of sockets in full, and a page of what is written.
    strace = ["strace", "-f", "-yy", "-s", "4096", "-e", f"trace={_CALLS}", "-o", str(output)]
    send = [sys.executable, "-c", _SEND, sandbox.url, str(directory / "sms.db"), MOBILE, "yes" if durable else "no"]
    done = subprocess.run([*strace, *send], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if "ptrace" in done.stderr and not sandbox.gateway.sent:
        lacking(f"strace may not trace: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    return output.read_text("ascii", "replace").splitlines()


def is_durable_before_it_is_sent(calls: Iterable[str], log: str, gateway: str) -> bool:
    """Return True if the intent to send was written to the log, and the log synced, before the gateway got a byte."""
    written, synced, syncing = False, False, set()
    for call in calls:
        found = _LINE.match(call)
        if found is None:
            continue
        name, where, thread = found["begun"] or found["ended"], found["where"], found["thread"]
        if where is not None and gateway in where:
            return written and synced
        if where == log and name in ("write", "writev", "pwrite64", "pwritev"):
            written = written or (MOBILE in call and "sending" in call)
            synced = False
        elif name in ("fsync", "fdatasync"):
            if where == log:
                syncing.add(thread)
            if not call.endswith("<unfinished ...>") and thread in syncing:
                syncing.discard(thread)
                synced = " = 0" in call
    raise AssertionError("nothing was sent")


@pytest.mark.parametrize("durable", [True, False])
def test_a_send_is_durable_before_its_first_byte(tmp_path: Path, durable: bool) -> None:
    with Sandbox() as sandbox:
        calls = trace(sandbox, tmp_path, durable=durable)
        gateway = f"->{sandbox.url.removeprefix('http://')}"
        assert [sent.mobiles for sent in sandbox.gateway.sent] == [(MOBILE,)]
    # With fewer pragmas it is not, which this test sees.
    assert is_durable_before_it_is_sent(calls, f"{tmp_path / 'sms.db'}-wal", gateway) is durable
