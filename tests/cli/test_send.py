"""``jzysoap send``: numbers and texts from everywhere, jobs, questions, sums, exit statuses."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jzysoap import Channel
from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, PASSWORD, SECOND_MOBILE, TEXT, USERNAME

Output = pytest.CaptureFixture[str]

SHORT = ("--text", TEXT, "--output", "json")


@pytest.fixture(autouse=True)
def _account(variables: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account in the environment, rich enough, and files in a directory of their own."""
    variables.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 10**6)
    for name, value in (
        ("XDG_STATE_HOME", str(tmp_path / "state")),
        ("JZYSOAP_CACHE_DIR", "off"),
        ("JZYSOAP_TIMEOUT", "1,1,1"),
        ("JZYSOAP_LANG", "en"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return variables


def write(name: str = "numbers.csv", lines: int = 450, *more: str) -> str:
    """Write a file of numbers, and further lines."""
    numbers = [f"1380000{number:04d}" for number in range(lines)]
    Path(name).write_text("\n".join(["mobile", *numbers, *more]) + "\n", "utf-8")
    return name


def sums(capsys: Output) -> dict[str, int]:
    """The sums that were printed as JSON, without those that are nothing."""
    (row,) = json.loads(capsys.readouterr().out)
    return {name: number for name, number in row.items() if number}


def texted(sandbox: Sandbox) -> Counter[str]:
    return Counter(number for message in sandbox.gateway.sent for number in message.mobiles)


def test_a_message_to_numbers_of_the_arguments(sandbox: Sandbox, capsys: Output) -> None:
    assert main(["send", MOBILE, SECOND_MOBILE, MOBILE, "--text", TEXT]) == 0
    out = capsys.readouterr().out
    assert [line.split()[-1] for line in out.splitlines()] == ["2", "0", "0", "0", "0", "1"]
    assert texted(sandbox) == {MOBILE: 1, SECOND_MOBILE: 1}
    assert sandbox.gateway.sent[0].text == TEXT


def test_a_file_is_sent_in_batches(sandbox: Sandbox, tmp_path: Path, capsys: Output) -> None:
    file = write("numbers.csv", 450, "12", "13800000001")
    assert main(["send", "--from", file, *SHORT, "--yes"]) == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out) == [
        {"accepted": 450, "rejected": 0, "not_sent": 0, "unknown": 0, "invalid": 1, "repeated": 1}
    ]
    assert [len(message.mobiles) for message in sandbox.gateway.sent] == [200, 200, 50]
    assert "row 452 is not sent to" in captured.err
    (job,) = tmp_path.glob("numbers.csv.*.job")
    assert stat.S_IMODE(job.stat().st_mode) == 0o600
    assert job.name in captured.err


def test_the_options_of_a_message(sandbox: Sandbox, capsys: Output) -> None:
    options = ["--channel", "member", "--extension", "07", "--signature", "签名", "--long"]
    assert main(["send", MOBILE, *SHORT, *options]) == 0
    (message,) = sandbox.gateway.sent
    assert (message.channel.name, message.extension, message.long) == ("MEMBER", "07", True)
    assert message.text == f"【签名】{TEXT}"


def test_a_text_from_a_file(sandbox: Sandbox, capsys: Output) -> None:
    for name, charset in (("utf-8", "utf-8"), ("mark", "utf-8-sig"), ("gbk", "gbk")):
        Path(name).write_text("您的验证码是 1234\r\n", charset, newline="")
        assert main(["send", MOBILE, "--text-file", name, "--new"]) in (0, 5)
    assert {message.text for message in sandbox.gateway.sent} == {"您的验证码是 1234"}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"\x81\xff", "neither UTF-8 nor GB18030"), (b"x" * ((1 << 20) + 1), "too large")],
)
def test_a_text_that_cannot_be_read(content: bytes | None, words: str, capsys: Output) -> None:
    if content is not None:
        Path("text").write_bytes(content)
    assert main(["send", MOBILE, "--text-file", "text"]) == 1
    assert words in capsys.readouterr().err


def test_recipients_from_stdin(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{MOBILE}\n{SECOND_MOBILE}\n".encode())))
    assert main(["send", "--from", "-", *SHORT]) == 0
    assert sums(capsys) == {"accepted": 2}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert main(["send", "--from", "-", *SHORT]) == 1
    assert "is empty" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["send", "--from", "-", *SHORT]) == 1
    assert "stdin cannot be read" in capsys.readouterr().err


def test_a_template(sandbox: Sandbox, capsys: Output) -> None:
    Path("t.csv").write_text(f"name,mobile\n李,{MOBILE}\n王,{SECOND_MOBILE}\n张,{MOBILE}\n", "gbk")
    command = ["send", "--from", "t.csv", "--template", "--text", "{name}，您好", "--output", "json"]
    assert main(command) == 0
    assert sums(capsys) == {"accepted": 2, "repeated": 1}
    assert [(message.text, message.mobiles) for message in sandbox.gateway.sent] == [
        ("李，您好", (MOBILE,)),
        ("王，您好", (SECOND_MOBILE,)),
    ]


@pytest.mark.parametrize(
    ("cell", "text", "words"),
    [
        ("【x】", "{name}", "row 3"),
        ("x" * 5000, "{name}", "row 3: the text costs 75 messages"),
        ("\x00", "{name}", "NUL"),
        ("\x01", "{name}", "row 3: text has"),
        ("x", "{nam}", "nam"),
        ("x", "{name", "character 1"),
    ],
)
def test_a_template_that_cannot_be_sent_to_a_row(
    cell: str, text: str, words: str, sandbox: Sandbox, capsys: Output
) -> None:
    Path("t.csv").write_text(f"name,mobile\nx,{MOBILE}\n{cell},{SECOND_MOBILE}\n", "utf-8")
    assert main(["send", "--from", "t.csv", "--template", "--text", text]) == 1
    assert words in capsys.readouterr().err
    assert not sandbox.gateway.sent


def test_a_text_that_looks_like_a_template(sandbox: Sandbox, capsys: Output) -> None:
    assert main(["send", "--from", write(), "--text", "{mobile} {x}", "--yes"]) == 1
    assert "--template" in capsys.readouterr().err
    assert main(["send", "--from", write(), "--text", "{x}", "--yes"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--text", "x"], "give the recipients"),
        ([MOBILE, "--from", "x", "--text", "x"], "give the recipients"),
        ([MOBILE], "one of these arguments is required: --text --text-file"),
        ([MOBILE, "--text", "x", "--column", "y"], "--column needs --from"),
        ([MOBILE, "--text", "x", "--sheet", "y"], "--sheet needs --from"),
        ([MOBILE, "--text", "x", "--template"], "--template needs --from"),
        ([MOBILE, "--text", "x", "--max-segments", "0"], "--max-segments must be"),
        ([MOBILE, "--text", "x", "--resume", "--new"], "not allowed with"),
        (["--from", "-", "--text", "x", "--password-fd", "0"], "stdin cannot have both"),
        (["--from", "x.csv", "--text", "x", "--results", "./x.csv"], "--results would replace"),
    ],
)
def test_arguments_that_do_not_go_together(arguments: list[str], words: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["send", *arguments])
    assert exit_.value.code == 2
    assert words in capsys.readouterr().err


def test_numbers_that_cannot_be_sent_to(sandbox: Sandbox, capsys: Output) -> None:
    assert main(["send", *map(str, range(12)), "--text", TEXT]) == 5
    captured = capsys.readouterr()
    assert captured.err.count("is not sent to") == 10
    assert "number 1 is not sent to" in captured.err
    assert "and 2 more" in captured.err
    assert "invalid   12" in captured.out
    assert not sandbox.gateway.sent


def test_a_text_that_costs_too_much(sandbox: Sandbox, capsys: Output) -> None:
    long = "x" * 700
    assert main(["send", MOBILE, "--text", long]) == 1
    assert "costs 11 messages" in capsys.readouterr().err
    assert main(["send", MOBILE, "--text", long, "--max-segments", "11"]) == 0
    assert main(["send", MOBILE, "--text", ""]) == 1
    assert "text" in capsys.readouterr().err


def test_the_accounts_limits_hold(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("JZYSOAP_MAX_RECIPIENTS", "449")
    assert main(["send", "--from", write(), *SHORT, "--yes"]) == 1
    assert "max_recipients of the account is 449" in capsys.readouterr().err
    monkeypatch.setenv("JZYSOAP_ALLOW_RECIPIENTS", "13800000001")
    assert main(["send", "--from", write(), *SHORT]) == 3
    assert sums(capsys) == {"accepted": 1, "invalid": 449}
    assert texted(sandbox) == {"13800000001": 1}


def test_a_dry_run_sends_nothing(sandbox: Sandbox, tmp_path: Path, capsys: Output) -> None:
    file = write("numbers.csv", 300, "12", "13800000000")
    assert main(["send", "--from", file, "--text", TEXT, "--dry-run"]) == 3
    out = capsys.readouterr().out
    assert [line.split()[-1] for line in out.splitlines()[:6]] == ["300", "1", "1", "1", "300", "1000000"]
    assert "password>***</" in out
    assert "13800000199" in out
    assert "13800000200" not in out
    assert not sandbox.gateway.sent
    assert not list(tmp_path.glob("*.job"))


def test_a_dry_run_lists_the_numbers(sandbox: Sandbox, capsys: Output) -> None:
    Path("n.csv").write_text("mobile\n+86 138 0000 0000\n12\n13800000000\n", "utf-8")
    assert main(["send", "--from", "n.csv", *SHORT, "--dry-run", "--results", "r.csv", "--show-numbers"]) == 3
    with Path("r.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = sorted((row["row"], row["number"], row["state"], row["reason"]) for row in csv.DictReader(file))
    assert rows[0] == ("2", "13800000000", "valid", "")
    assert rows[1][:3] == ("3", "12", "invalid")
    assert "mainland" in rows[1][3]
    assert rows[2] == ("4", "13800000000", "repeated", "the number of row 2")


@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_a_dry_run_shows_no_secret(interface: str, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("JZYSOAP_INTERFACE", interface)
    monkeypatch.setenv("JZYSOAP_HEADERS", json.dumps({"X-Key": "topsecret"}))
    assert main(["send", MOBILE, *SHORT, "--dry-run"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["request"].startswith("POST http://127.0.0.1:")
    assert "***" in row["request"]
    assert MOBILE in row["request"]
    for secret in ("topsecret", PASSWORD, "czNjcmV0"):
        assert secret not in row["request"]


def test_a_dry_run_of_a_template(capsys: Output) -> None:
    Path("t.csv").write_text(f"name,mobile\n{'x' * 71},{MOBILE}\nx,{SECOND_MOBILE}\n", "utf-8")
    assert main(["send", "--from", "t.csv", "--template", "--text", "{name}", "--dry-run", "--output", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["segments"], row["cost"]) == ("1-2", 3)


def test_a_dry_run_that_finds_the_balance_too_small(sandbox: Sandbox, capsys: Output) -> None:
    sandbox.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 2)
    assert main(["send", "--from", write(lines=3), *SHORT, "--dry-run"]) == 1
    assert "the balance, 2, is less than the cost, 3" in capsys.readouterr().err


def test_a_dry_run_that_reaches_nobody(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("JZYSOAP_PASSWORD", "wrong1")
    assert main(["send", MOBILE, "--text", TEXT, "--dry-run"]) == 1
    captured = capsys.readouterr()
    assert "balance             unknown" in captured.out
    assert "用户名或密码错误" in captured.err
    monkeypatch.setenv("JZYSOAP_BASE_URL", "http://127.0.0.1:1")
    assert main(["send", "12", "--text", TEXT, "--dry-run"]) == 1
    assert "numbers to send to  0" in capsys.readouterr().out


def test_a_send_is_not_repeated_by_accident(sandbox: Sandbox, capsys: Output) -> None:
    command = ["send", "--from", write(), *SHORT, "--yes"]
    assert main([*command, "--resume"]) == 5
    assert "there is nothing to resume" in capsys.readouterr().err
    assert main(command) == 0
    assert main(command) == 5
    assert "the same send exists already" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert sums(capsys) == {"accepted": 450}
    assert set(texted(sandbox).values()) == {1}
    assert main([*command, "--new"]) == 0
    assert set(texted(sandbox).values()) == {2}
    # The second one is the one that is resumed.
    assert main([*command, "--resume"]) == 0
    assert set(texted(sandbox).values()) == {2}
    # Another text is another send.
    assert main(["send", "--from", "numbers.csv", "--text", "另一条", "--yes"]) == 0
    assert set(texted(sandbox).values()) == {3}


def test_a_job_whose_batches_have_changed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    command = ["send", "--from", write(), *SHORT, "--yes"]
    assert main(command) == 0
    monkeypatch.setenv("JZYSOAP_ALLOW_RECIPIENTS", "13800000001")
    assert main([*command, "--resume"]) == 1
    assert "such as allow_recipients, have changed since" in capsys.readouterr().err
    assert set(texted(sandbox).values()) == {1}


def test_a_file_that_is_changed_while_it_is_sent(sandbox: Sandbox, capsys: Output) -> None:
    sandbox.fail_next("sendSms", delay=0.2, times=3)
    command = ["send", "--from", write(), *SHORT, "--yes"]
    content = Path("numbers.csv").read_text("utf-8")

    def change() -> None:
        sandbox.gateway.events.wait(0, lambda event: event, 30)
        Path("numbers.csv").write_text(f"{content}13800009999\n", "utf-8")

    with ThreadPoolExecutor(1) as pool:
        changed = pool.submit(change)
        assert main(command) == 1
        changed.result()
    assert "put the file back as it was, and go on with --resume" in capsys.readouterr().err
    sent = len(texted(sandbox))
    assert sent
    # Another file is another send, which says so.
    Path("numbers.csv").write_text("mobile\n13800009999\n", "utf-8")
    assert main(command) == 0
    assert "this is a new job beside numbers.csv." in capsys.readouterr().err
    Path("numbers.csv").write_text(content, "utf-8")
    assert main([*command, "--resume"]) == 0
    assert sums(capsys) == {"accepted": 450}
    assert set(texted(sandbox).values()) == {1}


def test_a_job_in_a_mailbox(sandbox: Sandbox, tmp_path: Path, capsys: Output) -> None:
    url = f"sqlite:///{tmp_path / 'sms.db'}"
    assert main(["send", MOBILE, *SHORT, "--mailbox", url]) == 0
    assert main(["send", MOBILE, *SHORT, "--mailbox", url]) == 5
    capsys.readouterr()
    assert main(["outbox", "counts", "--mailbox", url, "--output", "csv"]) == 0
    assert "accepted,1," in capsys.readouterr().out


def test_a_name_that_means_something_in_a_url(sandbox: Sandbox, capsys: Output) -> None:
    assert main(["send", "--from", write("a?b#c%20 中.csv"), *SHORT, "--yes"]) == 0
    assert len(list(Path().glob("a[?]b#c%20 中.csv.*.job"))) == 1


def test_an_unknown_batch_is_not_repeated(sandbox: Sandbox, capsys: Output) -> None:
    sandbox.fail_next("sendSms", drop=True, acted=True, after=1)
    command = ["send", "--from", write(), *SHORT, "--yes", "--results", "results.csv"]
    assert main(command) == 4
    assert sums(capsys) == {"accepted": 250, "unknown": 200}
    assert main([*command, "--resume"]) == 4
    assert sums(capsys) == {"accepted": 250, "unknown": 200}
    assert set(texted(sandbox).values()) == {1}


def test_a_refused_batch_does_not_stop_the_others(sandbox: Sandbox, capsys: Output) -> None:
    sandbox.fail_next("sendSms", result="failure;内容含敏感词")
    assert main(["send", "--from", write("n.csv", 450, "12"), *SHORT, "--yes", "--results", "results.csv"]) == 3
    assert sums(capsys) == {"accepted": 250, "rejected": 200, "invalid": 1}
    with Path("results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert stat.S_IMODE(os.stat("results.csv").st_mode) == 0o600
    assert len(rows) == 451
    by_row = {int(row["row"]): row for row in rows}
    assert (by_row[2]["number"], by_row[2]["state"]) == ("138****0000", "rejected")
    assert "内容含敏感词" in by_row[2]["reason"]
    assert by_row[202] == {"row": "202", "number": "138****0200", "state": "accepted", "reason": ""}
    assert by_row[452]["state"] == "invalid"


def test_a_refusal_of_the_account_ends_the_job(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    sandbox.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 250)
    command = ["send", "--from", write(), *SHORT, "--yes"]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["not_sent"] == 250
    assert "ended early: InsufficientBalanceError" in captured.err
    assert "--resume sends the rest" in captured.err
    sandbox.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 250)
    assert main([*command, "--resume"]) == 0
    assert sums(capsys) == {"accepted": 450}
    assert set(texted(sandbox).values()) == {1}


def test_a_wrong_password_sends_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("JZYSOAP_PASSWORD", "wrong1")
    assert main(["send", MOBILE, *SHORT]) == 5
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["not_sent"] == 1
    assert "AuthenticationError" in captured.err


def test_a_gateway_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Output) -> None:
    monkeypatch.setenv("JZYSOAP_BASE_URL", "http://127.0.0.1:1")
    assert main(["send", "--from", write(), *SHORT, "--yes"]) == 5
    assert "127.0.0.1:1" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.job"))


def test_a_gateway_that_is_gone_ends_the_job_after_a_while(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("JZYSOAP_WSDL", "bundled")
    monkeypatch.setattr("jzysoap.mailbox.states.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("jzysoap.cli.jobs._LOOK_EVERY", 0.01)
    command = ["send", "--from", write(), *SHORT, "--yes"]
    assert main([*command, "--base-url", "http://127.0.0.1:1"]) == 5
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["not_sent"] == 450
    assert captured.err.count("trying again in") == 4
    assert "ended early: NotSentError" in captured.err


def test_a_batch_is_tried_again(sandbox: Sandbox, capsys: Output) -> None:
    sandbox.fail_next("sendSms", result="failure;操作过于频繁")
    assert main(["send", MOBILE, *SHORT]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["accepted"] == 1
    assert "trying again in 2 s: RateLimitedError" in captured.err


def test_a_batch_that_is_refused_for_too_long_ends_the_job(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr("jzysoap.mailbox.states.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("jzysoap.cli.jobs._LOOK_EVERY", 0.01)
    sandbox.fail_next("sendSms", result="failure;操作过于频繁", times=5, after=1)
    assert main(["send", "--from", write(), *SHORT, "--yes"]) == 3
    assert sums(capsys) == {"accepted": 250, "rejected": 200}


def send_and_die(command: list[str], where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command that ends in the middle, as a process that is killed there does."""
    with monkeypatch.context() as patch:
        patch.setattr(where, _die)
        # The lease of a batch that nobody ends lasts half a second.
        patch.setattr("jzysoap.mailbox.outbox.MARGIN", -1.5)
        with pytest.raises(RuntimeError, match="killed"):
            main(command)


def _die(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


def test_a_batch_of_a_killed_process_is_waited_for(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    command = ["send", "--from", write(), *SHORT, "--yes"]
    send_and_die(command, "jzysoap.mailbox.outbox.Outbox.carry_out", monkeypatch)
    assert main([*command, "--resume"]) == 4
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["unknown"] == 200
    assert "1 batches of another process are perhaps under way" in captured.err
    assert sorted(Counter(texted(sandbox).values())) == [1]
    assert sum(texted(sandbox).values()) == 250


def test_a_job_that_ends_early_waits_for_nobody(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    command = ["send", "--from", write(), *SHORT, "--yes"]
    send_and_die(command, "jzysoap.mailbox.outbox.Outbox.carry_out", monkeypatch)
    sandbox.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 0)
    assert main([*command, "--resume"]) == 4
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0] == {
        **dict.fromkeys(("accepted", "rejected", "invalid", "repeated"), 0),
        "unknown": 200,
        "not_sent": 250,
    }
    assert "perhaps under way" not in captured.err


def test_a_batch_that_a_killed_process_left_in_the_queue_is_sent_at_once(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    sandbox.fail_next("sendSms", result="failure;操作过于频繁")
    command = ["send", "--from", write(), *SHORT, "--yes"]
    send_and_die(command, "jzysoap.cli.jobs.Job._pause", monkeypatch)
    assert main([*command, "--resume"]) == 0
    assert sums(capsys) == {"accepted": 450}
    assert set(texted(sandbox).values()) == {1}


def test_what_is_known_is_counted_after_an_early_end(sandbox: Sandbox, tmp_path: Path, capsys: Output) -> None:
    sandbox.fail_next("sendSms", drop=True)
    url = ["--mailbox", f"sqlite:///{tmp_path / 'sms.db'}"]
    command = ["send", "--from", write(lines=850), *SHORT, "--yes", *url]
    assert main(command) == 4
    assert main(["outbox", "resolve", "1", "not-sent", "--reason", "asked", *url]) == 0
    sandbox.gateway.accounts.find(USERNAME).balance = dict.fromkeys(Channel, 0)
    capsys.readouterr()
    # The first batch is refused now, and the later ones are known.
    assert main([*command, "--resume"]) == 1
    assert sums(capsys) == {"accepted": 650, "not_sent": 200}


def test_a_mailbox_on_hold_sends_nothing(sandbox: Sandbox, tmp_path: Path, capsys: Output) -> None:
    url = ["--mailbox", f"sqlite:///{tmp_path / 'sms.db'}"]
    assert main(["outbox", "hold", *url]) == 0
    assert main(["send", MOBILE, *SHORT, *url]) == 5
    assert "the mailbox is on hold" in capsys.readouterr().err
    assert main(["outbox", "release", *url]) == 0
    assert "sending is allowed" in capsys.readouterr().out
    assert main(["send", MOBILE, *SHORT, *url, "--resume"]) == 0
    assert sums(capsys) == {"accepted": 1}


def test_a_results_file_that_cannot_be_written(sandbox: Sandbox, capsys: Output) -> None:
    assert main(["send", MOBILE, *SHORT, "--results", "no/where.csv"]) == 5
    assert "no" in capsys.readouterr().err
    assert not sandbox.gateway.sent


def test_a_results_file_is_complete_or_not_there(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    command = ["send", MOBILE, *SHORT, "--results", "results.csv"]
    send_and_die(command, "jzysoap.mailbox.outbox.Outbox.carry_out", monkeypatch)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_without_an_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, capsys: Output) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "sqlalchemy", None)
        for name in [name for name in sys.modules if name.startswith(("jzysoap.mailbox", "jzysoap.cli.jobs"))]:
            patch.delitem(sys.modules, name)
        assert main(["send", MOBILE, *SHORT]) == 1
    assert "pip install 'jzysoap[mailbox]'" in capsys.readouterr().err
    # A bar is no reason not to send.
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["send", MOBILE, *SHORT]) == 0
    assert "this needs rich" in capsys.readouterr().err
