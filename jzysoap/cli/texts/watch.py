"""The words of ``jzysoap reports`` and ``jzysoap replies``."""

TEXTS = {
    "mailbox": (
        "the database that stores what came; otherwise JZYSOAP_MAILBOX, which is the place for a URL with a password, "
        "else a file in your state directory",
        "保存拉取结果的数据库；缺省为 JZYSOAP_MAILBOX（含密码的 URL 请放在该变量中），否则为用户状态目录中的文件",
    ),
    "follow": ("go on polling until interrupted", "持续拉取，直到中断"),
    "interval": ("seconds between two polls (10)", "两次拉取之间的秒数（10）"),
    "show-numbers": ("show whole numbers", "显示完整号码"),
    "yes": ("do not ask before the first poll of an account", "账号首次拉取之前不询问"),
    "consumes": (
        "the gateway forgets what a poll returns: reports and replies that are waiting will not reach your application "
        "any more; they are kept in this mailbox",
        "网关会忘掉拉取时返回的内容：等待中的状态报告和上行短信将不再到达您的应用，而是保存在本信箱中",
    ),
    "continue": ("poll (y/n)?", "拉取吗（y/n）？"),
    "not-polled": ("nothing was polled", "没有拉取"),
    "time": ("time", "时间"),
    "number": ("number", "号码"),
    "status": ("status", "状态"),
    "batch": ("batch", "批号"),
    "key": ("key", "键"),
    "text": ("text", "内容"),
}
