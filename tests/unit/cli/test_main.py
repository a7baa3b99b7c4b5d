"""The command line's arguments, exit statuses and errors, in this process and in a process of its own."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import jzysoap
from jzysoap import Client, __version__
from jzysoap.cli.main import main

# A path, not the module's name: pytest imports packages that have plugins with a loader that runpy cannot use.
MAIN = str(Path(jzysoap.__file__).with_name("__main__.py"))


def test_ctrl_c_ends_a_command_silently(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(self: Client) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "balance", interrupt)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [["demo"], ["wsdl", "show"], ["--version"]])
def test_a_command_whose_output_nobody_reads_ends_silently(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Buffered: what cannot be written is still in the buffer when the command ends.
    with open(writer, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(arguments) == 141
    assert capsys.readouterr().err == ""


def test_a_process_whose_output_nobody_reads_ends_silently() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "jzysoap", "wsdl", "show"],
            env={**os.environ, "PYTHONPATH": str(Path(jzysoap.__file__).parent.parent)},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no file that is always full")
def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["wsdl", "show"]) == 1
    assert capsys.readouterr().err.startswith("jzysoap: [Errno 28]")


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"jzysoap {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["wsdl"], ["send"], ["demo", "--wires"]])
def test_wrong_arguments_print_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage: jzysoap" in capsys.readouterr().err


def test_the_package_runs_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["jzysoap", "wsdl", "show"])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(MAIN, run_name="__main__")
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("definition")


def test_importing_the_module_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(MAIN, run_name="jzysoap.__main__")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_what_prints_a_text_loads_no_command_and_no_client(arguments: list[str]) -> None:
    code = f"""
import sys

before = set(sys.modules)
from jzysoap.cli.main import main

try:
    main({arguments!r})
except SystemExit:
    print(*set(sys.modules) - before, sep="\\n", file=sys.stderr)
"""
    done = subprocess.run(  # noqa: S603  # ours
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(jzysoap.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stderr.split())
    own = {f"jzysoap{name}" for name in ("", "._version", ".cli", ".cli.main", ".cli.arguments", ".cli.texts")}
    assert {name for name in loaded if name.startswith("jzysoap")} == {*own, "jzysoap.cli.texts.general"}
    assert not {"dataclasses", "json", "logging", "inspect", "lxml", "requests", "zeep"} & loaded
