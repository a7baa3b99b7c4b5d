"""The words of ``jzysoap send``."""

TEXTS = {
    # The arguments.
    "numbers": ("recipients; any number of them", "接收号码，可多个"),
    "from": (
        "take the recipients from a CSV file or an XLSX workbook; - for stdin",
        "从 CSV 文件或 XLSX 工作簿读取接收号码；- 表示标准输入",
    ),
    "column": ("the heading of the column with the numbers", "号码所在列的列名"),
    "sheet": ("the name of the workbook's sheet", "工作表名称"),
    "text": ("the text of the message", "短信内容"),
    "text-file": ("a file with the text, in UTF-8 or GBK", "短信内容所在的文件（UTF-8 或 GBK）"),
    "template": (
        "the text is a template: the name of a column in braces stands for the cell of each row",
        "内容为模板：花括号中的列名替换为该行对应的单元格",
    ),
    "allow-values": (
        "accept cells with signature brackets, a line break or an address in a template",
        "允许模板中的单元格含有【】、换行或网址",
    ),
    "channel": ("the channel; else the account's", "发送通道；缺省为账号的设置"),
    "extension": ("the extension number; else the account's", "扩展号；缺省为账号的设置"),
    "signature": ("the signature, without its brackets; else the account's", "签名，不含【】；缺省为账号的设置"),
    "long": (
        "have it delivered as one long message, or not; by default if it is longer than one",
        "是否作为长短信下发；缺省时由长度决定",
    ),
    "max-segments": (
        "messages that the text may cost each number; by default the account's limit, which is 10 unless set",
        "每个号码最多计费条数；缺省为账号的限制，未设置时为 10",
    ),
    "dry-run": (
        "send nothing: show the numbers, the cost, the balance and the first request",
        "不发送：显示号码统计、费用、余额和第一个请求",
    ),
    "yes": ("do not ask before sending to more than {number} numbers", "超过 {number} 个号码时不询问"),
    "resume": (
        "go on with the same send, which was interrupted; nothing that may have been sent is repeated",
        "继续上次中断的同一发送；可能已发出的不会重发",
    ),
    "new": ("send once more what was sent before", "将以前发过的内容再发一次"),
    "mailbox": (
        "the database that keeps the job; otherwise JZYSOAP_MAILBOX, which is the place for a URL with a password, "
        "else a file beside FILE",
        "保存发送任务的数据库；缺省为 JZYSOAP_MAILBOX（含密码的 URL 请放在该变量中），否则为 FILE 旁边的文件",
    ),
    "results": (
        "write a CSV file with a line for each number: row, number, what became of it, why; in a dry run, what would",
        "写出 CSV 文件，每个号码一行：行号、号码、结果、原因；试运行时为预计结果",
    ),
    "show-numbers": ("whole numbers in that file", "在该文件中显示完整号码"),
    "which-numbers": (
        "give the recipients, either as arguments or with --from",
        "请给出接收号码：作为参数，或用 --from",
    ),
    "needs-file": ("{name} needs --from", "{name} 需要与 --from 一起使用"),
    "stdin-twice": (
        "stdin cannot have both the password and the recipients: give --password-fd another number",
        "标准输入不能同时提供密码和接收号码：请为 --password-fd 指定其他描述符",
    ),
    "same-file": ("--results would replace the file of --from", "--results 会覆盖 --from 的文件"),
    "whole": ("{name} must be a whole number above 0", "{name} 必须是大于 0 的整数"),
    # The check.
    "no-text": ("{path} is too large for the text of a message", "{path} 太大，不是短信内容"),
    "looks-like-template": (
        "the text has the name of a column in braces: add --template to put the cells there, and write {{ and }} for "
        "braces",
        "内容中有用花括号括起的列名：如需替换为单元格内容，请加 --template；花括号本身写作 {{ 和 }}",
    ),
    "segments": (
        "the text costs {segments} messages for each number, and the limit is {most}: shorten it, or raise "
        "--max-segments",
        "每个号码计费 {segments} 条，上限为 {most}：请缩短内容，或提高 --max-segments",
    ),
    "row": ("row {row}: {error}", "第 {row} 行：{error}"),
    "invalid-row": ("row {row} is not sent to: its number {reason}", "第 {row} 行不发送：号码{reason}"),
    "invalid-number": ("number {row} is not sent to: it {reason}", "第 {row} 个号码不发送：{reason}"),
    "more-invalid": ("and {number} more", "另有 {number} 个"),
    "max-recipients": (
        "{number} recipients: max_recipients of the account is {most}",
        "接收号码 {number} 个：账号的 max_recipients 为 {most}",
    ),
    # The dry run.
    "valid": ("numbers to send to", "可发送号码"),
    "repeats": ("the number of row {row}", "与第 {row} 行号码相同"),
    "segments-each": ("messages for each", "每个号码条数"),
    "cost": ("cost in messages", "计费条数"),
    "balance": ("balance", "余额"),
    "too-little": (
        "the balance, {balance}, is less than the cost, {cost}",
        "余额 {balance} 少于费用 {cost}",
    ),
    # The job.
    "job": ("what is sent is kept in {path}", "发送记录保存在 {path}"),
    "others": (
        "this is a new job beside {names}: numbers that were sent to there are sent to again",
        "这是一个新任务，旁边已有 {names}：其中已发送过的号码将再次收到短信",
    ),
    "input-lost": (
        "{error}. What was sent before is known: put the file back as it was, and go on with --resume; another file is "
        "another send",
        "{error}。此前已发送的有记录：请恢复原文件，再用 --resume 继续；不同的文件是另一次发送",
    ),
    "exists": (
        "nothing was sent now, since the same send exists already: --resume goes on with it and shows what became of "
        "it, --new sends it once more",
        "本次没有发送，因为同一发送已存在：--resume 继续并显示结果，--new 再发一次",
    ),
    "changed": (
        "the batches are not those that this job began with: options of the account, such as allow_recipients, have "
        "changed since; set them back, or send all once more with --new",
        "批次与任务开始时不同：账号的选项（例如 allow_recipients）已改变；请改回，或用 --new 全部再发一次",
    ),
    "nothing-to-resume": (
        "there is nothing to resume: no send of these numbers with this text from this account was begun",
        "没有可继续的发送：该账号未曾以此内容向这些号码发送",
    ),
    "first": ("the first message, to {number}: {text}", "第一条，发往 {number}：{text}"),
    "question": (
        "send to {numbers} numbers, {cost} messages in all, as {username} at {address} (y/n)?",
        "以 {address} 的 {username} 发送至 {numbers} 个号码，共 {cost} 条，确认吗（y/n）？",
    ),
    "not-sent-now": ("nothing was sent", "没有发送"),
    "again": ("not sent, trying again in {seconds} s: {error}", "未发送，{seconds} 秒后重试：{error}"),
    "held": (
        "the mailbox is on hold, as a copied or restored one is: see that nothing was sent since, then run jzysoap "
        "outbox release",
        "信箱已暂停（复制或恢复的信箱会如此）：请确认此后没有发送，再执行 jzysoap outbox release",
    ),
    "under-way": (
        "{number} batches of another process are perhaps under way, if it was not killed: waiting until they cannot be "
        "any more",
        "另一进程的 {number} 个批次可能仍在发送（除非该进程已被终止）：等待至确定",
    ),
    "ended": ("ended early: {problem}", "提前结束：{problem}"),
    "to-resume": ("the same command with --resume sends the rest", "以相同命令加 --resume 发送其余部分"),
    "rate": ("{rate} numbers/s", "{rate} 个/秒"),
    # The sums.
    "accepted": ("accepted", "已接受"),
    "rejected": ("rejected", "被拒绝"),
    "not-sent": ("not sent", "未发送"),
    "unknown": ("unknown", "结果未知"),
    "invalid": ("invalid", "无效"),
    "repeated": ("repeated", "重复"),
}
