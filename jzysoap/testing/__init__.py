"""A gateway for the tests of an application: pytest fixtures, and a context manager for everything else.

pytest finds the fixtures by itself (``plugin``). They need the extra ``sandbox``. Nothing is loaded before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["Expected", "NothingCameError", "SmsGateway"]

if TYPE_CHECKING:
    from jzysoap.testing.gateway import (
        Expected as Expected,
        NothingCameError as NothingCameError,
        SmsGateway as SmsGateway,
    )
else:
    # Hidden from type checkers, which would accept any name at all.
    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("jzysoap.testing.gateway"), name)
