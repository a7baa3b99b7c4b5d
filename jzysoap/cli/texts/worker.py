"""The words of ``jzysoap worker``."""

TEXTS = {
    "mailbox": (
        "the database of the mailbox, such as sqlite:///sms.db; otherwise JZYSOAP_MAILBOX",
        "信箱的数据库，例如 sqlite:///sms.db；缺省为 JZYSOAP_MAILBOX",
    ),
    "interval": ("seconds between two polls (10)", "两次拉取之间的秒数（10）"),
    "begins": ("the worker begins", "开始工作"),
}
