"""What the documents say is so: their code runs, their tables are the code's, and both languages say the same."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jzysoap
from jzysoap import Channel, Client, JzySoapError, Timeout
from jzysoap.definition.source import bundled
from jzysoap.model import errors
from jzysoap.sandbox import Sandbox
from jzysoap.settings.config import _FROM_TEXT, Config

CLONE = Path(__file__).parent.parent.parent
PAIRS = [
    ("README.md", "README.zh-CN.md"),
    ("docs/configuration.md", "docs/configuration.zh-CN.md"),
    ("docs/compatibility.md", "docs/compatibility.zh-CN.md"),
    ("docs/performance.md", "docs/performance.zh-CN.md"),
]
DOCUMENTS = [name for pair in PAIRS for name in pair]
ADDRESS = "http://smsapi.example.com:9003"
ACCOUNT = ("account", "password")

VARIABLES = {f"JZYSOAP_{name.upper()}" for name in _FROM_TEXT} | {"JZYSOAP_PASSWORD_FILE"}


def read(name: str) -> str:
    return (CLONE / name).read_text("utf-8")


def blocks(name: str) -> list[tuple[str, str]]:
    """The code blocks of a document: language and code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)


def snippets(name: str) -> list[str]:
    return [code for language, code in blocks(name) if language == "python"]


def tables(name: str) -> Iterator[list[list[str]]]:
    """The tables of a document: rows of cells, without the heading."""
    for table in re.findall(r"(?:^\|.*\n)+", read(name), re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        assert re.fullmatch("[|-]+", table.splitlines()[1])
        assert len({len(row) for row in rows}) == 1
        yield rows[2:]


def without_comments(language: str, code: str) -> str:
    return ast.dump(ast.parse(code)) if language == "python" else code


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """What the snippets take for granted: a gateway, variables, a definition, a file with the password."""
    monkeypatch.chdir(tmp_path)
    Path("userApi.wsdl").write_bytes(bundled())
    Path("sms-password").write_text("password\n", "utf-8")
    with Sandbox(username=ACCOUNT[0], password=ACCOUNT[1]) as sandbox:
        for prefix in ("JZYSOAP_", "MARKETING_"):
            monkeypatch.setenv(f"{prefix}BASE_URL", sandbox.url)
            monkeypatch.setenv(f"{prefix}USERNAME", ACCOUNT[0])
            monkeypatch.setenv(f"{prefix}PASSWORD", ACCOUNT[1])
        yield sandbox


def execute(code: str, sandbox: Sandbox) -> dict[str, Any]:
    """Runs a snippet that may take a client for granted."""
    with Client(sandbox.url, *ACCOUNT, cache_dir=False) as client:
        names: dict[str, Any] = {"client": client, "__name__": "__main__"}
        exec(compile(code.replace(ADDRESS, sandbox.url), "snippet", "exec"), names)  # noqa: S102  # our own documents
        return names


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name in DOCUMENTS for number in range(len(snippets(name)))]
)
def test_snippets_run(name: str, number: int, surroundings: Sandbox) -> None:
    surroundings.gateway.inject_reply("13866194295", "收到")
    execute(snippets(name)[number], surroundings)


def snippet(*words: str) -> str:
    """The one snippet of README.md with these words in it."""
    (code,) = [code for code in snippets("README.md") if all(word in code for word in words)]
    return code


def test_the_snippet_for_many_tells_what_was_not_sent(
    surroundings: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    code = snippet("PartlySentError")
    execute(code, surroundings)
    assert capsys.readouterr().out.count("<Batch accepted: 2 numbers") == 2
    surroundings.gateway.set_balance(ACCOUNT[0], 2)
    execute(code, surroundings)
    out = capsys.readouterr().out
    assert "can be sent again, once the cause is gone: 2 the account's balance is too low" in out
    execute(code, surroundings)
    assert "no batch was accepted; it did not go out" in capsys.readouterr().out
    surroundings.fail_next("sendSms", drop=True)
    execute(code, surroundings)
    assert "no batch was accepted; it may go out" in capsys.readouterr().out


def test_the_snippet_for_errors_sends_again_only_what_was_not_sent(
    surroundings: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    code = snippet('error.retry == "safe"')
    surroundings.fail_next("sendSms", drop=True, acted=True)
    execute(code, surroundings)
    assert "unknown, ask the delivery reports" in capsys.readouterr().out
    assert len(surroundings.gateway.sent) == 1

    class Unlucky:
        calls = 0

        def send(self, *_: object) -> None:
            self.calls += 1
            if self.calls == 1:
                raise errors.NotSentError("made up")

    unlucky = Unlucky()
    exec(code, {"client": unlucky})  # noqa: S102  # our own document
    assert unlucky.calls == 2
    surroundings.gateway.set_balance(ACCOUNT[0], 0)
    with pytest.raises(jzysoap.InsufficientBalanceError):
        execute(code, surroundings)


def test_the_snippet_for_polls_keeps_what_came(surroundings: Sandbox) -> None:
    code = snippet("on_reply=keep")
    surroundings.gateway.inject_report("13866194295", jzysoap.DeliveryStatus.DELIVERED, batch_id="1")
    assert len(execute(code, surroundings)["reports"]) == 1
    (kept,) = Path("polls").iterdir()
    assert b"13866194295" in kept.read_bytes()
    half = kept.read_bytes().partition(b"</ns:return>")[0] + b"&lt;psreport>"
    surroundings.fail_next("getSmsReport", body=half, headers=(("Content-Length", str(len(half) + 100)),))
    assert len(execute(code, surroundings)["reports"]) == 1


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_code(english: str, chinese: str) -> None:
    assert [(language, without_comments(language, code)) for language, code in blocks(english)] == [
        (language, without_comments(language, code)) for language, code in blocks(chinese)
    ]


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_form(english: str, chinese: str) -> None:
    def form(name: str) -> list[str]:
        text = re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL)
        return re.findall(r"^(#+|\||-|\d\.)(?= )", text, re.MULTILINE)

    def keys(name: str) -> list[str]:
        return [key for table in tables(name) for row in table for key in re.findall("^`[^`]+`", row[0])]

    assert form(english) == form(chinese)
    assert [len(table) for table in tables(english)] == [len(table) for table in tables(chinese)]
    assert keys(english) == keys(chinese)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_both_commands_stand_on_top(name: str) -> None:
    assert blocks(name)[:2] == [
        ("sh", "python3 -m venv .venv && .venv/bin/pip install '.[sandbox]' && .venv/bin/jzysoap demo\n"),
        ("sh", ".venv/bin/pip install tox && .venv/bin/tox\n"),
    ]
    script = read(".ci/run").replace(" --quiet", "")
    for _, command in blocks(name)[:2]:
        for part in command.strip().split(" && "):
            assert part in script


@pytest.mark.parametrize("name", ["docs/configuration.md", "docs/configuration.zh-CN.md"])
def test_every_argument_is_told(name: str) -> None:
    rows = [row for table in tables(name) for row in table]
    parameters = dict(inspect.signature(Client).parameters)
    assert sorted(row[0].strip("`") for row in rows if row[0] != "–") == sorted(parameters)
    assert sorted(row[1].strip("`") for row in rows if row[1] != "–") == sorted(VARIABLES)
    assert set(parameters) == set(Config.__dataclass_fields__)
    for argument, variable, default, meaning in rows:
        assert meaning
        if argument == "–":
            assert variable == "`JZYSOAP_PASSWORD_FILE`"
            continue
        told = argument.strip("`")
        assert variable in (f"`JZYSOAP_{told.upper()}`", "–")
        given = parameters[told].default
        if given is inspect.Parameter.empty:
            assert default in ("needed", "必填")
        else:
            assert eval(default.strip("`"), {"Channel": Channel, "Timeout": Timeout}) == given  # noqa: S307  # ours


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "README" in name or "configuration" in name])
def test_every_variable_that_is_named_is_known(name: str) -> None:
    named = set(re.findall(r"JZYSOAP_[A-Z0-9_]+", read(name)))
    assert {"JZYSOAP_BASE_URL", "JZYSOAP_USERNAME", "JZYSOAP_PASSWORD", "JZYSOAP_PASSWORD_FILE"} <= named <= VARIABLES


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_what_errors_mean_is_what_they_say(name: str) -> None:
    (table,) = [table for table in tables(name) if table[0][0] == "`ConfigurationError`"]
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, JzySoapError)}
    named = {kind.__name__ for kind in kinds} - {"JzySoapError", "TransportError"}
    assert [row[0].strip("`") for row in table if row[0].strip("`") in named] == [row[0].strip("`") for row in table]
    assert {row[0].strip("`") for row in table} == named
    for error, may_have_been_sent, retry, _ in table:
        kind = getattr(jzysoap, error.strip("`"))
        assert may_have_been_sent.startswith(f"`{kind.may_have_been_sent}`")
        assert retry.startswith(f'`"{kind.retry}"`')
    assert all(issubclass(getattr(jzysoap, row[0].strip("`")), errors.GatewayError) for row in table[-5:])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", read(name)):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        found = (CLONE / name).parent / path if path else CLONE / name
        assert found.is_file()
        headings = headings_of(str(found.resolve().relative_to(CLONE)))
        assert not heading or heading in [
            re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in headings
        ]


def headings_of(name: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL), re.M)


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md"])
def test_no_numbers_but_the_vendors_samples(name: str) -> None:
    samples = {"13866194295", "15375427702", "15275427712", "13865193295", "15256560065", "13866194285", "15266144263"}
    assert set(re.findall(r"(?<!\d)1[3-9]\d{9}(?!\d)", read(name))) <= samples


def test_what_is_told_of_the_gaps() -> None:
    """Lines that users must be able to find, in both languages."""
    for name, words in {
        "README.md": [("no batch id", "servlet", "`mobile`", "`sent_at`"), ("Name resolution", "outside")],
        "README.zh-CN.md": [("批号", "servlet", "`mobile`", "`sent_at`"), ("域名解析", "不在")],
    }.items():
        paragraphs = read(name).split("\n\n")
        for line in words:
            assert any(all(word in paragraph for word in line) for paragraph in paragraphs)


def test_the_changelog_has_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert jzysoap.__version__ in headings or headings == ["Unreleased"]
