"""Clients of other stacks against the sandbox: each makes all four calls and gets the right answers.

They print a line a call: the operation and the BASE64 of what it returned. What they send comes by the environment,
which carries any text to all of them.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from jzysoap import Channel, DeliveryStatus
from jzysoap.sandbox import Sandbox
from tests.interop.ledger import LEDGER, Facts
from tests.interop.stacks import CLIENTS, need, need_soap_of_php, run
from tests.kit.missing import lacking

pytestmark = pytest.mark.interop

TEXT = "【签名】你好 & <世界> \"]]>' 😀\n第二行"
PASSWORD = base64.b64encode(b"secret1").decode()

Prepare = Callable[[Path, str, str, Callable[[], str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Foreign:
    """A client of another stack.

    Attributes:
        name: its folder in ``clients``.
        title: as its makers call it.
        prepare: installs or builds it in a folder for a definition and a version of SOAP; returns its command.
        versions: the versions of SOAP that it speaks.
    """

    name: str
    title: str
    prepare: Prepare
    versions: tuple[str, ...] = ("1.1", "1.2")


def check(done: subprocess.CompletedProcess[str], what: str) -> str:
    if done.returncode != 0:
        pytest.fail(f"{what}:\n{(done.stdout + done.stderr)[-4000:]}", pytrace=False)
    return done.stdout


def node(folder: Path, wsdl: str, version: str, complaints: Callable[[], str]) -> Sequence[str]:
    need("node", "npm")
    home = folder.parent / "node"
    if not home.exists():
        shutil.copytree(CLIENTS / "node", home)
        done = run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=home)
        if done.returncode != 0:
            shutil.rmtree(home)
            lacking(f"npm cannot install soap: {done.stderr[-2000:]}")
    return ["node", str(home / "client.js"), wsdl, "test", PASSWORD, version]


def suds(folder: Path, wsdl: str, version: str, complaints: Callable[[], str]) -> Sequence[str]:
    if run(sys.executable, "-c", "import suds").returncode != 0:
        lacking("not installed: suds-community")
    return [sys.executable, str(CLIENTS / "suds" / "client.py"), wsdl, "test", PASSWORD, version]


def php(folder: Path, wsdl: str, version: str, complaints: Callable[[], str]) -> Sequence[str]:
    need_soap_of_php()
    return ["php", str(CLIENTS / "php" / "client.php"), wsdl, "test", PASSWORD, version]


def axis2(folder: Path, wsdl: str, version: str, complaints: Callable[[], str]) -> Sequence[str]:
    if re.search(r"on project axis2-client\b", complaints()):
        lacking(f"Axis2's wsdl2java cannot be had: {complaints()[-4000:]}")
    libraries = CLIENTS / "axis2" / "target" / "dependency"
    (kernel,) = libraries.glob("axis2-kernel-*.jar")
    port = re.search(f'port name="(\\w+Soap{version.replace(".", "")}Endpoint)"', fetch(wsdl))
    assert port is not None
    generate = (
        "org.apache.axis2.wsdl.WSDL2Java",
        "-uri",
        wsdl,
        "-o",
        str(folder),
        "-p",
        "interop",
        "-s",
        "-pn",
        port[1],
    )
    check(run("java", "-cp", f"{libraries}/*", *generate), "wsdl2java")
    sources = [str(path) for path in (*folder.rglob("*.java"), CLIENTS / "axis2" / "interop" / "Client.java")]
    check(run("javac", "-nowarn", "-encoding", "UTF-8", "-cp", f"{libraries}/*", "-d", str(folder), *sources), "javac")
    number = kernel.stem.rpartition("-")[2]
    return ["java", "-cp", f"{folder}:{libraries}/*", "interop.Client", "test", PASSWORD, number]


def fetch(url: str) -> str:
    from urllib.request import urlopen

    with urlopen(url) as answer:  # noqa: S310  # the sandbox
        text: str = answer.read().decode()
        return text


FOREIGN = (
    Foreign("node", "node-soap", node),
    Foreign("suds", "suds-community", suds, ("1.1",)),
    Foreign("php", "PHP SoapClient", php),
    Foreign("axis2", "Apache Axis2 wsdl2java", axis2),
)


ENVELOPES = {
    "1.1": b"http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": b"http://www.w3.org/2003/05/soap-envelope",
}


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that they are built in."""
    return tmp_path_factory.mktemp("clients")


@pytest.mark.parametrize("definition", ["axis2-1.6.2", "axis2-1.6.2-7param"])
@pytest.mark.parametrize(
    ("foreign", "version"),
    [
        pytest.param(foreign, version, id=f"{foreign.name}-{version}")
        for foreign in FOREIGN
        for version in foreign.versions
    ],
)
def test_calls(
    foreign: Foreign, definition: str, version: str, workshop: Path, complaints: functools.partial[str]
) -> None:
    """All four operations, over each definition and version of SOAP."""
    extension = "08" if definition.endswith("7param") else ""
    with Sandbox(definition=definition, soap_batch_ids=True) as sandbox:
        folder = workshop / f"{foreign.name}-{definition}-{version}"
        folder.mkdir()
        command = foreign.prepare(folder, f"{sandbox.url}/services/userApi?wsdl", version, complaints)
        sandbox.gateway.inject_reply("13800000000", "你谁啊?")
        results = call(
            command, {"INTEROP_TEXT": base64.b64encode(TEXT.encode()).decode(), "INTEROP_EXTENSION": extension}
        )
        LEDGER.facts[foreign.name] = Facts(foreign.title, results["version"], foreign.versions)
        (sent,) = sandbox.gateway.sent
        assert (sent.text, sent.mobiles, sent.channel) == (TEXT, ("13800000000",), Channel.GATEWAY)
        assert (sent.extension, sent.long, sent.via) == (extension, False, "soap")
        assert results["sendSms"] == f"success;{sent.batch_id}"
        left = sandbox.gateway.balances("test")
        assert results["getRestMoney"] == (
            f"memberSmsNum={left[Channel.MEMBER]};gateSmsNum={left[Channel.GATEWAY]};kaSmsNum={left[Channel.CARD]}"
        )
        assert f"<smslogid>{sent.batch_id}</smslogid><status>{DeliveryStatus.DELIVERED.value}</status>" in re.sub(
            r">\s+<", "><", results["getSmsReport"]
        )
        assert "<content>xOPLrbChPw==</content>" in results["getRecvSMS"]
        bodies = [one.request_body for one in sandbox.exchanges if one.request_line.startswith("POST ")]
        assert [ENVELOPES[version] in body for body in bodies] == [True] * 4


def call(command: Sequence[str], values: Mapping[str, str]) -> dict[str, str]:
    """Runs it; what each operation returned."""
    done = subprocess.run(  # noqa: S603  # all commands are of this file
        command,
        env={**os.environ, **{name: value for name, value in values.items() if value}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split("\t") for line in check(done, "the client failed").splitlines()]
    return {name: base64.b64decode(value).decode() for name, value in lines}
