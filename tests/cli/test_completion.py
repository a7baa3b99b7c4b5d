"""The completion for each shell: made, and tried in the shells that are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jzysoap.cli.main import COMMANDS, SHELLS, main

# Words typed so far, the last one unfinished; and what must be offered for it.
CASES = [
    ("pro", ["profile"], ["balance"]),
    ("balance --pass", ["--password-fd"], ["--profile"]),
    ("balance --output js", ["json", "jsonl"], ["csv"]),
    ("wsdl f", ["fetch"], ["show"]),
]

# Prints what bash offers for the words in the arguments.
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_shtab_jzysoap
printf '%s\\n' "${COMPREPLY[@]}"
"""
# Prints what zsh shows after some words and a tab, once the last of the arguments is shown.
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D'
zpty -w shell 'bindkey "^I" list-choices; zstyle ":completion:*" verbose no; stty cols 200; echo set-"up"'
zpty -r shell line '*set-up*'
zpty -w -n shell "$1"$'\\t'
zpty -r -m shell line "*$2*"
print -r -- "$line"
zpty -d shell
"""


def completion(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["--completion", shell])
    assert exit_.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = completion(shell, capsys)
    for word in (*COMMANDS, "password-fd", "fetch", "jsonl"):
        assert word in script


@pytest.mark.parametrize(("typed", "offered", "hidden"), CASES)
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes(
    typed: str, offered: list[str], hidden: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "jzysoap.bash"
    script.write_text(completion("bash", capsys), "utf-8")
    command = ["bash", "--norc", "-c", BASH, "bash", str(script), "jzysoap", *typed.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  # ours
    assert done.stderr == ""
    words = done.stdout.split()
    assert set(offered) <= set(words)
    assert not set(hidden) & set(words)


@pytest.mark.parametrize(("typed", "offered", "hidden"), CASES)
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(
    typed: str, offered: list[str], hidden: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "jzysoap.fish"
    script.write_text(completion("fish", capsys), "utf-8")
    code = f"source {script}; complete -C 'jzysoap {typed}'"
    command = ["fish", "--no-config", "-c", code]
    done = subprocess.run(  # noqa: S603  # ours
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.stderr == ""
    words = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert set(offered) <= set(words)
    assert not set(hidden) & set(words)


@pytest.mark.parametrize(("typed", "offered", "hidden"), CASES)
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes(
    typed: str, offered: list[str], hidden: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_jzysoap").write_text(completion("zsh", capsys), "utf-8")
    command = ["zsh", "-f", "-c", ZSH, "zsh", f"jzysoap {typed}", offered[-1]]
    done = subprocess.run(  # noqa: S603  # ours
        command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    words = done.stdout.rpartition(f"jzysoap {typed}")[2].split()
    assert done.stderr == ""
    assert all(any(word in shown for shown in words) for word in offered)
    assert not set(hidden) & set(words)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--completion", "bash"]) == 1
    assert capsys.readouterr().err == "jzysoap: this needs shtab: pip install 'jzysoap[cli]'\n"


def test_the_completion_is_printed_where_chinese_cannot_be_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    with open(tmp_path / "out", "w", encoding="ascii") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(SystemExit) as exit_:
            main(["--completion", "zsh"])
    assert exit_.value.code == 0
    assert (tmp_path / "out").read_text("ascii").startswith("#compdef jzysoap")


def test_another_shell_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--completion", "tcsh"])
    assert exit_.value.code == 2
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err
