"""The documents are right: their code runs, their tables are the code's, and both languages say the same."""

from __future__ import annotations

import ast
import configparser
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
from _pytest.fixtures import FixtureFunctionDefinition

import jzysoap
from jzysoap import Channel, Client, DeliveryStatus, JzySoapError, Timeout
from jzysoap.cli.account import OWN_VARIABLES
from jzysoap.mailbox import Mailbox
from jzysoap.model import errors
from jzysoap.sandbox import Sandbox
from jzysoap.sandbox.rules import FaultName
from jzysoap.settings.options import OPTIONS
from jzysoap.testing import NothingCameError, SmsGateway, plugin
from tests.kit import commands, documents, options
from tests.kit.pages import CLONE, RECIPE_LIBRARIES, blocks, read, recipe_library, snippet, snippets
from tests.kit.servers import refused_port

PAIRS = [
    (english, english.replace(".md", ".zh-CN.md"))
    for english in [
        "README.md",
        *sorted(f"docs/{path.name}" for path in CLONE.glob("docs/*.md") if not path.name.endswith(".zh-CN.md")),
    ]
]
DOCUMENTS = [name for pair in PAIRS for name in pair]
ADDRESS = "http://smsapi.example.com:9003"
ACCOUNT = ("account", "password")
BUNDLED = CLONE / "wsdl" / "axis2-1.6.2-7param" / "service.wsdl"

VARIABLES = {f"JZYSOAP_{name.upper()}" for name, option in OPTIONS.items() if option.text is not None} | {
    "JZYSOAP_PASSWORD_FILE"
}
# Those of jzysoap sandbox, which no client reads.
SANDBOX_VARIABLES = {"JZYSOAP_SANDBOX_PASSWORD", "JZYSOAP_SANDBOX_TOKEN"}

# Code comments and docstrings link these sections.
PROTOCOL = [
    "The two interfaces",
    "Web service",
    "HTTP servlet",
    "Arguments",
    "Send",
    "Balance",
    "Delivery reports",
    "Replies",
    "Change of password",
    "Refusals",
    "What deployments do",
    "What is not known",
]


def prose(name: str) -> str:
    """A document without its code blocks."""
    return re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL)


def tables(name: str) -> Iterator[list[list[str]]]:
    """The tables of a document: rows of cells, without the heading."""
    for table in re.findall(r"(?:^\|.*\n)+", read(name), re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        assert re.fullmatch("[|-]+", table.splitlines()[1])
        assert len({len(row) for row in rows}) == 1
        yield rows[2:]


def without_comments(language: str, code: str) -> str:
    return ast.dump(ast.parse(code)) if language == "python" else code


def every(language: str) -> list[tuple[str, int]]:
    """The documents and positions of all code blocks in a language."""
    return [(name, number) for name in DOCUMENTS for number in range(len(snippets(name, language)))]


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A gateway, environment variables, a definition and a file with the password, for the code samples."""
    monkeypatch.chdir(tmp_path)
    Path("userApi.wsdl").write_bytes(BUNDLED.read_bytes())
    Path("sms-password").write_text("password\n", "utf-8")
    Path("numbers.csv").write_text("mobile\n13866194295\n15375427702\n", "utf-8")
    monkeypatch.setenv("JZYSOAP_MAILBOX", "sqlite:///sms.db")
    # Other processes must import the package that is tested.
    monkeypatch.setenv("PYTHONPATH", str(Path(jzysoap.__file__).parent.parent))
    with Sandbox(username=ACCOUNT[0], password=ACCOUNT[1]) as sandbox:
        for prefix in ("JZYSOAP_", "MARKETING_"):
            monkeypatch.setenv(f"{prefix}BASE_URL", sandbox.url)
            monkeypatch.setenv(f"{prefix}USERNAME", ACCOUNT[0])
            monkeypatch.setenv(f"{prefix}PASSWORD", ACCOUNT[1])
        yield sandbox


def execute(code: str, sandbox: Sandbox, use: Callable[[dict[str, Any]], object] = len) -> dict[str, Any]:
    """Run a code sample that may use a ``client``, then ``use`` what it defined."""
    with Client(sandbox.url, *ACCOUNT, cache_dir=False) as client:
        names: dict[str, Any] = {"client": client, "__name__": "__main__"}
        try:
            exec(compile(code.replace(ADDRESS, sandbox.url), "snippet", "exec"), names)  # noqa: S102  # our documents
            use(names)
        finally:
            for value in names.values():
                if isinstance(value, (Client, Mailbox)):
                    value.close()
        return names


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)  # noqa: S603  # ours


def run_until_terminated(code: str, sandbox: Sandbox) -> None:
    """Run a program that polls; end it with SIGTERM once both queues are empty."""
    sandbox.gateway.inject_report("13866194295", DeliveryStatus.DELIVERED, batch_id="1")
    Path("program.py").write_text(code, "utf-8")
    with subprocess.Popen([sys.executable, "program.py"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline(), process.stdout.readline()]
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert [line.split()[0] for line in lines] == [b"<DeliveryReport", b"<Reply"]


def run_tests(name: str, code: str) -> int:
    """Run a test module of a document, beside the modules that the document names in a first comment.

    Returns:
        The number of tests; all of them passed.
    """
    for module in snippets(name):
        named = re.match(r"# (\w+\.py)\n", module)
        if named is not None:
            Path(named[1]).write_text(module, "utf-8")
    Path("test_sample.py").write_text(code, "utf-8")
    result = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sample.py")
    assert result.returncode == 0, result.stdout
    passed = re.search(r"^(\d+) passed in ", result.stdout, re.MULTILINE)
    assert passed is not None, result.stdout
    return int(passed[1])


@pytest.mark.parametrize(("name", "number"), every("python"))
def test_python_runs(name: str, number: int, surroundings: Sandbox) -> None:
    code = snippets(name)[number]
    surroundings.gateway.inject_reply("13866194295", "收到")
    if recipe_library(code) is not None:
        # Run by tests/mailbox, where these libraries are. The syntax is checked here too.
        compile(code, "snippet", "exec")
    elif "signal.signal" in code:
        run_until_terminated(code, surroundings)
    elif "def test_" in code:
        assert run_tests(name, code) >= 1
    else:
        execute(code, surroundings)


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, number in every("sh") if not name.startswith("README")]
)
def test_commands_run(name: str, number: int, surroundings: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    code = snippets(name, "sh")[number]
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("state").absolute()))
    if "outbox" in code:
        with Mailbox.from_env() as box:
            box.enqueue("13866194295", "【签名】您的包裹已到", key="order-4711-shipped")
    for command in code.splitlines():
        run_command(command.replace(ADDRESS, surroundings.url))


def run_command(command: str) -> None:
    """Run a command line of a document, beside the file of recipients that documents speak of."""
    people = "姓名,手机\n李,13866194295\n王,15375427702\n"
    Path("people.csv").write_text(people, "utf-8")
    program, *arguments = shlex.split(command)
    assert program == "jzysoap"
    result = run("-m", program, *arguments)
    assert result.returncode == 0, command
    # A send says where its job is.
    assert not result.stderr or "send" in arguments, command


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_commands_of_the_readme_run(name: str, surroundings: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("state").absolute()))
    commands = re.findall(r"^    (jzysoap .*)$", read(name), re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        run_command(command)
    assert [message.text[4:5] for message in surroundings.gateway.sent] == ["李", "王"]


def test_every_recipe_is_run_where_its_library_is() -> None:
    recipes = [(name, recipe_library(code)) for name in DOCUMENTS for code in snippets(name)]
    tests = [path.read_text("utf-8") for path in sorted(CLONE.glob("tests/mailbox/*.py"))]
    for library in RECIPE_LIBRARIES:
        assert [name for name, found in recipes if found == library] == ["docs/mailbox.md", "docs/mailbox.zh-CN.md"]
        assert any(f'snippet("docs/mailbox.md", "from {library}")' in test for test in tests)


TESTING = ["docs/testing.md", "docs/testing.zh-CN.md"]


@pytest.mark.parametrize("name", TESTING)
def test_a_login_by_code_is_tested_in_few_lines(name: str, surroundings: Sandbox) -> None:
    code = snippet(name, "from login import")
    assert run_tests(name, code) == 12
    assert len([line for line in code.splitlines() if line]) <= 40


@pytest.mark.parametrize("name", TESTING)
def test_a_wait_that_fails_says_what_is_documented(name: str) -> None:
    with SmsGateway() as gateway, gateway.client() as client:
        client.send("15375427702", "【签名】您的包裹已到，请尽快取")
        gateway.sandbox.gateway.set_balance(gateway.username, 0)
        with pytest.raises(jzysoap.InsufficientBalanceError):
            client.send("13866194295", "【签名】您的验证码是 1234")
        with pytest.raises(NothingCameError) as caught:
            gateway.wait_for_code("13866194295", timeout=0)
    (documented,) = snippets(name, "text")
    said = re.sub(r"\d\d:\d\d:\d\d", "09:30:00", str(caught.value))
    assert said.replace("within 0 s", "within 5 s") == documented.rstrip().replace("09:30:01", "09:30:00")


@pytest.mark.parametrize("name", TESTING)
def test_the_fixtures_are_documented(name: str) -> None:
    def keys(first: str) -> list[str]:
        (table,) = [table for table in tables(name) if table[0][0].startswith(f"`{first}")]
        return [key for row in table for key in re.findall(r"`\"?([\w ]+)[^`]*`", row[0])]

    made = [key for key, value in vars(plugin).items() if isinstance(value, FixtureFunctionDefinition)]
    assert keys("sms_gateway") == made
    methods = [key for key in vars(SmsGateway) if not key.startswith("_")]
    assert sorted(keys("messages")) == sorted([*methods, "username", "password", "sandbox"])
    assert sorted(keys('"lose answer')) == sorted(get_args(FaultName))


@pytest.mark.parametrize("name", ["docs/protocol.md", "docs/protocol.zh-CN.md"])
def test_documents_of_the_protocol_are_read(name: str, surroundings: Sandbox) -> None:
    reports, replies = snippets(name, "xml")
    surroundings.fail_next("getSmsReport", result=reports)
    surroundings.fail_next("getRecvSMS", result=replies)
    with Client(surroundings.url, *ACCOUNT, cache_dir=False) as client:
        (report,) = client.reports()
        (reply,) = client.replies()
    assert (report.mobile, report.batch_id, report.status) == ("15275427712", "66", DeliveryStatus.DELIVERED)
    assert reply.text in read(name)
    assert report.raw_fields is None
    assert reply.raw_fields is None


@pytest.mark.parametrize("name", ["docs/protocol.md", "docs/protocol.zh-CN.md"])
def test_signatures_of_the_protocol_are_those_of_a_definition(name: str, surroundings: Sandbox) -> None:
    (code,) = snippets(name, "java")
    documented = {
        operation: re.findall(r"(?:String|int) (\w+)", arguments)
        for operation, arguments in re.findall(r"String (\w+)\((.*)\)", code)
    }
    shown = run("-m", "jzysoap", "wsdl", "show", "bundled:axis2-1.6.2").stdout
    found: dict[str, list[str]] = {}
    for operation, argument in re.findall(r"^(\w*) .*? (\w+) +\w+ +by name$", shown, re.MULTILINE):
        found.setdefault(operation or list(found)[-1], []).append(argument)
    assert found == documented


@pytest.mark.parametrize("name", ["docs/deployment.md", "docs/deployment.zh-CN.md", "docs/mailbox.md"])
def test_the_unit_of_systemd(name: str) -> None:
    (code,) = snippets(name, "ini")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read_string(code)
    assert unit.sections() == ["Unit", "Service", "Install"]
    longest = inspect.signature(Client).parameters["poll_timeout"].default.total
    assert float(unit["Service"]["TimeoutStopSec"]) > longest
    assert f"{longest:g}" in prose(name)


def test_the_sample_with_batches_says_what_was_not_sent(
    surroundings: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    code = snippet("docs/sending.md", "PartlySentError")
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


def test_the_sample_with_numbers_sorts_them(surroundings: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    execute(snippet("docs/sending.md", "clean_numbers"), surroundings)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "('13866194295',)"
    assert out[1].startswith("2 +86 13866194295 ")
    assert out[2].startswith("3 12345 ")


def test_the_sample_with_segments_says_how_many(surroundings: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    code = snippet("docs/sending.md", "count_segments")
    execute(code, surroundings)
    assert capsys.readouterr().out.split() == re.findall(r"# (\d)", code)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_after_a_kill_only_the_batch_in_flight_is_unknown(surroundings: Sandbox) -> None:
    code = snippet("docs/sending.md", "on_batch=store").replace('"15375427702"]', '"15375427702", "15275427712"]')
    Path("program.py").write_text(f"from jzysoap import Client\n\nclient = Client.from_env()\n{code}", "utf-8")
    surroundings.fail_next("sendSms")
    surroundings.fail_next("sendSms", delay=60)
    with subprocess.Popen([sys.executable, "program.py"]) as process:
        try:
            eventually(lambda: len(surroundings.gateway.sent) == 2)
        finally:
            process.kill()
    stored = [json.loads(line) for line in Path("batches.jsonl").read_text("utf-8").splitlines()]
    assert stored == [[["13866194295"], "accepted", None]]
    assert [message.mobiles for message in surroundings.gateway.sent] == [("13866194295",), ("15375427702",)]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_sample_with_errors_sends_again_only_what_was_not_sent(
    name: str, surroundings: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    code = snippet(name, 'error.retry == "safe"')
    surroundings.fail_next("sendSms", drop=True, acted=True)
    execute(code, surroundings)
    assert "unknown, wait for the delivery report" in capsys.readouterr().out
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


def test_the_sample_with_retries(surroundings: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    code = snippet("docs/errors.md", "attempts")

    def use(names: dict[str, Any]) -> None:
        send_code = names["send_code"]
        surroundings.fail_next("sendSms", drop=True)
        assert send_code("13866194295", "1234") == "the message may be on its way"
        surroundings.gateway.set_balance(ACCOUNT[0], 0)
        with pytest.raises(jzysoap.InsufficientBalanceError):
            send_code("13866194295", "1234")
        surroundings.close()
        assert send_code("13866194295", "1234", attempts=2, pause=0) == "the gateway cannot be reached"

    execute(code, surroundings, use)
    assert capsys.readouterr().out == "the message is on its way\n"


def test_the_sample_for_a_web_server(surroundings: Sandbox) -> None:
    def use(names: dict[str, Any]) -> None:
        send_code = names["send_code"]
        assert "is on its way" in send_code("13866194295", "1234")
        surroundings.fail_next("sendSms", drop=True)
        assert "ask for a new code" in send_code("13866194295", "1234")
        surroundings.gateway.set_balance(ACCOUNT[0], 0)
        assert "could not be sent" in send_code("13866194295", "1234")

    execute(snippet("docs/deployment.md", "send_code"), surroundings, use)


def test_the_sample_for_a_task_queue(surroundings: Sandbox) -> None:
    def use(names: dict[str, Any]) -> None:
        assert names["send_text"]("13866194295", "【签名】您的包裹已到") is None
        assert {kind.retry for kind in names["RETRY"]["autoretry_for"]} == {"safe"}

    execute(snippet("docs/deployment.md", "send_text"), surroundings, use)
    assert len(surroundings.gateway.sent) == 1


def test_the_polling_loop_keeps_what_came(surroundings: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    code = snippet("docs/receiving.md", "on_reply=keep").replace("__main__", "not now")
    surroundings.gateway.inject_report("13866194295", DeliveryStatus.DELIVERED, batch_id="1")

    class Stop:
        polls = 0

        def is_set(self) -> bool:
            return self.polls == 2

        def wait(self, _pause: float) -> None:
            self.polls += 1
            if self.polls == 1:
                (kept,) = Path("polls").glob("*-getSmsReport.xml")
                assert b"13866194295" in kept.read_bytes()
                half = kept.read_bytes().partition(b"</ns:return>")[0] + b"&lt;psreport>"
                headers = (("Content-Length", str(len(half) + 100)),)
                surroundings.fail_next("getSmsReport", body=half, headers=headers)
                surroundings.fail_next("getRecvSMS", drop=True)

    def use(names: dict[str, Any]) -> None:
        with Client(surroundings.url, *ACCOUNT, cache_dir=False, on_reply=names["keep"]) as client:
            names["poll"](client, Stop())

    execute(code, surroundings, use)
    assert capsys.readouterr().out.count("<DeliveryReport 138****4295 DELIVERED") == 2


@pytest.mark.parametrize("name", ["docs/deadlines.md", "docs/deadlines.zh-CN.md"])
def test_the_deadlines_are_the_defaults(name: str) -> None:
    parameters = inspect.signature(Client).parameters
    shown = re.findall(r"(\w*timeout)=Timeout\(connect=(\d+), read=(\d+), total=(\d+)\)", read(name))
    assert {key: Timeout(*map(int, limits)) for key, *limits in shown} == {
        key: parameters[key].default for key in ("timeout", "poll_timeout")
    }
    for key, *limits in shown:
        assert f"JZYSOAP_{key.upper()}={','.join(limits)}" in prose(name)
    for key in ("max_reply_bytes", "max_poll_bytes"):
        assert re.search(rf"`{key}`[(（ ]+{parameters[key].default // 2**20} MiB", prose(name))


def test_a_campaign_survives_a_kill(surroundings: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    code = snippet("docs/mailbox.md", "def campaign")
    assert len([line for line in code.splitlines() if line]) <= 25
    numbers = [f"138{number:08}" for number in range(20_000)]
    Path("numbers.csv").write_text("mobile\n" + "\n".join(numbers), "utf-8")
    surroundings.gateway.set_balance(ACCOUNT[0], 100_000)
    # The claim of a killed process ends after two seconds. Nobody else is there who would call it unknown too early.
    monkeypatch.setenv("JZYSOAP_TIMEOUT", "30,30,30")
    Path("program.py").write_text(f"from jzysoap.mailbox import outbox\n\noutbox.MARGIN = -58.0\n{code}", "utf-8")
    for sent in (10, 40):
        with subprocess.Popen([sys.executable, "program.py"], stdout=subprocess.DEVNULL) as process:
            try:
                eventually(lambda sent=sent: len(surroundings.gateway.sent) >= sent)  # type: ignore[misc]  # bound
            finally:
                process.kill()
    done = run("program.py")
    assert (done.returncode, done.stderr) == (0, "")
    states = [line.split()[0] for line in done.stdout.splitlines()]
    assert len(states) == 100
    texted = [mobile for message in surroundings.gateway.sent for mobile in message.mobiles]
    assert len(set(texted)) == len(texted)
    # At most the two batches that were under way are unknown, and those may have been sent.
    assert states.count("accepted") >= 98
    assert set(states) <= {"accepted", "unknown"}
    assert len(texted) >= 200 * states.count("accepted")
    with Mailbox.from_env() as box:
        # Reports settle those batches that did leave; a person has the others sent. Then each number was texted once.
        box.collect()
        for batch in box.unknown():
            assert not set(batch.mobiles) & set(texted)
            box.resend(batch.id, by="a person", force=True)
        box.dispatch()
    assert sorted(mobile for message in surroundings.gateway.sent for mobile in message.mobiles) == numbers


def test_a_periodic_task_handles_reports_and_unsubscribes(surroundings: Sandbox) -> None:
    code = snippet("docs/mailbox.md", "def receive")
    assert len([line for line in code.splitlines() if line]) <= 25
    with Mailbox.from_env() as box:
        box.send("13866194295", "【签名】您的包裹已到", key="order-1")
        surroundings.gateway.inject_reply("15375427702", " td ")
        surroundings.gateway.inject_reply("13866194295", "谢谢")

        def use(names: dict[str, Any]) -> None:
            delivered: dict[str, str] = {}
            unsubscribed: set[str] = set()
            box.send("15275427712", "【签名】您的包裹已到", key="order-2")
            surroundings.gateway.inject_reply("15375427702", "退订")
            names["receive"](box, delivered, unsubscribed)
            assert delivered == {"order-2 15275427712": "DELIVERED"}
            assert unsubscribed == {"15375427702"}

        execute(code, surroundings, use)
        assert box.counts()["report done"].number == 2
        assert box.counts()["reply done"].number == 3


@pytest.mark.parametrize("name", ["docs/mailbox.md", "docs/mailbox.zh-CN.md"])
def test_every_call_of_the_mailbox_is_listed(name: str) -> None:
    cells = [row[0] for table in tables(name) for row in table]
    listed = [call for cell in cells for call in re.findall(r"`(\w+)(?:\(.*?\))?`", cell)]
    public = [call for call, value in inspect.getmembers(Mailbox) if not call.startswith("_")]
    assert sorted(listed) == sorted(public)


OLD = {"requests": "import requests", "zeep": "from zeep import Client"}
NEW = "from jzysoap import Client"
FAULT = b"""<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>e:Server</faultcode>
<faultstring>busy</faultstring></e:Fault></e:Body></e:Envelope>"""


@pytest.mark.parametrize("library", OLD)
def test_code_by_hand_does_the_same_as_with_this_library(
    library: str, surroundings: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (OLD[library], NEW):
        execute(snippet("docs/migration.md", words), surroundings)
    assert capsys.readouterr().out.splitlines() == ["13866194295 1", "13866194295 DELIVERED"]
    old, new = ((sent.mobiles, sent.text, sent.channel, sent.long) for sent in surroundings.gateway.sent)
    assert old == new


@pytest.mark.parametrize("library", OLD)
@pytest.mark.parametrize(
    ("operation", "fault", "raised", "new"),
    [
        ("sendSms", {"drop": True}, {"ConnectionError"}, "OutcomeUnknownError"),
        ("sendSms", {"status": 500, "body": b"busy"}, {"HTTPError", "TransportError"}, "HttpStatusError"),
        ("sendSms", {"status": 500, "body": FAULT}, {"HTTPError", "Fault"}, "SoapFaultError"),
        ("sendSms", {"body": b"<html><br>"}, {"ParseError", "TransportError"}, "MalformedReplyError"),
        ("sendSms", {"result": "failure;余额不足"}, {"RuntimeError"}, "InsufficientBalanceError"),
        ("getSmsReport", {"result": ""}, {"ParseError", "AttributeError"}, None),
        ("getSmsReport", {"result": "failure;没有记录"}, {"ParseError"}, "GatewayError"),
        (
            "getSmsReport",
            {"result": documents.reports(documents.report().replace("<username>", "<username>&"))},
            {"ParseError"},
            None,
        ),
    ],
)
def test_errors_of_code_by_hand_are_these_here(
    library: str, operation: str, fault: dict[str, Any], raised: set[str], new: str | None, surroundings: Sandbox
) -> None:
    for words in (OLD[library], NEW):
        surroundings.fail_next(operation, **fault)
        found = None
        try:
            execute(snippet("docs/migration.md", words), surroundings)
        except Exception as error:  # noqa: BLE001  # the class of any is compared
            found = type(error).__name__
        assert found == new if words == NEW else found in raised
    if new is not None:
        assert f"`{new}`" in prose("docs/migration.md")


@pytest.mark.parametrize("library", OLD)
def test_code_by_hand_cannot_tell_what_was_sent(library: str, surroundings: Sandbox) -> None:
    code = snippet("docs/migration.md", OLD[library])
    surroundings.fail_next("sendSms", drop=True, acted=True)
    with pytest.raises(requests.ConnectionError):
        execute(code, surroundings)
    assert len(surroundings.gateway.sent) == 1
    with refused_port() as port, pytest.raises(requests.ConnectionError):
        exec(code.replace(ADDRESS, f"http://127.0.0.1:{port}"), {"__name__": "__main__"})  # noqa: S102  # our document


def test_every_page_has_its_twin_and_is_in_the_contents() -> None:
    assert {path.name for path in CLONE.glob("docs/*.md")} == {Path(name).name for name in DOCUMENTS if "/" in name}
    for readme, place in (("README.md", 0), ("README.zh-CN.md", 1)):
        linked = re.findall(r"^\| \[.*?\]\((.*?)\)", read(readme), re.MULTILINE)
        assert sorted(linked) == sorted(pair[place] for pair in PAIRS[1:])
    for english, chinese in PAIRS:
        assert f"[简体中文]({Path(chinese).name})" in read(english)
        assert f"[English]({Path(english).name})" in read(chinese)


def test_no_code_is_of_a_language_that_no_test_runs() -> None:
    assert {language for name in DOCUMENTS for language, _ in blocks(name)} == {
        "python",
        "sh",
        "text",
        "xml",
        "java",
        "ini",
    }


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_code(english: str, chinese: str) -> None:
    assert [(language, without_comments(language, code)) for language, code in blocks(english)] == [
        (language, without_comments(language, code)) for language, code in blocks(chinese)
    ]


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_form(english: str, chinese: str) -> None:
    def form(name: str) -> list[str]:
        return re.findall(r"^(#+|\||-|\d\.)(?= )", prose(name), re.MULTILINE)

    def keys(name: str) -> list[str]:
        return [key for table in tables(name) for row in table for key in re.findall("^`[^`]+`", row[0])]

    assert form(english) == form(chinese)
    assert [len(table) for table in tables(english)] == [len(table) for table in tables(chinese)]
    assert keys(english) == keys(chinese)


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_each_language_links_its_own_pages(english: str, chinese: str) -> None:
    twins = dict(PAIRS)

    def linked(name: str) -> list[str]:
        targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", read(name))]
        pages = [os.path.relpath((CLONE / name).parent / target, CLONE) for target in targets if "://" not in target]
        return [page for page in pages if page in DOCUMENTS and page not in (english, chinese)]

    assert linked(chinese) == [twins[page] for page in linked(english)]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_both_commands_stand_on_top(name: str) -> None:
    assert blocks(name)[:2] == [
        ("sh", "python3 -m venv .venv && .venv/bin/pip install '.[sandbox]' && .venv/bin/jzysoap demo\n"),
        ("sh", ".venv/bin/pip install tox && .venv/bin/tox\n"),
    ]
    assert len(snippets(name, "sh")) == 2
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
    assert list(parameters) == list(OPTIONS)
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


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_variable_that_is_named_is_known(name: str) -> None:
    known = VARIABLES | SANDBOX_VARIABLES | {*OWN_VARIABLES}
    assert set(re.findall(r"JZYSOAP_[A-Z0-9_]+", read(name))) <= known


@pytest.mark.parametrize("name", ["docs/errors.md", "docs/errors.zh-CN.md"])
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
    assert all(issubclass(getattr(jzysoap, row[0].strip("`")), errors.GatewayError) for row in table[-6:])


@pytest.mark.parametrize("name", ["docs/protocol.md", "docs/protocol.zh-CN.md"])
def test_words_of_refusals_mean_what_the_protocol_says(name: str, surroundings: Sandbox) -> None:
    (table,) = [table for table in tables(name) if table[0][1] == "`AuthenticationError`"]
    unsure = re.findall(r"[（(](超时.*?)[)）]", prose(name).replace("\n", ""))[-1]
    with Client(surroundings.url, *ACCOUNT, cache_dir=False) as client:
        for texts, error in [*table, (unsure, "`GatewayError`")]:
            for text in re.split("[,、] ?", texts):
                surroundings.fail_next("getRestMoney", result=f"failure;{text}")
                with pytest.raises(errors.GatewayError) as caught:
                    client.balance()
                assert f"`{type(caught.value).__name__}`" == error, text
                assert caught.value.may_have_been_sent == (texts == unsure)


def headings_of(name: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", prose(name), re.MULTILINE)


def anchors_of(name: str) -> list[str]:
    """The anchors that GitHub gives to the headings of a document."""
    return [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings_of(name)]


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", read(name)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (CLONE / name).parent / path if path else CLONE / name
        assert found.is_file(), target
        assert not anchor or anchor in anchors_of(str(found.resolve().relative_to(CLONE))), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_two_sections_of_a_page_have_the_same_anchor(name: str) -> None:
    assert len(anchors_of(name)) == len(set(anchors_of(name)))


def test_the_sections_of_the_protocol_keep_their_names() -> None:
    assert re.findall(r"^## (.*)$", read("docs/protocol.md"), re.MULTILINE) == PROTOCOL


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md", "CONTRIBUTING.md"])
def test_no_numbers_but_the_vendors_samples(name: str) -> None:
    samples = {"13866194295", "15375427702", "15275427712", "13865193295", "15256560065", "13866194285", "15266144263"}
    assert set(re.findall(r"(?<!\d)1[3-9]\d{9}(?!\d)", read(name))) <= samples


@pytest.mark.parametrize("name", [chinese for _, chinese in PAIRS])
def test_readers_are_addressed_politely(name: str) -> None:
    # The one exception is the text of a subscriber.
    assert "你" not in read(name).replace("你谁啊", "")


def test_what_is_told_of_the_gaps() -> None:
    """Lines that users must be able to find, in both languages."""
    for name, *words in [
        ("README.md", "no batch id", "servlet", "some message"),
        ("README.zh-CN.md", "不返回批号", "servlet", "某条短信"),
        ("docs/receiving.md", "no batch id", "`sent_at`", "Do not"),
        ("docs/receiving.zh-CN.md", "不返回批号", "`sent_at`", "不要"),
        ("docs/deadlines.md", "name resolution"),
        ("docs/deadlines.zh-CN.md", "域名解析"),
        ("docs/sending.md", "`kill -9`", "unknown"),
        ("docs/sending.zh-CN.md", "`kill -9`", "未知"),
        ("docs/configuration.md", "NTLM", "local proxy", "`adapter`"),
        ("docs/configuration.zh-CN.md", "NTLM", "本地代理", "`adapter`"),
    ]:
        sections = [" ".join(section.split()) for section in re.split("^#+ ", read(name), flags=re.MULTILINE)]
        assert any(all(word in section for word in words) for section in sections), name


def test_the_changelog_has_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert jzysoap.__version__ in headings or headings == ["Unreleased"]


@pytest.mark.parametrize("name", options.DOCUMENTS)
def test_the_options_are_documented_from_their_table(name: str) -> None:
    assert options.document(name, read(name)) == read(name), "run: python -m tests.kit.options"


def test_the_constructor_is_documented_from_the_table_of_options() -> None:
    source = read("jzysoap/client/base.py")
    assert options.with_arguments(source) == source, "run: python -m tests.kit.options"
    assert set(options.texts()) == set(OPTIONS)


@pytest.mark.parametrize("name", commands.DOCUMENTS)
def test_the_commands_are_documented_from_their_parser(name: str) -> None:
    assert commands.document(name, read(name)) == read(name), "run: python -m tests.kit.commands"


@pytest.mark.parametrize("name", commands.DOCUMENTS)
def test_every_command_is_documented(name: str) -> None:
    assert commands.documented(read(name)) == commands.leaves()
