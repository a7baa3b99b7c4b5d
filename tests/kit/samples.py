"""The account, numbers and text of most tests. All are made up, but for the numbers, which are the vendor's samples."""

from __future__ import annotations

USERNAME = "account"
PASSWORD = "s3cret-Pass"
PASSWORD_BASE64 = "czNjcmV0LVBhc3M="

MOBILE = "13866194295"
SECOND_MOBILE = "15375427702"
THIRD_MOBILE = "15275427712"

TEXT = "您的验证码是 1234"
