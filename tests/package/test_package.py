"""The built distributions, installed in an environment that has nothing else.

Needs a package index, and so is run apart from the other tests: ``tox -e package``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.kit.recordings import USABLE, Stack, load

pytestmark = pytest.mark.package

CLONE = Path(__file__).parent.parent.parent
NOT_CLONED = shutil.ignore_patterns(
    ".git",
    ".tox",
    ".venv",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    ".coverage*",
    "target",
)
SHIPPED = [f"{name}/{file}" for name in USABLE for file in ("service.wsdl", "SOURCE")]
SHIPPED += [f"{name}/{one['file']}" for name in USABLE for one in load(name).meta["imports"]]

IMPORTS = """
import sys
import jzysoap
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"zeep", "httptools", "waitress", "jzysoap"}))
"""

CALLS = """
import sys
from jzysoap import Client
with Client(sys.argv[1], "admin", "made-up", cache_dir=False) as client:
    print(client.balance().gateway)
    print(client.send("15275427712", "made up").batch_id)
"""

BUNDLED = """
import sys
from jzysoap import Client
with Client(sys.argv[1], "admin", "made-up", wsdl="bundled", cache_dir=False) as client:
    print(client.balance().gateway)
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment, with an empty folder to work in."""

    python: Path
    folder: Path

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """Return the output of its Python, which must exit with 0 and cannot import anything of the clone."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
        return _run([str(self.python), *arguments], folder or self.folder, clean)

    def pip(self, *arguments: str) -> None:
        """Runs its pip."""
        self.run("-m", "pip", "--disable-pip-version-check", "--quiet", *arguments)


def _run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # the commands are those of this file
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to build from: building leaves folders in it."""
    return Path(shutil.copytree(CLONE, tmp_path_factory.mktemp("clone") / "jzysoap", ignore=NOT_CLONED))


@pytest.fixture(scope="module")
def distributions(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--outdir", str(folder), str(clone)], folder, dict(os.environ))
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(distributions: Path) -> Path:
    (path,) = distributions.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", with_pip=True, symlinks=os.name != "nt")
    environment = Environment(
        folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python", tmp_path_factory.mktemp("empty")
    )
    environment.pip("install", str(wheel))
    return environment


@pytest.fixture(scope="module")
def full(bare: Environment, wheel: Path) -> Environment:
    """The same with the sandbox's extra."""
    bare.pip("install", f"{wheel}[sandbox]")
    return bare


@pytest.fixture
def gateway(httpserver: HTTPServer) -> str:
    """The recorded Axis2, its definition and its answers, in an HTTP server."""
    recorded: Stack = load("axis2-1.6.2")
    path = "/services/userApi"
    httpserver.expect_request(path, query_string="wsdl").respond_with_data(recorded.wsdl, content_type="text/xml")
    for operation in ("sendSms", "getRestMoney"):
        answer = recorded.response(operation)
        httpserver.expect_request(path, method="POST", headers={"SOAPAction": f'"urn:{operation}"'}).respond_with_data(
            answer.body, answer.status, content_type=answer.headers["content-type"]
        )
    return httpserver.url_for("").rstrip("/")


def test_the_definitions_are_in_both(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as built:
        for name in SHIPPED:
            assert built.read(f"jzysoap/wsdl_data/{name}") == (CLONE / "wsdl" / name).read_bytes()
    with tarfile.open(sdist) as source:
        top = source.getnames()[0].partition("/")[0]
        for name in SHIPPED:
            member = source.extractfile(f"{top}/wsdl/{name}")
            assert member is not None
            assert member.read() == (CLONE / "wsdl" / name).read_bytes()


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as built:
        names = {name for name in built.namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(CLONE).as_posix() for path in (CLONE / "jzysoap").rglob("*.py")}
    data = {f"jzysoap/wsdl_data/{name}" for name in [*SHIPPED, "__init__.py"]}
    page = {f"jzysoap/sandbox/page/{name}" for name in ("index.html", "inbox.js", "inbox.css", "icon.svg")}
    assert names == modules | data | page | {"jzysoap/py.typed"}


def test_the_sdist_can_be_tested_and_linted(sdist: Path) -> None:
    with tarfile.open(sdist) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    expected = {
        "setup.cfg",
        "pyproject.toml",
        "tox.ini",
        "ruff.toml",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        ".ci/run",
    }
    tests = {path.relative_to(CLONE).as_posix() for path in (CLONE / "tests").rglob("*.py")}
    recorded = {path.relative_to(CLONE).as_posix() for path in (CLONE / "tests" / "recorded").glob("*/*")}
    assert expected | tests | recorded <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_importing_loads_none_of_the_heavy_ones(bare: Environment) -> None:
    assert bare.run("-c", IMPORTS) == "['jzysoap']\n"


def test_it_is_the_wheel_that_is_imported(bare: Environment) -> None:
    where = Path(bare.run("-c", "import jzysoap; print(jzysoap.__file__)").strip())
    assert bare.python.parent.parent in where.parents


def test_nothing_else_is_required(bare: Environment) -> None:
    bare.pip("check")


def test_calls_without_any_extra(bare: Environment, gateway: str) -> None:
    assert bare.run("-c", CALLS, gateway) == "49919\n337017332\n"
    assert bare.run("-c", BUNDLED, gateway) == "49919\n"


def test_the_demo_from_the_wheel(full: Environment) -> None:
    program = full.python.with_name("jzysoap")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    assert _run([str(program), "demo"], full.folder, clean)
    assert full.run("-m", "jzysoap", "demo")


# The order matters from here: each replaces what the last one installed.


def test_from_the_sdist(full: Environment, sdist: Path, gateway: str) -> None:
    full.pip("install", "--no-deps", "--force-reinstall", str(sdist))
    assert full.run("-c", BUNDLED, gateway) == "49919\n"
    assert full.run("-m", "jzysoap", "demo")


def test_editable(full: Environment, clone: Path, gateway: str) -> None:
    full.pip("install", "--no-deps", "--force-reinstall", "--editable", str(clone))
    where = Path(full.run("-c", "import jzysoap; print(jzysoap.__file__)").strip())
    assert where == clone / "jzysoap" / "__init__.py"
    assert full.run("-c", BUNDLED, gateway) == "49919\n"
    assert full.run("-m", "jzysoap", "demo")


def test_from_the_clone_without_installing(full: Environment, clone: Path, gateway: str) -> None:
    full.pip("uninstall", "--yes", "jzysoap")
    assert full.run("-c", BUNDLED, gateway, folder=clone) == "49919\n"
    assert full.run("-m", "jzysoap", "demo", folder=clone)
