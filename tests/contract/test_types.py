"""README's code under strict type checkers, against the installed package (tox -e types)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.pages import snippets

pytestmark = pytest.mark.types

MYPY = ("mypy", "--strict")
PYRIGHT = ("pyright", "--pythonpath", sys.executable)
OPTIONS = """
from jzysoap import AsyncClient, CallEvent, Client, ClientOptions, DeliveryReport, Poll

options: ClientOptions = {"base_url": "http://smsapi.example.com:9003", "username": "account", "max_segments": 3}
made = [Client(**options), Client.from_mapping(options), Client.from_env()]
asynchronous: list[AsyncClient] = [AsyncClient.from_mapping(options), AsyncClient.from_env()]


def count(event: CallEvent) -> None:
    print(event.outcome)


def see(poll: Poll[object]) -> int:
    return len(poll)


Client("http://smsapi.example.com:9003", "account", "password", on_call=count)
see(Poll[DeliveryReport]())
"""


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    for name in ("README.md", "README.zh-CN.md"):
        code = "\n".join(snippets(name))
        assert "jzysoap" in code
        (tmp_path / f"{name.removesuffix('.md').replace('.', '_').replace('-', '_')}.py").write_text(code, "utf-8")
    (tmp_path / "options.py").write_text(OPTIONS, "utf-8")
    return tmp_path


def run(samples: Path, *command: str) -> str:
    ran = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-m", *command], cwd=samples, check=False, capture_output=True, text=True
    )
    return ran.stdout + ran.stderr


def test_mypy_finds_no_fault(samples: Path) -> None:
    paths = [path.name for path in samples.glob("*.py")]
    assert run(samples, *MYPY, *paths) == "Success: no issues found in 3 source files\n"


def test_pyright_finds_no_fault(samples: Path) -> None:
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (samples / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    said = run(samples, *PYRIGHT, "--outputjson")
    summary = json.loads(said[said.index("{") :])["summary"]
    assert (summary["filesAnalyzed"], summary["errorCount"], summary["warningCount"]) == (3, 0, 0), said


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_a_checker_finds_what_is_wrong(checker: tuple[str, ...], samples: Path) -> None:
    wrong = "Client(**options, chanel=1)\nwrong: Poll[str] = Poll[int]()\n"
    (samples / "options.py").write_text(OPTIONS + wrong, "utf-8")
    said = run(samples, *checker, "options.py")
    assert "chanel" in said
    assert "2 errors" in said
