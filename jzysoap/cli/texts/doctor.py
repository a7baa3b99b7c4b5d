"""The words of ``jzysoap doctor``."""

TEXTS = {
    "json": ("print one JSON object instead of lines", "输出一个 JSON 对象，而不是逐行文字"),
    "fine": ("no step failed", "没有失败的步骤"),
    "failures": ("steps that failed: {count}", "失败的步骤：{count} 个"),
    "status-ok": ("ok", "正常"),
    "status-warning": ("warning", "注意"),
    "status-failed": ("failed", "失败"),
    "status-skipped": ("skipped", "跳过"),
    "step-account": ("account", "账号"),
    "step-password": ("password", "密码"),
    "step-encryption": ("encryption", "加密"),
    "step-proxy": ("proxy", "代理"),
    "step-name": ("name", "域名"),
    "step-port": ("port", "端口"),
    "step-tls": ("TLS", "TLS 握手"),
    "step-definition": ("definition", "服务定义"),
    "step-clock": ("clock", "时钟"),
    "step-credentials": ("credentials", "登录"),
    "step-balance": ("balance", "余额"),
    "step-encoding": ("encoding", "字符集"),
    "after-failure": ("not tried after the failure above", "因上面的失败而未尝试"),
    "no-password": ("not tried without a password", "没有密码，未尝试"),
    "do-account": (
        "correct the option, the variable or the profile that is named",
        "请修正上面提到的选项、变量或 profile",
    ),
    "do-password": (
        "give it by --password-fd, JZYSOAP_PASSWORD or JZYSOAP_PASSWORD_FILE, or install a keyring and store it: "
        "pip install 'jzysoap[cli]', then jzysoap profile add",
        "请用 --password-fd、JZYSOAP_PASSWORD 或 JZYSOAP_PASSWORD_FILE 给出；或安装密钥环并存入：pip install "
        "'jzysoap[cli]'，再执行 jzysoap profile add",
    ),
    "on-loopback": ("none, but the gateway is on this machine", "无，但网关就在本机"),
    "plain": (
        "none: plain HTTP across a network",
        "无：以明文 HTTP 经过网络",
    ),
    "do-plain": (
        "everybody on the way can read the password, the numbers and the texts: ask the vendor for an https address, "
        "or use a VPN",
        "途中的任何人都能读到密码、号码和短信内容：请向供应商要 https 地址，或使用 VPN",
    ),
    "no-proxy": ("none", "无"),
    "through-proxy": ("it is the proxy that connects", "由代理去连接"),
    "do-proxy-spelling": (
        "correct the address of the proxy: JZYSOAP_PROXIES, or HTTP_PROXY, HTTPS_PROXY and ALL_PROXY",
        "请修正代理地址：JZYSOAP_PROXIES，或 HTTP_PROXY、HTTPS_PROXY、ALL_PROXY",
    ),
    "do-proxy-unreachable": (
        "check the host and port of the proxy in JZYSOAP_PROXIES, HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or put the "
        "gateway into NO_PROXY",
        "请检查 JZYSOAP_PROXIES、HTTP_PROXY、HTTPS_PROXY 或 ALL_PROXY 中代理的主机和端口，或把网关写入 NO_PROXY",
    ),
    "do-name-unresolved": (
        "check the spelling of the address, and that this machine's name server knows the name (nslookup)",
        "请检查地址的拼写，以及本机的域名服务器是否认识这个名称（nslookup）",
    ),
    "do-port-closed": (
        "check the port of the address; a firewall, or the vendor's list of allowed addresses, may be in the way",
        "请检查地址中的端口；也可能被防火墙或供应商的 IP 白名单拦下",
    ),
    "no-name": ("the host of the address is no name", "地址中的主机不是可用的名称"),
    "no-tls": ("not used with http://", "http:// 不使用 TLS"),
    "not-verified": ("certificates are not verified", "不验证证书"),
    "do-tls-files": ("correct JZYSOAP_VERIFY or JZYSOAP_CERT", "请修正 JZYSOAP_VERIFY 或 JZYSOAP_CERT"),
    "do-tls-untrusted": (
        "set JZYSOAP_VERIFY to a bundle with the authority of the certificate, check the name in the address, and this "
        "machine's clock",
        "请把 JZYSOAP_VERIFY 设为含其颁发机构的证书文件，并检查地址中的名称和本机的时钟",
    ),
    "do-tls-failed": (
        "ask whether the gateway speaks TLS at this port: try http://, or another port",
        "请确认网关在此端口是否支持 TLS：试试 http:// 或其他端口",
    ),
    "do-tls-unverified": (
        "anybody on the way can read the password: remove JZYSOAP_VERIFY=false, or set it to a bundle",
        "途中的任何人都能读到密码：请去掉 JZYSOAP_VERIFY=false，或把它设为证书文件",
    ),
    "servlet": ("the servlet needs none", "servlet 不需要"),
    "definition": (
        "{location}, arguments matched {matched}, sha256 {digest}…",
        "{location}，参数对应方式：{matched}，sha256 {digest}…",
    ),
    "by-name": ("by name", "按名称"),
    "by-position": ("by position", "按位置"),
    "saved": ("clients use the one that was saved last", "客户端会使用上次保存的定义"),
    "other-hash": ("{location} has sha256 {digest}", "{location} 的 sha256 为 {digest}"),
    "do-hash": (
        "if this definition is right, set JZYSOAP_WSDL_SHA256 to that hash",
        "如果这个定义没有问题，请把 JZYSOAP_WSDL_SHA256 设为该值",
    ),
    "do-fetch": (
        "check the proxy, and its user and password in JZYSOAP_PROXIES; check that the port speaks HTTP",
        "请检查代理及 JZYSOAP_PROXIES 中的用户名和密码，并确认该端口是 HTTP 服务",
    ),
    "do-not-found": (
        "check the port and the path of the address; if the gateway has the HTTP interface only, set "
        "JZYSOAP_INTERFACE=servlet",
        "请检查地址中的端口和路径；如果网关只有 HTTP 接口，请设 JZYSOAP_INTERFACE=servlet",
    ),
    "do-no-definition": (
        "something else answers at this address: check the host, the port and the path",
        "在此地址应答的不是网关：请检查主机、端口和路径",
    ),
    "do-wrong-definition": (
        "see what it says: jzysoap wsdl show {url}; name the arguments in JZYSOAP_ARGUMENTS, or give another "
        "definition in JZYSOAP_WSDL",
        "请查看其内容：jzysoap wsdl show {url}；在 JZYSOAP_ARGUMENTS 中列出参数，或用 JZYSOAP_WSDL 给出另一个定义",
    ),
    "changed": (
        "the gateway's would change what is sent, so clients use the one that was saved last: {changes}",
        "网关的定义会改变发送内容，因此客户端仍用上次保存的：{changes}",
    ),
    "do-changed-definition": (
        "if the change is right, accept it: jzysoap wsdl fetch {url} --accept",
        "如果变化没有问题，请接受：jzysoap wsdl fetch {url} --accept",
    ),
    "same-time": ("{seconds} s from the gateway's", "与网关相差 {seconds} 秒"),
    "ahead": ("{seconds} s ahead of the gateway's", "比网关快 {seconds} 秒"),
    "behind": ("{seconds} s behind the gateway's", "比网关慢 {seconds} 秒"),
    "no-date": ("no answer says what time it is there", "没有应答说明网关的时间"),
    "do-clock": (
        "set this machine's clock (NTP); if it is right, tell the vendor: the times of reports are the gateway's",
        "请校准本机时钟（NTP）；若本机无误，请告知供应商：状态报告的时间来自网关",
    ),
    "accepted": ("accepted", "已接受"),
    "do-credentials": (
        "check the account's name, and the password in the place that 'password' names; if it is not ASCII, try "
        "JZYSOAP_PASSWORD_ENCODING=gbk. Several wrong attempts may lock the account",
        "请检查账号名，以及“密码”一行所指之处的密码；若含非 ASCII 字符，可试 JZYSOAP_PASSWORD_ENCODING=gbk。"
        "多次错误可能锁定账号",
    ),
    "do-refused": (
        "tell the vendor the public address of this machine if it must be on their list; else ask why the account is "
        "not served: locked, expired or not active",
        "如需 IP 白名单，请把本机的公网地址告知供应商；否则请询问账号为何不可用：已锁定、已到期或未开通",
    ),
    "do-too-often": (
        "wait before asking again: the vendor limits how often the balance may be asked for",
        "请稍后再查：供应商限制查询余额的频率",
    ),
    "do-call": (
        "if the error does not say what to do, try again later, or ask the vendor with these words",
        "如果错误没有说明怎么办，请稍后重试，或把这段文字告知供应商",
    ),
    "do-balance-empty": (
        "top up the channel {channel}, or use another one: JZYSOAP_CHANNEL",
        "请为 {channel} 通道充值，或改用其他通道：JZYSOAP_CHANNEL",
    ),
    "do-balance-unknown": (
        "the gateway does not name the channel {channel}: ask the vendor, or use another one: JZYSOAP_CHANNEL",
        "网关没有给出 {channel} 通道的条数：请询问供应商，或改用其他通道：JZYSOAP_CHANNEL",
    ),
    "do-encoding": (
        "Chinese is shown as escapes: use a UTF-8 locale, or set PYTHONIOENCODING=utf-8",
        "中文会显示为转义：请使用 UTF-8 区域设置，或设 PYTHONIOENCODING=utf-8",
    ),
}
