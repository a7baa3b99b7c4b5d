"""The commands as processes of their own: at a terminal, without one, in any encoding, without a home directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jzysoap import DeliveryStatus
from jzysoap.cli import keyrings
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, PASSWORD, USERNAME
from tests.kit.terminals import CLONE, Terminal, run, terminal

NEW = "newpass1"
# Reads the command lines of all processes that this user may see.
PROC = Path("/proc")

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="the system has no /proc")


def account(sandbox: Sandbox) -> list[str]:
    return ["--base-url", sandbox.url, "--username", USERNAME]


def command_line(process: subprocess.Popen[bytes]) -> bytes:
    """What every user of the system sees of a process."""
    return (PROC / str(process.pid) / "cmdline").read_bytes()


def test_a_password_is_typed_and_not_shown(sandbox: Sandbox) -> None:
    with terminal(["balance", *account(sandbox)]) as shell:
        shell.wait_for(f"Password of {USERNAME}: ")
        shell.type(PASSWORD)
        assert shell.end() == 0
    assert b"gateway  7" in shell.shown
    assert PASSWORD.encode() not in shell.shown


def test_a_password_is_asked_for_at_the_terminal_also_if_stdin_is_none(sandbox: Sandbox) -> None:
    with terminal(["balance", *account(sandbox)], stdin=subprocess.DEVNULL) as shell:
        shell.wait_for(f"Password of {USERNAME}: ")
        shell.type(PASSWORD)
        assert shell.end() == 0


def test_passwords_are_changed_at_the_terminal(sandbox: Sandbox) -> None:
    with terminal(["password", *account(sandbox)], {"JZYSOAP_LANG": "zh"}) as shell:
        for prompt, typed in (("的密码：", PASSWORD), ("新密码（字母和数字）：", NEW), ("再输入一次：", NEW)):
            shell.wait_for(prompt)
            assert PASSWORD.encode() not in command_line(shell.process)
            shell.type(typed)
        assert shell.end() == 0
    assert f"{USERNAME} 的密码已修改".encode() in shell.shown
    assert PASSWORD.encode() not in shell.shown
    assert NEW.encode() not in shell.shown
    sandbox.gateway.check_password(USERNAME, NEW.encode())


def test_a_profile_keeps_its_password_in_the_keyring(sandbox: Sandbox, stored: Path) -> None:
    with terminal(["profile", "add", "work", *account(sandbox)]) as shell:
        shell.wait_for("(empty to store none): ")
        shell.type(PASSWORD)
        assert shell.end() == 0
    assert b"its password is in the keyring" in shell.shown
    done = run(["balance", "--output", "json"])
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(json.loads(done.stdout)) == 3
    assert keyrings.find(sandbox.url, USERNAME) == PASSWORD
    files = [path for path in Path(os.environ["XDG_CONFIG_HOME"]).rglob("*") if path.is_file()]
    assert files
    assert not any(PASSWORD.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 1)])
def test_ctrl_c_and_ctrl_d_at_the_prompt(key: str, status: int, sandbox: Sandbox) -> None:
    with terminal(["balance", *account(sandbox)]) as shell:
        shell.wait_for(f"Password of {USERNAME}: ")
        shell.type(key, end="")
        assert shell.end() == status
    assert sandbox.exchanges == ()
    assert b"Traceback" not in shell.shown


@pytest.fixture
def waiting(variables: Sandbox) -> Iterator[Terminal]:
    """A change of the password whose answer does not come."""
    variables.fail_next("updatePassword", delay=60, acted=True)
    reader, writer = os.pipe()
    os.write(writer, f"{NEW}\n".encode())
    os.close(writer)
    arguments = ["password", "--new-password-fd", str(reader)]
    with terminal(arguments, pass_fds=(reader,)) as shell:
        os.close(reader)
        while not _changed(variables):
            shell.check_running()
        yield shell


def _changed(sandbox: Sandbox) -> bool:
    try:
        sandbox.gateway.check_password(USERNAME, NEW.encode())
    except Exception:  # noqa: BLE001  # still the old one
        return False
    return True


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_change_of_the_password_says_that_it_may_have_been_changed(
    number: signal.Signals, status: int, waiting: Terminal
) -> None:
    waiting.process.send_signal(number)
    assert waiting.end() == status
    assert b"interrupted: the password may have been changed" in waiting.shown
    assert NEW.encode() not in waiting.shown
    assert b"Traceback" not in waiting.shown


def test_the_terminal_gets_colours_and_a_pipe_none(variables: Sandbox) -> None:
    with terminal(["doctor"], {"TERM": "xterm"}) as shell:
        assert shell.end() == 0
    assert b"\x1b[32mok\x1b[0m" in shell.shown
    piped = run(["doctor"], {"TERM": "xterm"})
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert b"\x1b" not in piped.stdout
    assert b"ok       credentials  accepted" in piped.stdout


def test_a_terminal_in_gbk(variables: Sandbox) -> None:
    environment = {"JZYSOAP_LANG": "zh", "PYTHONIOENCODING": "gbk", "JZYSOAP_PASSWORD": "wrong"}
    with terminal(["doctor"], environment) as shell:
        assert shell.end() == 1
    assert "用户名或密码错误" in shell.shown.decode("gbk")
    assert "失败的步骤：1 个" in shell.shown.decode("gbk")


@pytest.mark.parametrize("more", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_locale_without_chinese(more: dict[str, str], variables: Sandbox) -> None:
    environment = {"LANG": "C", "LC_ALL": "C", "JZYSOAP_PASSWORD": "wrong", **more}
    for arguments in (["balance"], ["doctor"], ["doctor", "--json"]):
        done = run(arguments, environment)
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr
    for language in ("en", "zh"):
        done = run(["--help"], {**environment, "JZYSOAP_LANG": language})
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("home", [None, "/nonexistent"])
def test_without_a_home_directory(home: str | None, variables: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    environment = {} if home is None else {"HOME": home}
    done = run(["balance", "--output", "csv"], environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert run(["doctor"], environment).returncode == 0


def test_a_home_directory_that_cannot_be_written_to(
    variables: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    done = run(["profile", "add", "work", *account(variables)], {"XDG_CONFIG_HOME": str(tmp_path / "file")})
    assert done.returncode == 1
    assert done.stderr.startswith(b"jzysoap: ")
    assert b"profiles.toml cannot be used: [Errno 20]" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_nobody_reads_the_output(variables: Sandbox) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["balance"], ["doctor"], ["profile", "list"], ["--help"], ["--completion", "bash"]):
        done = subprocess.run(  # noqa: S603  # ours
            [sys.executable, "-m", "jzysoap", *arguments],
            env={**os.environ, "PYTHONPATH": str(CLONE)},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (141, b""), arguments
    os.close(writer)


def test_no_secret_is_shown_anywhere(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither in the output nor in the command line, also with --debug and with every kind of failure."""
    sandbox.gateway.inject_report(MOBILE, DeliveryStatus.DELIVERED, batch_id="1")
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    path.chmod(0o600)
    ways = [
        ([], {"JZYSOAP_PASSWORD": PASSWORD}, b""),
        ([], {"JZYSOAP_PASSWORD_FILE": str(path)}, b""),
        (["--password-fd", "0"], {}, f"{PASSWORD}\n{NEW}\n".encode()),
    ]
    results = [f"failure;密码错误 {PASSWORD}", f"nonsense {PASSWORD} {MOBILE}", f"failure;超时 {MOBILE} {PASSWORD}"]
    for (given, environment, typed), result in zip(ways, results, strict=True):
        for command in (["balance"], ["doctor"], ["doctor", "--json"], ["password", "--new-password-fd", "0"]):
            sandbox.fail_next("getRestMoney", result=result)
            sandbox.fail_next("updatePassword", result=result)
            done = run([*command, "--debug", *account(sandbox), *given], environment, typed or f"{NEW}\n".encode())
            sandbox.clear_faults()
            assert done.returncode == 1, done
            shown = done.stdout + done.stderr
            for secret in (PASSWORD, NEW, MOBILE):
                assert secret.encode() not in shown, shown


def test_the_exit_status_of_each_kind_of_end(variables: Sandbox) -> None:
    assert run(["balance"]).returncode == 0
    assert run(["balance"], {"JZYSOAP_PASSWORD": "wrong"}).returncode == 1
    assert run(["balance", "--nonsense"]).returncode == 2
    assert run(["wsdl", "diff", "bundled", "absent"]).returncode == 2
    assert run([]).returncode == 2
