"""A subclass of ``Sandbox`` with a table of its own, without a client."""

from __future__ import annotations

import pytest
import requests

from jzysoap.model.operations import CREDENTIALS, OPERATIONS, Argument, Operation, Operations
from jzysoap.sandbox import Question, RefusedError, Sandbox
from tests.sandbox.foreign import PASSWORD

GET_BLACKLIST = Operation(
    "getBlacklist", "getBlackList", "query", (*CREDENTIALS, Argument("since", optional=True)), "optional"
)
TABLE: Operations = {**OPERATIONS, "getBlacklist": GET_BLACKLIST}


class Unanswered(Sandbox):
    operations = TABLE


class Blacklists(Unanswered):
    def answer(self, question: Question) -> str | None:
        if question.operation != "getBlacklist":
            return super().answer(question)
        self.gateway.check_password(question.username, question.password)
        if question.arguments.get("since") == "never":
            raise RefusedError("没有记录")
        return f"{question.via} {sorted(question.arguments)}"


def ask(sandbox: Sandbox, method: str = "getBlackList", **arguments: str) -> requests.Response:
    form = {"method": method, "username": "test", "password": PASSWORD, **arguments}
    return requests.post(f"{sandbox.url}/servlet/UserServiceAPI", form, timeout=30)


def test_a_subclass_answers_an_operation_of_its_own_table() -> None:
    with Blacklists() as sandbox:
        assert ask(sandbox, since="2012", other="x").text == "servlet ['password', 'since', 'username']\r\n"
        assert ask(sandbox, since="never").content.decode("gbk") == "failure;没有记录\r\n"
        assert ask(sandbox, password="").content.decode("gbk") == "failure;用户名或密码错误\r\n"
        assert ask(sandbox, "getRestMoney").text.startswith("memberSmsNum=1000;")


def test_a_fault_may_be_for_an_operation_of_the_table() -> None:
    with Blacklists() as sandbox:
        sandbox.fail_next("getBlacklist", result="failure;x")
        assert ask(sandbox, "getRestMoney").text.startswith("memberSmsNum=1000;")
        assert ask(sandbox).text == "failure;x\r\n"


def test_the_table_of_another_sandbox_is_not_changed(sandbox: Sandbox) -> None:
    assert ask(sandbox).content.decode("gbk") == "failure;未知的方法\r\n"


def test_an_operation_that_no_subclass_answers_is_a_server_error(caplog: pytest.LogCaptureFixture) -> None:
    with Unanswered() as sandbox:
        assert ask(sandbox).status_code == 500
    assert "the sandbox has no answer to getBlacklist: answer it in Sandbox.answer of a subclass" in caplog.text
