"""The error about a file of recipients or a template; nothing here reads any."""

from __future__ import annotations

from jzysoap.model.errors import ConfigurationError


class InputError(ConfigurationError):
    """A file of recipients, or a template, that cannot be used. Nothing was sent.

    Its text names rows and columns, and shows no number and no other value.
    """
