"""The words of ``jzysoap sandbox``."""

TEXTS = {
    "variables": (
        "JZYSOAP_SANDBOX_PASSWORD is the password of the accounts, 'secret1' unless set; JZYSOAP_SANDBOX_TOKEN is the "
        "token that the page and the API demand.",
        "JZYSOAP_SANDBOX_PASSWORD 是各账号的密码，未设置时为 secret1；JZYSOAP_SANDBOX_TOKEN 是网页和 API 要求的令牌。",
    ),
    "host": ("the address to listen on (127.0.0.1)", "监听的地址（127.0.0.1）"),
    "port": ("the port (9003); 0 for any free one", "端口（9003）；0 表示任一空闲端口"),
    "allow-host": ("a name under which it is reached; repeatable", "访问时使用的主机名；可重复"),
    "token-file": ("a file with the token, instead of the variable", "存放令牌的文件，代替环境变量"),
    "account": ("an account (test); repeatable", "账号（test）；可重复"),
    "balance": ("messages on each channel (1000)", "每个通道的条数（1000）"),
    "report-delay": ("how late delivery reports come (0)", "状态报告延迟的秒数（0）"),
    "soap-batch-ids": (
        "return batch ids over SOAP too, which the vendor's gateway does not",
        "SOAP 接口也返回批号；供应商的网关不返回",
    ),
    "max-messages": ("messages that are kept (1000)", "保留的短信条数（1000）"),
    "db": ("a file that keeps messages and queues over a restart", "保存短信和队列的文件，重启后继续使用"),
}
