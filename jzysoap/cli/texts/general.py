"""The words of the program itself: its help, its options, wrong arguments, and what every command may say."""

TEXTS = {
    "description": (
        "A client for an SMS gateway that speaks SOAP: send, watch an account, find out what does not work.",
        "短信网关（SOAP）的命令行客户端：发送短信，查询账号，排查故障。",
    ),
    "usage": ("usage: ", "用法："),
    "error": ("error", "错误"),
    "arguments": ("arguments", "参数"),
    "options": ("options", "选项"),
    "commands": ("commands", "命令"),
    "actions": ("actions", "操作"),
    "account-options": ("account", "账号"),
    "help": ("show this help and exit", "显示本帮助后退出"),
    "version": ("show the version and exit", "显示版本号后退出"),
    "debug": (
        "after an error, also show its traceback; it holds no password, number or text",
        "出错时同时显示调用栈，其中没有密码、号码和短信内容",
    ),
    "completion": (
        "print the completion for a shell and exit; needs the extra 'cli'",
        "输出该 shell 的补全脚本后退出；需要可选依赖 cli",
    ),
    "output": (
        "a table for people (the default), or JSON, JSON lines or CSV for programs",
        "供人阅读的表格（默认），或供程序读取的 JSON、逐行 JSON、CSV",
    ),
    "required": (
        "the following arguments are required: {names}",
        "缺少参数：{names}",
    ),
    "one-of": ("one of these arguments is required: {names}", "以下参数需要给出一个：{names}"),
    "unrecognized": ("unrecognized arguments: {names}", "无法识别的参数：{names}"),
    "choice": (
        "argument {name}: invalid choice: {value} (choose from {choices})",
        "参数 {name}：{value} 不可用（可选：{choices}）",
    ),
    "one-value": ("argument {name}: expected one argument", "参数 {name}：需要一个值"),
    "no-value": ("argument {name}: ignored explicit argument {value}", "参数 {name}：不接受值 {value}"),
    "not-with": ("argument {name}: not allowed with argument {other}", "参数 {name}：不能与 {other} 同时使用"),
    "not-number": ("argument {name}: invalid int value: {value}", "参数 {name}：{value} 不是整数"),
    "missing-extra": (
        "this needs {library}: pip install 'jzysoap[cli]'",
        "此功能需要 {library}：pip install 'jzysoap[cli]'",
    ),
    "give-yes": (
        "{undone}: nobody can be asked here, so give --yes if that is what you want",
        "{undone}：此处无法询问，如确实需要，请指定 --yes",
    ),
    "no-home": (
        "there is no home directory to keep this in: give --mailbox, or set XDG_STATE_HOME",
        "没有可用的用户主目录：请指定 --mailbox，或设置 XDG_STATE_HOME",
    ),
    "unknown": ("unknown", "未知"),
    "send": ("send to one number or to a file of them", "向一个号码或一个文件中的号码发送"),
    "balance": ("show the messages left on each channel", "查询各通道的剩余条数"),
    "reports": ("poll for delivery reports and show them", "拉取并显示状态报告"),
    "replies": ("poll for replies and show them", "拉取并显示上行短信"),
    "interval": ("--interval must be a number of seconds above 0", "--interval 必须是大于 0 的秒数"),
    "outbox": (
        "look at the messages of a mailbox, and decide about unknown ones",
        "查看信箱中的短信，处理结果未知的短信",
    ),
    "worker": ("send and poll for a mailbox until told to end", "持续发送信箱中的短信并拉取，直到收到停止信号"),
    "password": ("change the account's password", "修改账号密码"),
    "profile": ("keep accounts by name: add, list, use, remove", "按名称保存账号：添加、列出、选用、删除"),
    "doctor": (
        "find out step by step what works; sends nothing and polls nothing",
        "逐步检查哪一步不通；不发短信，也不拉取",
    ),
    "sandbox": (
        "run a gateway on this machine with a page that shows what is sent; needs the extra 'sandbox'",
        "在本机运行模拟网关，并以网页显示发送的短信；需要可选依赖 sandbox",
    ),
    "wsdl": ("look at a service definition, record one, compare two", "查看、录下或比较服务定义（WSDL）"),
    "demo": (
        "send, poll and receive against a sandbox on loopback; needs the extra 'sandbox', but no account",
        "在本机的模拟网关上演示发送、拉取和接收；需要可选依赖 sandbox，无需账号",
    ),
}
