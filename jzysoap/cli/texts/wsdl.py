"""The words of the commands ``jzysoap wsdl``."""

TEXTS = {
    "show": (
        "show how a definition is understood: its port, its operations, what each argument stands for",
        "显示对定义的理解：端口、操作、每个参数代表什么",
    ),
    "source": (
        "a path, an address ({address}), 'bundled' (the default) or 'bundled:NAME'",
        "路径、地址（{address}）、bundled（默认）或 bundled:NAME",
    ),
    "fetch": (
        "record a gateway's definition with all its imports, or accept the changes in it",
        "录下网关的定义及其全部导入，或接受其中的变化",
    ),
    "fetch-variables": (
        "JZYSOAP_CACHE_DIR, _VERIFY, _CERT, _PROXIES and _ARGUMENTS are read, as a client reads them.",
        "会像客户端一样读取 JZYSOAP_CACHE_DIR、_VERIFY、_CERT、_PROXIES 和 _ARGUMENTS。",
    ),
    "base-url": ("the gateway's address, such as {address}", "网关地址，如 {address}"),
    "out": (
        "the directory to write to, for wsdl= later (without --accept: {folder})",
        "写入的目录，以后可用作 wsdl=（不用 --accept 时默认为 {folder}）",
    ),
    "accept": (
        "have the clients of this gateway use this definition",
        "让此网关的客户端改用这个定义",
    ),
    "diff": (
        "show what differs in meaning between two definitions; exit with 1 if what is sent would change, with 2 after "
        "an error",
        "显示两个定义在含义上的差别；发送内容会改变时退出码为 1，出错时为 2",
    ),
    "compared": ("as SOURCE of 'show', or a directory written by 'fetch'", "同 show 的 SOURCE，或 fetch 写下的目录"),
}
