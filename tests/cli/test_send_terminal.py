"""``jzysoap send`` as a process of its own: progress, questions, signals, closed terminals and pipes, full disks."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
from collections import Counter
from pathlib import Path

import pytest

from jzysoap import Channel
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, PASSWORD, TEXT, USERNAME
from tests.kit.terminals import CLONE, Terminal, run, terminal

NUMBERS = 2000

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="the system has no /proc")


@pytest.fixture(autouse=True)
def _account(variables: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 10**6)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("JZYSOAP_LANG", "en")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(name="command")
def _command() -> list[str]:
    """A send of so many numbers that it can be interrupted."""
    lines = ["mobile", *(f"1380000{number:04d}" for number in range(NUMBERS))]
    Path("numbers.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return ["send", "--from", "numbers.csv", "--text", TEXT]


def texted(sandbox: Sandbox) -> Counter[str]:
    return Counter(number for message in sandbox.gateway.sent for number in message.mobiles)


def check_resumed(sandbox: Sandbox, command: list[str]) -> None:
    """Resume a job, and check that each number was texted once."""
    done = run([*command, "--resume", "--output", "json"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["accepted"] == NUMBERS
    assert sorted(texted(sandbox).values()) == [1] * NUMBERS


def begin(sandbox: Sandbox, shell: Terminal) -> None:
    """Answer the question, and wait until the first batches are sent."""
    shell.wait_for(f"send to {NUMBERS} numbers, {NUMBERS} messages in all, as {USERNAME} at http://127.0.0.1")
    shell.type("y")
    wait_for_batches(sandbox, shell, 2)


def wait_for_batches(sandbox: Sandbox, shell: Terminal, number: int) -> None:
    """Wait until so many batches came. The bar is drawn ten times a second, and may show none of them."""
    shell.wait_for("/2000")
    while len(sandbox.gateway.sent) < number:
        shell.check_running()


def test_a_person_is_asked_and_sees_progress(sandbox: Sandbox, command: list[str]) -> None:
    with terminal(command) as shell:
        shell.wait_for("(y/n)?")
        assert b"the first message, to 138****0000" in shell.shown
        shell.type("n")
        assert shell.end() == 5
    assert b"nothing was sent" in shell.shown
    assert not list(Path().glob("*.job"))
    with terminal(command) as shell:
        shell.wait_for("(y/n)?")
        shell.type("y")
        assert shell.end() == 0
    assert b"2000/2000" in shell.shown
    assert b"numbers/s" in shell.shown
    assert sorted(texted(sandbox).values()) == [1] * NUMBERS


def test_without_a_terminal_nothing_is_sent_unasked(sandbox: Sandbox, command: list[str]) -> None:
    done = run(command)
    assert done.returncode == 5
    assert b"give --yes" in done.stderr
    assert not sandbox.gateway.sent
    done = run([*command, "--yes"])
    assert done.returncode == 0
    # No bar and no colour.
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"2000/2000" not in done.stderr


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda one: str(one)
)
def test_signals_end_it_between_two_batches(number: int, status: int, sandbox: Sandbox, command: list[str]) -> None:
    sandbox.fail_next("sendSms", delay=0.1, times=1000)
    with terminal(command) as shell:
        begin(sandbox, shell)
        shell.process.send_signal(number)
        # A second one changes nothing.
        shell.process.send_signal(number)
        assert shell.end() == status
    sent = len(texted(sandbox))
    assert 400 <= sent < NUMBERS
    assert f"accepted  {sent}".encode() in shell.shown
    assert f"not sent  {NUMBERS - sent}".encode() in shell.shown
    assert b"unknown   0" in shell.shown
    assert b"Traceback" not in shell.shown
    check_resumed(sandbox, command)


def test_ctrl_c_at_the_terminal_and_a_new_size(sandbox: Sandbox, command: list[str]) -> None:
    sandbox.fail_next("sendSms", delay=0.1, times=1000)
    with terminal(command, {"COLUMNS": "", "LINES": ""}) as shell:
        begin(sandbox, shell)
        for columns in (40, 120):
            fcntl.ioctl(shell.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        wait_for_batches(sandbox, shell, 4)
        shell.type("\x03", end="")
        assert shell.end() == 130
    check_resumed(sandbox, command)


def test_a_terminal_that_is_closed(sandbox: Sandbox, command: list[str]) -> None:
    sandbox.fail_next("sendSms", delay=0.1, times=1000)
    with terminal(command) as shell:
        begin(sandbox, shell)
        shell.close()
        assert shell.process.wait(30) == 129
    assert 0 < len(texted(sandbox)) < NUMBERS
    check_resumed(sandbox, command)


def test_a_signal_while_it_waits_to_try_again(sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", result="failure;操作过于频繁", times=9)
    with terminal(["send", MOBILE, "--text", TEXT]) as shell:
        shell.wait_for("trying again in")
        shell.process.send_signal(signal.SIGTERM)
        assert shell.end() == 143
    assert b"not sent  1" in shell.shown


def test_nobody_reads_the_sums(sandbox: Sandbox, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", "jzysoap", *command, "--yes"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": str(CLONE)},
    ) as process:
        os.close(writer)
        assert process.wait(60) == 141
    check_resumed(sandbox, command)


@pytest.mark.parametrize(
    "more", [{"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "gbk"}, {"TERM": "dumb"}], ids=["C", "gbk", "dumb"]
)
def test_terminals_of_all_kinds(more: dict[str, str], sandbox: Sandbox, command: list[str]) -> None:
    with terminal(command, {"JZYSOAP_LANG": "zh", **more}) as shell:
        shell.wait_for("y/n")
        shell.type("y")
        assert shell.end() == 0
    assert b"Traceback" not in shell.shown
    assert (b"2000/2000" in shell.shown) == ("TERM" not in more)


def test_without_a_home_directory(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    missing = {"HOME": str(tmp_path / "nothing" / "here")}
    done = run(["send", MOBILE, "--text", TEXT], {**missing, "HOME": "~"})
    assert done.returncode == 5
    assert b"--mailbox" in done.stderr
    done = run(["send", MOBILE, "--text", TEXT, "--mailbox", f"sqlite:///{tmp_path / 'sms.db'}"], {"HOME": "~"})
    assert done.returncode == 0, done.stderr


def test_a_disk_that_is_full(sandbox: Sandbox, command: list[str]) -> None:
    # The coverage of that process would not fit either.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    shell = [sys.executable, "-m", "jzysoap", *command, "--yes"]
    # No file may become larger than this; to a program that is a full disk. The tables alone are larger.
    for blocks in (100, 300):
        done = subprocess.run(  # noqa: S603  # our own program
            ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *shell],  # noqa: S607
            capture_output=True,
            env={**environment, "PYTHONPATH": str(CLONE)},
            check=False,
        )
        assert done.returncode in (1, 5), done.stderr
        assert b"Traceback" not in done.stderr
        assert b"the mailbox's database failed" in done.stderr
    for job in Path().glob("*.job*"):
        assert job.stat().st_mode & 0o77 == 0
    assert set(texted(sandbox).values()) <= {1}


def test_stdout_that_is_full(sandbox: Sandbox) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-m", "jzysoap", "send", MOBILE, "--text", TEXT],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(CLONE)},
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
    assert len(sandbox.gateway.sent) == 1


def test_no_secret_is_shown_anywhere(sandbox: Sandbox, command: list[str]) -> None:
    sandbox.fail_next("sendSms", delay=0.1, times=1000)
    sandbox.fail_next("sendSms", drop=True)
    with terminal([*command, "--debug", "--yes"]) as shell:
        wait_for_batches(sandbox, shell, 2)
        line = Path(f"/proc/{shell.process.pid}/cmdline").read_bytes()
        shell.process.send_signal(signal.SIGTERM)
        shell.end()
    jobs = b"".join(path.read_bytes() for path in Path().glob("*.job*"))
    for secret in (PASSWORD, "czNjcmV0"):
        for place in (line, shell.shown, jobs):
            assert secret.encode() not in place


# The program; then the most memory that the process had, in KiB. A parent's would count in its resource usage.
_MEASURED = """
import re, sys
from jzysoap.cli.main import main
status = main()
sys.stderr.write(re.search("VmHWM: *([0-9]+)", open("/proc/self/status").read().replace("\\t", " "))[1])
sys.exit(status)
"""


def peak(arguments: list[str]) -> int:
    """Run a send, and return its largest memory in KiB."""
    # Measuring coverage takes memory by itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", _MEASURED, "send", *arguments, "--text", TEXT, "--yes"],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(CLONE)},
        check=True,
    )
    return int(done.stderr.splitlines()[-1])


@pytest.mark.database
def test_a_large_file_takes_little_memory(sandbox: Sandbox) -> None:
    with open("large.csv", "w", encoding="ascii") as file:
        file.writelines(f"139{number:08d}\n" for number in range(100_000))
    # Twelve of these are there however long the file is. As objects of Python, the rows would take thirty more.
    assert peak(["--from", "large.csv"]) < peak([MOBILE]) + 20 * 1024
    assert len(texted(sandbox)) == 100_001
