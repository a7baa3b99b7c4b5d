"""The JSON API does what its OpenAPI document says, whatever it is asked: schemathesis tries."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from jzysoap import Client
from jzysoap.sandbox import Gateway, Sandbox, endpoints
from tests.kit.samples import MOBILE

pytestmark = pytest.mark.inbox

# A request that fits its form may still name a message or an account that is not there.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method"
)


@pytest.mark.parametrize("token", [None, "made-up-token-0123456789"])
def test_no_answer_is_undocumented(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Thousands of calls wait for nothing.
    monkeypatch.setattr(endpoints, "MAX_WAIT", 0.01)
    gateway = Gateway()
    gateway.add_account("test", "secret1")
    with (
        Sandbox(gateway=gateway, token=token) as sandbox,
        Client(sandbox.url, "test", "secret1", cache_dir=False) as client,
    ):
        client.send(MOBILE, "【签名】您的验证码是 1234")
        gateway.inject_reply(MOBILE, "好")
        command = [sys.executable, "-m", "schemathesis.cli", "run", "--no-color", "--checks", CHECKS]
        command += ["--max-examples", "40", "--seed", "1", "--generation-database", "none"]
        if token is not None:
            command += ["--header", f"Authorization: Bearer {token}"]
        done = subprocess.run(  # noqa: S603  # of this test's own arguments
            [*command, sandbox.inbox_url.replace("/inbox/", "/api/v1/openapi.json")],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  (\d{3,}) generated, \1 passed$", done.stdout, re.MULTILINE), done.stdout
