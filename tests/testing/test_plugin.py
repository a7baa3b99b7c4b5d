"""The fixtures in real pytest sessions of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = "pytester"

NUMBER = "13866194295"
OPTIONS = ("-p", "no:cacheprovider", "-W", "error")


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def run(inner: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    inner.makepyfile(code)
    return inner.runpytest_subprocess(*OPTIONS, *options)


def test_the_fixtures(inner: pytest.Pytester) -> None:
    code = f"""
        import os
        from jzysoap import Client

        def test_a_client(sms_gateway, sms_client):
            sms_client.send("{NUMBER}", "您好")
            assert sms_gateway.wait_for_message("{NUMBER}").text == "您好"

        def test_another_test_has_another_gateway(sms_gateway):
            sms_gateway.assert_nothing_sent()

        def test_the_application_reads_the_environment(sms_gateway, sms_environment):
            with sms_gateway.expect() as got, Client.from_env() as client:
                client.send("{NUMBER}", "验证码 1234")
            assert got.code() == "1234"

        def test_the_environment_is_as_before():
            assert "JZYSOAP_BASE_URL" not in os.environ
    """
    run(inner, code).assert_outcomes(passed=4)


def test_several_processes(inner: pytest.Pytester) -> None:
    code = f"""
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_a_code(sms_gateway, sms_client, number):
            sms_client.send("{NUMBER}", f"验证码 {{1000 + number}}")
            assert sms_gateway.wait_for_code("{NUMBER}") == str(1000 + number)
    """
    run(inner, code, "-n", "2").assert_outcomes(passed=20)


@pytest.mark.parametrize("mark", ["asyncio", "anyio"])
def test_coroutines(inner: pytest.Pytester, mark: str) -> None:
    code = f"""
        import asyncio
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.{mark}
        async def test_one(sms_gateway, sms_async_client):
            with sms_gateway.expect("{NUMBER}") as got:
                await sms_async_client.send("{NUMBER}", "验证码 1234")
            assert got.code() == "1234"

        @pytest.mark.{mark}
        async def test_a_wait_in_a_thread(sms_gateway, sms_async_client):
            task = asyncio.create_task(sms_async_client.send("{NUMBER}", "验证码 5678"))
            assert await asyncio.to_thread(sms_gateway.wait_for_code) == "5678"
            await task
    """
    run(inner, code).assert_outcomes(passed=2)


def test_unittest(inner: pytest.Pytester) -> None:
    code = f"""
        import unittest
        from jzysoap.testing import SmsGateway

        class Login(unittest.TestCase):
            def setUp(self):
                self.gateway = self.enterContext(SmsGateway())
                self.client = self.enterContext(self.gateway.client())

            def test_code(self):
                self.client.send("{NUMBER}", "验证码 1234")
                self.assertEqual(self.gateway.wait_for_code("{NUMBER}"), "1234")
    """
    run(inner, code, "-p", "no:jzysoap").assert_outcomes(passed=1)
    done = subprocess.run(  # noqa: S603  # of this test's own code
        [sys.executable, "-W", "error", "-m", "unittest", *(path.stem for path in inner.path.glob("test_*.py"))],
        cwd=inner.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.rstrip().endswith("OK"), done.stderr


def test_the_fixtures_can_be_switched_off(inner: pytest.Pytester) -> None:
    result = run(inner, "def test_one(sms_gateway): pass", "-p", "no:jzysoap")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'sms_gateway' not found*"])


@pytest.mark.parametrize("show", [False, True])
def test_a_wait_that_fails_shows_what_came_instead(inner: pytest.Pytester, show: bool) -> None:
    code = f"""
        def test_one(sms_gateway, sms_client):
            sms_client.send("{NUMBER[:8]}" + "{NUMBER[8:]}", "机" + "密")
            sms_gateway.wait_for_code("{NUMBER[:8]}" + "{NUMBER[8:]}", timeout=0)
    """
    result = run(inner, code, *(["--sms-show"] if show else []))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *no message to 138????4295 with a code came within 0 s. Instead came:"])
    assert (f"to {NUMBER}: '机密'" in result.stdout.str()) is show
    assert ("--sms-show, or show=True" in result.stdout.str()) is not show
    # An error has no frames with the message.
    assert ("机密" in result.stdout.str()) is show


def test_the_option_is_explained(inner: pytest.Pytester) -> None:
    result = inner.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["the SMS gateway of the fixture sms_gateway:", "*--sms-show*"])


def test_loading_the_plugin_loads_nothing_else() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import jzysoap.testing.plugin, jzysoap.testing;"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603  # as above
    assert done.stdout.split() == ["jzysoap", "jzysoap._version", "jzysoap.testing", "jzysoap.testing.plugin"]


def test_unknown_names() -> None:
    import jzysoap.testing

    with pytest.raises(AttributeError, match="no attribute 'other'"):
        jzysoap.testing.other  # type: ignore[attr-defined]  # noqa: B018  # that is what is tested


@pytest.mark.inbox
def test_a_thousand_waits(inner: pytest.Pytester) -> None:
    code = f"""
        import threading
        import pytest

        @pytest.mark.parametrize("number", range(1000))
        def test_a_code(sms_gateway, sms_client, number):
            sending = threading.Thread(target=sms_client.send, args=("{NUMBER}", f"验证码 {{1000 + number}}"))
            sending.start()
            assert sms_gateway.wait_for_code("{NUMBER}", timeout=30) == str(1000 + number)
            sending.join()
    """
    run(inner, code, "-n", "2").assert_outcomes(passed=1000)
