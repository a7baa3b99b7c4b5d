"""The JSON API of the inbox, over HTTP."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from jzysoap import Client, DeliveryStatus, OutcomeUnknownError
from jzysoap.sandbox import Gateway, Sandbox
from jzysoap.sandbox.endpoints import endpoints
from jzysoap.sandbox.inbox import MAX_WAITING
from jzysoap.sandbox.web import MAX_BODY
from tests.kit.inbox import call, get
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT

CODE = f"【签名】{TEXT}，😀"


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
        yield client


def texts(answer: Any) -> list[str]:
    return [message["text"] for message in answer["messages"]]


def test_a_message_with_all_that_is_known_of_it(sandbox: Sandbox, client: Client) -> None:
    sent = client.send([MOBILE, SECOND_MOBILE], CODE)
    (message,) = get(sandbox, "/messages")["messages"]
    assert get(sandbox, f"/messages/{message['id']}") == message
    at = message.pop("at")
    assert at.endswith("+08:00")
    for delivery in message["deliveries"]:
        assert delivery.pop("due") == at
    assert message == {
        "id": sandbox.gateway.sent[0].batch_id,
        "seq": 1,
        "username": "test",
        "interface": "soap",
        "channel": "gateway",
        "to": list(sent.mobiles),
        "text": CODE,
        "signature": "签名",
        "codes": ["1234"],
        "segments": 1,
        "long": False,
        "extension": "",
        "gbk": False,
        "deliveries": [{"to": number, "status": "delivered", "polled": False} for number in (MOBILE, SECOND_MOBILE)],
        "delivery_count": 2,
    }


def test_messages_are_searched_and_paged(sandbox: Sandbox, client: Client) -> None:
    for number in range(5):
        client.send([MOBILE, SECOND_MOBILE][number % 2], f"message {number}")
    everything = get(sandbox, "/messages")
    assert texts(everything) == [f"message {number}" for number in (4, 3, 2, 1, 0)]
    assert not everything["more"]
    assert texts(get(sandbox, f"/messages?to={SECOND_MOBILE[:4]}")) == ["message 3", "message 1"]
    assert texts(get(sandbox, "/messages?text=3")) == ["message 3"]
    page = get(sandbox, "/messages?limit=2")
    assert (texts(page), page["more"]) == (["message 4", "message 3"], True)
    before = page["messages"][-1]["seq"]
    assert texts(get(sandbox, f"/messages?limit=3&before={before}")) == ["message 2", "message 1", "message 0"]
    assert texts(get(sandbox, f"/messages?since={before}")) == ["message 4"]


@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_the_request_of_a_message_without_its_password(sandbox: Sandbox, interface: Any) -> None:
    with Client(sandbox.url, "test", "secret1", cache_dir=False, interface=interface) as client:
        client.send(MOBILE, "你好")
    raw = get(sandbox, f"/messages/{sandbox.gateway.sent[0].batch_id}/raw")
    assert raw["interface"] == interface
    assert MOBILE in raw["request"]
    assert "***" in raw["request"]
    assert "c2VjcmV0MQ" not in raw["request"]
    assert "success" in raw["reply"]


def test_a_request_that_is_not_kept(sandbox: Sandbox, client: Client) -> None:
    client.send(MOBILE, "你好")
    batch_id = sandbox.gateway.sent[0].batch_id
    sandbox.fail_next("sendSms", drop=True, acted=True)
    with pytest.raises(OutcomeUnknownError):
        client.send(MOBILE, "你好")
    lost = get(sandbox, f"/messages/{sandbox.gateway.sent[1].batch_id}/raw")
    assert lost["reply"] == "(the connection was closed without a reply)"
    for _ in range(1000):
        requests.get(f"{sandbox.url}/nothing", timeout=30)
    assert call(sandbox, "GET", f"/messages/{batch_id}/raw").status_code == 404
    assert call(sandbox, "GET", "/messages/1/raw").status_code == 404
    assert call(sandbox, "GET", "/messages/1").json()["field"] == "id"


def test_a_code_that_is_there_and_one_that_comes(sandbox: Sandbox, client: Client) -> None:
    client.send(MOBILE, "验证码 1234")
    client.send(MOBILE, "验证码 5678")
    client.send(SECOND_MOBILE, "A-42: 验证码 9999")
    assert get(sandbox, f"/codes/wait?to={MOBILE}")["code"] == "5678"
    assert get(sandbox, "/codes/wait?pattern=A-(%5Cd%2B)")["code"] == "42"
    assert get(sandbox, "/codes/wait?pattern=A-%5Cd%2B")["code"] == "A-42"
    since = get(sandbox, "/state")["seq"]
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(get, sandbox, f"/codes/wait?to={MOBILE}&since={since}&timeout=30")
        client.send(SECOND_MOBILE, "验证码 1111")
        client.send(MOBILE, "没有")
        client.send(MOBILE, "编号 2222")
        answer = later.result(30)
    assert (answer["code"], answer["message"]["text"]) == ("2222", "编号 2222")


def test_a_wait_in_vain_shows_what_came(sandbox: Sandbox, client: Client) -> None:
    client.send(MOBILE, "你好")
    answer = call(sandbox, "GET", f"/messages/wait?to={SECOND_MOBILE}&timeout=0.1")
    assert answer.status_code == 404
    assert [message["text"] for message in answer.json()["came"]] == ["你好"]
    assert call(sandbox, "GET", "/codes/wait?timeout=1e-3").status_code == 404
    assert get(sandbox, "/messages/wait?text=你好")["to"] == [MOBILE]


def test_a_wait_passes_over_all_that_is_no_message(sandbox: Sandbox, client: Client) -> None:
    client.send(MOBILE, "你好")
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(call, sandbox, "GET", "/messages/wait?since=1&timeout=0.5")
        # Until the wait has ended, so that some of them come while it lasts.
        while not later.done():
            assert call(sandbox, "POST", "/replies", {"from": MOBILE, "text": "TD"}).status_code == 201
        assert later.result().status_code == 404


def test_changes_are_waited_for(sandbox: Sandbox, client: Client) -> None:
    assert get(sandbox, "/changes?since=0") == {"seq": 0, "kinds": [], "waited": True}
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(get, sandbox, "/changes?since=0&wait=30")
        client.send(MOBILE, "你好")
        assert "sent" in later.result(30)["kinds"]
    # A sandbox that was started anew is behind what a page has seen.
    assert get(sandbox, "/changes?since=99&wait=30") == {"seq": 2, "kinds": [], "waited": True}


def test_so_many_calls_wait_and_no_more(sandbox: Sandbox, client: Client) -> None:
    def wait() -> Any:
        # The question below takes a place for a moment.
        while not (answer := get(sandbox, "/changes?since=0&wait=30"))["waited"]:
            pass
        return answer

    with ThreadPoolExecutor(MAX_WAITING) as pool:
        waiting = [pool.submit(wait) for _ in range(MAX_WAITING)]
        while get(sandbox, "/changes?since=0&wait=0")["waited"]:
            time.sleep(0.01)
        assert get(sandbox, "/changes?since=0&wait=30") == {"seq": 0, "kinds": [], "waited": False}
        assert call(sandbox, "GET", "/messages/wait?timeout=30").status_code == 404
        client.send(MOBILE, "你好")
        assert [one.result(30)["seq"] > 0 for one in waiting] == [True] * MAX_WAITING
    assert get(sandbox, "/changes?since=2")["waited"]


def test_calls_that_wait_end_with_the_sandbox() -> None:
    with ThreadPoolExecutor(1) as pool:
        with Sandbox() as sandbox:
            later = pool.submit(get, sandbox, "/changes?since=0&wait=60")
            time.sleep(0.2)
        # Answered, or cut off: either way before its time.
        with contextlib.suppress(requests.RequestException):
            later.result(30)


def test_replies(sandbox: Sandbox, client: Client) -> None:
    answer = call(sandbox, "POST", "/replies", {"from": MOBILE, "text": "好 😀"})
    assert answer.status_code == 201
    (waiting,) = get(sandbox, "/queues")["replies"]["waiting"]
    assert waiting == answer.json()
    assert waiting["polled_at"] is None
    assert client.replies()[0].text == "好 😀"
    (polled,) = get(sandbox, "/queues")["replies"]["polled"]
    assert polled.pop("polled_at") is not None
    assert polled == {"from": MOBILE, "username": "test", "text": "好 😀", "at": waiting["at"]}


def test_a_reply_goes_to_the_account_that_wrote_last() -> None:
    gateway = Gateway()
    for username in ("one", "two"):
        gateway.add_account(username, "secret1")
    with Sandbox(gateway=gateway) as sandbox:
        assert call(sandbox, "POST", "/replies", {"from": MOBILE, "text": "好"}).json()["field"] == "username"
        with Client(sandbox.url, "two", "secret1", cache_dir=False) as client:
            client.send(MOBILE, "你好")
            assert call(sandbox, "POST", "/replies", {"from": MOBILE, "text": "好"}).json()["username"] == "two"
            reply = {"from": MOBILE, "text": "好", "username": "one"}
            assert call(sandbox, "POST", "/replies", reply).json()["username"] == "one"
            assert len(client.replies()) == 1


def test_reports(sandbox: Sandbox, client: Client) -> None:
    client.send([MOBILE, SECOND_MOBILE], "你好")
    batch_id = sandbox.gateway.sent[0].batch_id
    answer = call(sandbox, "POST", "/reports", {"message": batch_id, "to": MOBILE, "status": "failed"})
    assert [report["status"] for report in answer.json()["reports"]] == ["failed"]
    assert {report["status"] for report in get(sandbox, "/queues")["reports"]["waiting"]} == {"delivered", "failed"}
    statuses = {report.mobile: report.status for report in client.reports()}
    assert statuses == {MOBILE: DeliveryStatus.FAILED, SECOND_MOBILE: DeliveryStatus.DELIVERED}
    (first, second) = get(sandbox, f"/messages/{batch_id}")["deliveries"]
    assert first["polled"]
    assert second["polled"]
    none = call(sandbox, "POST", "/reports", {"message": batch_id, "status": "none"})
    assert (none.status_code, none.json()) == (201, {"reports": []})


def test_rules(sandbox: Sandbox, client: Client) -> None:
    rule = {"kind": "fault", "fault": "lose answer", "times": 1}
    added = call(sandbox, "POST", "/rules", rule)
    assert added.status_code == 201
    assert get(sandbox, "/rules")["rules"] == [added.json()]
    with pytest.raises(OutcomeUnknownError):
        client.send(MOBILE, "你好")
    assert get(sandbox, "/rules")["rules"] == []
    replaced = call(sandbox, "PUT", "/rules", {"rules": [rule, {"kind": "report", "to": MOBILE}]}).json()["rules"]
    assert [one["kind"] for one in replaced] == ["fault", "report"]
    assert call(sandbox, "DELETE", f"/rules/{replaced[0]['id']}").status_code == 204
    assert call(sandbox, "DELETE", f"/rules/{replaced[0]['id']}").status_code == 404
    assert get(sandbox, "/state")["rules"] == 1
    assert call(sandbox, "DELETE", "/rules").status_code == 204
    assert get(sandbox, "/state")["rules"] == 0


def test_balances(sandbox: Sandbox, client: Client) -> None:
    answer = call(sandbox, "PUT", "/balance", {"username": "test", "card": 5, "member": None})
    assert answer.json() == {"username": "test", "card": 5, "gateway": 1000, "member": 1000}
    assert client.balance().card == 5
    assert get(sandbox, "/state")["accounts"] == [answer.json()]
    assert call(sandbox, "PUT", "/balance", {"username": "other"}).json()["field"] == "username"


def test_reset_and_export(sandbox: Sandbox, client: Client) -> None:
    client.send(MOBILE, CODE)
    call(sandbox, "POST", "/rules", {"kind": "report"})
    sandbox.fail_next("sendSms", drop=True)
    exported = call(sandbox, "GET", "/export")
    assert exported.headers["Content-Disposition"] == 'attachment; filename="inbox.json"'
    assert texts(exported.json()) == [CODE]
    assert len(exported.json()["queues"]["reports"]["waiting"]) == 1
    assert call(sandbox, "POST", "/reset", {}).status_code == 204
    state = get(sandbox, "/state")
    assert (state["messages"], state["rules"], state["reports_waiting"], state["replies_waiting"]) == (0, 0, 0, 0)
    assert sandbox.exchanges == ()
    client.send(MOBILE, "你好")
    sandbox.reset()
    assert get(sandbox, "/messages")["messages"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/messages?limit=0", None, "limit"),
        ("GET", "/messages?limit=ten", None, "limit"),
        ("GET", "/messages?since=1&since=2", None, "since"),
        ("GET", "/messages?colour=red", None, "colour"),
        ("GET", "/messages?to=", None, "to"),
        ("GET", "/state?x=1", None, "x"),
        ("GET", "/messages/wait?timeout=61", None, "timeout"),
        ("GET", "/messages/wait?timeout=nan", None, "timeout"),
        ("GET", "/messages/wait?timeout=1e999", None, "timeout"),
        ("GET", "/codes/wait?pattern=(", None, "pattern"),
        ("POST", "/replies", {"text": "好"}, "from"),
        ("POST", "/replies", {"from": "nobody", "text": "好"}, "from"),
        ("POST", "/replies", {"from": 5, "text": "好"}, "from"),
        ("POST", "/replies", {"from": MOBILE, "text": "\ud800"}, "text"),
        ("POST", "/replies", {"from": MOBILE, "text": "好", "username": "other"}, "username"),
        ("POST", "/replies", [], None),
        ("POST", "/reports", {"message": "1", "status": "delivered"}, "message"),
        ("POST", "/reports", {"message": "1", "status": "gone"}, "status"),
        ("POST", "/rules", {"kind": "report", "delay": "soon"}, "delay"),
        ("POST", "/rules", {"kind": "report", "delay": 1e999}, "delay"),
        ("POST", "/rules", {"kind": "report", "after": 1.5}, "after"),
        ("POST", "/rules", {"kind": "report", "after": True}, "after"),
        ("POST", "/rules", {"kind": "report", "status": None}, "status"),
        ("POST", "/rules", {"kind": "reply"}, "reply"),
        ("PUT", "/rules", {"rules": [{"kind": "report", "x": 1}]}, "x"),
        ("PUT", "/rules", {"rules": {}}, "rules"),
        ("PUT", "/rules", {"rules": [{"kind": "report"}] * 101}, "rules"),
        ("PUT", "/balance", {"username": "test", "card": -1}, "card"),
        ("POST", "/reset", {"all": True}, "all"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    sandbox: Sandbox, method: str, path: str, body: object, field: str | None
) -> None:
    if body is None:
        answer = call(sandbox, method, path)
    else:
        # A number too large for a float, and half of a pair, are JSON.
        data = json.dumps(body).replace("Infinity", "1e999").encode()
        answer = call(sandbox, method, path, data=data, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field
    assert field is None or field in answer.json()["error"]


@pytest.mark.parametrize("data", [b"", b"{", b"nothing", b"\xff\xfe", b"[" * 100_000, b'{"x": NaN}', b"1" * 5000])
def test_a_body_that_is_not_json(sandbox: Sandbox, data: bytes) -> None:
    answer = call(sandbox, "POST", "/replies", data=data, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "body" in answer.json()["error"]


def test_what_is_no_call_of_the_api(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", "/nothing").status_code == 404
    assert call(sandbox, "GET", "/messages/").status_code == 404
    wrong = call(sandbox, "POST", "/messages")
    assert (wrong.status_code, set(wrong.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert call(sandbox, "POST", "/replies", data="{}").status_code == 415
    large = {"Content-Type": "application/json"}
    assert call(sandbox, "POST", "/replies", data=b" " * (MAX_BODY + 1), headers=large).status_code == 413


def test_the_document_has_every_call(sandbox: Sandbox) -> None:
    document = get(sandbox, "/openapi.json")
    described = {(method.upper(), path) for path, calls in document["paths"].items() for method in calls}
    table = {(one.method, one.path) for one in endpoints(sandbox.operations)}
    assert described == table | {("GET", "/openapi.json")}
    names = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    assert len(set(names)) == len(names)


def test_a_file_that_cannot_be_written(tmp_path: Any) -> None:
    gateway = Gateway(path=str(tmp_path / "inbox.db"))
    gateway.add_account("test", "secret1")
    gateway.close()
    with Sandbox(gateway=gateway) as sandbox:
        answer = call(sandbox, "POST", "/replies", {"from": MOBILE, "text": "好"})
    assert answer.status_code == 500
    assert "cannot write" in answer.json()["error"]


def test_the_account_of_a_kept_message_may_be_closed(tmp_path: Any) -> None:
    path = str(tmp_path / "inbox.db")
    gateway = Gateway(path=path)
    gateway.add_account("test", "secret1")
    message = gateway.send(
        "test", b"secret1", channel=1, mobiles=[MOBILE], text="好", long=False, extension="", via="soap"
    )
    gateway.close()
    gateway = Gateway(path=path)
    gateway.add_account("other", "secret1")
    with Sandbox(gateway=gateway) as sandbox:
        answer = call(sandbox, "POST", "/reports", {"message": message.batch_id, "status": "failed"})
    gateway.close()
    assert (answer.status_code, answer.json()["error"]) == (400, "用户不存在")
