"""The words of ``jzysoap worker``."""

TEXTS = {
    "mailbox": (
        "the database of the mailbox, such as sqlite:///sms.db; otherwise JZYSOAP_MAILBOX, which is the place for a "
        "URL with a password",
        "信箱的数据库，例如 sqlite:///sms.db；缺省为 JZYSOAP_MAILBOX，含密码的 URL 请放在该变量中",
    ),
    "interval": ("seconds between two polls (10)", "两次拉取之间的秒数（10）"),
    "retention": (
        "days after which a message that has ended is deleted, with its numbers and text (never)",
        "短信结束多少天后删除，连同号码和内容（不删除）",
    ),
    "begins": ("the worker begins", "开始工作"),
}
