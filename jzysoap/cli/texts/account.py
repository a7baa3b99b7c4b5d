"""The words about accounts: where one comes from, and the commands ``balance``, ``password`` and ``profile``."""

TEXTS = {
    # The options of an account, and where it comes from.
    "profile": (
        "the account of this name (see 'jzysoap profile'); else JZYSOAP_PROFILE, else the default one",
        "使用此名称的账号（见 jzysoap profile）；否则取 JZYSOAP_PROFILE，再否则取默认账号",
    ),
    "base-url": (
        "the gateway's address, such as http://host:9003; else JZYSOAP_BASE_URL, else the profile's",
        "网关地址，如 http://host:9003；否则取 JZYSOAP_BASE_URL，再否则取 profile 中的",
    ),
    "username": (
        "the account's name; else JZYSOAP_USERNAME, else the profile's",
        "账号名；否则取 JZYSOAP_USERNAME，再否则取 profile 中的",
    ),
    "password-fd": (
        "read the password from the first line of this file descriptor; else JZYSOAP_PASSWORD or "
        "JZYSOAP_PASSWORD_FILE, else the keyring, else a prompt",
        "从此文件描述符的第一行读取密码；否则取 JZYSOAP_PASSWORD 或 JZYSOAP_PASSWORD_FILE，再否则取密钥环，最后提示"
        "输入",
    ),
    "none": (
        "which account? Give --profile, or --base-url and --username, or set JZYSOAP_BASE_URL and JZYSOAP_USERNAME, or "
        "add one: jzysoap profile add",
        "用哪个账号？请给出 --profile，或 --base-url 和 --username，或设置 JZYSOAP_BASE_URL 和 JZYSOAP_USERNAME，"
        "或先添加账号：jzysoap profile add",
    ),
    "variables-win": (
        "using {variables} instead of what the profile {profile} has",
        "使用 {variables}，而不是 profile {profile} 中的",
    ),
    "profile-unused": (
        "using {variables} instead of the profile {profile}",
        "使用 {variables}，而不是 profile {profile}",
    ),
    "in-profile": ("the profile {profile}: {error}", "账号 {profile} 的 profile：{error}"),
    # The password.
    "prompt": ("Password of {username}: ", "{username} 的密码："),
    "no-password": (
        "no password for {username}: {why}. Other ways: --password-fd, JZYSOAP_PASSWORD, JZYSOAP_PASSWORD_FILE, or a "
        "terminal to ask at",
        "没有 {username} 的密码：{why}。其他方式：--password-fd、JZYSOAP_PASSWORD、JZYSOAP_PASSWORD_FILE，"
        "或在终端中输入",
    ),
    "not-in-keyring": ("the keyring has none", "密钥环中没有"),
    "no-keyring": ("this system has no keyring", "本系统没有密钥环"),
    "keyring-failed": ("the keyring failed ({error})", "密钥环出错（{error}）"),
    "plain-keyring": ("the keyring is a plain file, which is not used", "密钥环是明文文件，不予使用"),
    "empty-password": ("the password is empty", "密码为空"),
    "bad-fd": ("the file descriptor {number} cannot be read ({error})", "文件描述符 {number} 无法读取（{error}）"),
    "readable-by-all": (
        "every user of this system can read {path}, which holds a password: chmod 600 {quoted} (or give the password "
        "by --password-fd)",
        "本系统的任何用户都能读取存放密码的 {path}，请执行：chmod 600 {quoted}（或改用 --password-fd）",
    ),
    "from-fd": ("file descriptor {number}", "文件描述符 {number}"),
    "from-variable": ("{variable}", "{variable}"),
    "from-keyring": ("the keyring", "密钥环"),
    "from-prompt": ("the prompt", "提示输入"),
    # balance
    "channel": ("channel", "通道"),
    "messages": ("messages", "条数"),
    "member": ("member", "会员"),
    "gateway": ("gateway", "网关"),
    "card": ("card", "卡发"),
    # password
    "new-password-fd": (
        "read the new password from the first line of this file descriptor, instead of asking for it twice",
        "从此文件描述符的第一行读取新密码，而不是提示输入两次",
    ),
    "base64": (
        "send both passwords as BASE64; the vendor's page is not clear about it",
        "两个密码都以 BASE64 发送；供应商的页面没有说清楚",
    ),
    "new-prompt": ("New password (letters and digits): ", "新密码（字母和数字）："),
    "again-prompt": ("The same again: ", "再输入一次："),
    "not-equal": (
        "the two new passwords differ; nothing was sent, and the password was not changed",
        "两次输入的新密码不同；没有发出请求，密码没有修改",
    ),
    "no-new-password": (
        "no new password: give --new-password-fd, or use a terminal; nothing was sent",
        "没有新密码：请用 --new-password-fd，或在终端中运行；没有发出请求",
    ),
    "changed": ("the password of {username} was changed", "{username} 的密码已修改"),
    "not-changed": ("the password was not changed: {error}", "密码没有修改：{error}"),
    "maybe-changed": ("the password may have been changed: {error}", "密码可能已经修改：{error}"),
    "maybe-interrupted": (
        "interrupted: the password may have been changed, so either the old or the new one may be valid; try both",
        "已中断：密码可能已经修改，旧密码和新密码都可能有效，请都试一下",
    ),
    "keyring-updated": ("the keyring has the new password", "密钥环中已换成新密码"),
    "keyring-outdated": (
        "the keyring still has the old password ({error}): jzysoap profile add --replace stores the new one",
        "密钥环中仍是旧密码（{error}）：请用 jzysoap profile add --replace 存入新密码",
    ),
    "source-outdated": (
        "{source} still has the old password: change it there too",
        "{source} 中仍是旧密码，请一并修改",
    ),
    # profile
    "add": ("add an account under a name", "按名称添加账号"),
    "add-more": (
        "The password goes into the system's keyring, or nowhere. The first account becomes the default one.",
        "密码只存入系统密钥环，否则不保存。第一个账号成为默认账号。",
    ),
    "list": ("list the accounts", "列出账号"),
    "use": ("make an account the default one", "设为默认账号"),
    "remove": ("remove an account, and its password from the keyring", "删除账号，并从密钥环删除其密码"),
    "profile-name": ("the name: letters, digits, '.', '_' and '-'", "名称：字母、数字、.、_ 和 -"),
    "add-base-url": ("the gateway's address, such as http://host:9003", "网关地址，如 http://host:9003"),
    "add-username": ("the account's name", "账号名"),
    "add-password-fd": (
        "read the password from the first line of this file descriptor, instead of asking for it",
        "从此文件描述符的第一行读取密码，而不是提示输入",
    ),
    "option": (
        "another option of the client, such as interface=servlet, spelled as in its variable; may be repeated",
        "客户端的其他选项，如 interface=servlet，写法同环境变量；可以重复",
    ),
    "replace": ("replace an account of the same name", "替换同名的账号"),
    "add-prompt": ("Password of {username} (empty to store none): ", "{username} 的密码（留空则不保存）："),
    "added": ("added the account {name}", "已添加账号 {name}"),
    "stored": ("its password is in the keyring", "密码已存入密钥环"),
    "not-stored": (
        "no password was stored ({why}). Other ways: --password-fd, JZYSOAP_PASSWORD, JZYSOAP_PASSWORD_FILE, or the "
        "prompt",
        "没有保存密码（{why}）。其他方式：--password-fd、JZYSOAP_PASSWORD、JZYSOAP_PASSWORD_FILE，或提示输入",
    ),
    "none-given": ("none was given", "没有给出"),
    "in-use": ("{name} is the default account", "默认账号为 {name}"),
    "removed": ("removed the account {name}", "已删除账号 {name}"),
    "not-forgotten": (
        "its password could not be removed from the keyring: {error}",
        "无法从密钥环删除其密码：{error}",
    ),
    "name-bad": ("the name {name} cannot be used", "名称 {name} 不可用"),
    "name-taken": ("there is an account {name} already: --replace replaces it", "已有账号 {name}：用 --replace 替换"),
    "name-unknown": ("there is no account {name}; there are: {names}", "没有账号 {name}；现有：{names}"),
    "nothing": ("none", "无"),
    "option-form": ("--option must be NAME=VALUE", "--option 的写法为 名称=值"),
    "option-bad": ("a profile cannot have {name}", "profile 中不能有 {name}"),
    "file-bad": ("{path} cannot be used: {error}", "{path} 不可用：{error}"),
    "file-password": (
        "{path} holds a password, in the account {profile}: remove it there, run chmod 600 {quoted}, and store it with "
        "jzysoap profile add --replace",
        "{path} 的账号 {profile} 中有密码：请从中删除，执行 chmod 600 {quoted}，再用 jzysoap profile add "
        "--replace 保存",
    ),
    "no-home": (
        "there is no home directory for profiles: set XDG_CONFIG_HOME, or give --base-url and --username",
        "没有存放 profile 的主目录：请设置 XDG_CONFIG_HOME，或给出 --base-url 和 --username",
    ),
    "name": ("name", "名称"),
    "address": ("address", "地址"),
    "account": ("account", "账号"),
    "default": ("default", "默认"),
    "yes": ("yes", "是"),
}
