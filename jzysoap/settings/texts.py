"""The text form of an option, as an environment variable holds it, to the value that a constructor takes.

Each function returns the value or raises a ValueError that says what the text must be. The value is checked afterwards.
"""

from __future__ import annotations

from jzysoap.model.http import Timeout
from jzysoap.model.values import Channel

_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def flag(text: str) -> bool:
    if text.strip().lower() not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[text.strip().lower()]


def flag_or_path(text: str) -> bool | str:
    return _FLAGS.get(text.strip().lower(), text)


def path_or_off(text: str) -> bool | str:
    return False if _FLAGS.get(text.strip().lower()) is False else text


def channel(text: str) -> Channel:
    for one in Channel:
        if text.strip().upper() in (one.name, str(one.value)):
            return one
    raise ValueError("must be card, gateway or member (or 0, 1, 2)")


def timeout(text: str) -> Timeout:
    parts = text.split(",")
    if len(parts) != 3:
        raise ValueError("must be three numbers of seconds: connect,read,total")
    return Timeout(*(number(part) for part in parts))


def texts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def proxies(text: str) -> dict[str, str]:
    return {"http": text, "https": text}
