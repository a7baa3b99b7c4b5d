"""``tests/lowest.txt`` is what setup.cfg allows at the lowest."""

from __future__ import annotations

import configparser
from pathlib import Path

HERE = Path(__file__).parent.parent


def test_the_lowest_versions_are_those_that_are_allowed() -> None:
    setup = configparser.ConfigParser()
    setup.read(HERE.parent / "setup.cfg", "utf-8")
    allowed = [
        *setup["options"]["install_requires"].split(),
        *setup["options.extras_require"]["sandbox"].split(),
        *setup["options.extras_require"]["cli"].split(),
        *setup["options.extras_require"]["async"].split(),
        *setup["options.extras_require"]["socks"].split(),
        *setup["options.extras_require"]["mailbox"].split(),
        *setup["options.extras_require"]["postgresql"].split(),
        *setup["options.extras_require"]["mysql"].split(),
    ]
    bounds = {line.partition(">=")[0]: line.partition(">=")[2].partition(",")[0] for line in allowed}
    lines = (HERE / "lowest.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert pins == bounds
    assert all(bounds.values())


def test_the_test_extra_allows_what_the_other_extras_do() -> None:
    setup = configparser.ConfigParser()
    setup.read(HERE.parent / "setup.cfg", "utf-8")
    extras = setup["options.extras_require"]
    tested = ("sandbox", "cli", "async", "socks", "mailbox", "postgresql", "mysql")
    assert {one for name in tested for one in extras[name].split()} <= set(extras["test"].split())
