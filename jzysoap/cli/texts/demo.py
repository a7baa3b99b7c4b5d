"""The words of ``jzysoap demo``."""

TEXTS = {
    "wire": (
        "also show the requests and replies; password, numbers and texts are masked",
        "同时显示请求和响应，其中的密码、号码和内容已遮盖",
    ),
}
