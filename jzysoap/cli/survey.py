"""The first reading of the input of ``jzysoap send``: each number and each text is checked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jzysoap.calls.operations import compose
from jzysoap.cli.inputerror import InputError
from jzysoap.cli.inputs import Row
from jzysoap.cli.recipients import Recipient, sort_rows
from jzysoap.cli.templates import Template
from jzysoap.cli.texts import translate
from jzysoap.model.errors import InvalidMessageError
from jzysoap.settings.options import Config

_PROBLEMS_SHOWN = 10


class Campaign:
    """The messages to send: rows, a text for each, and the options that all have.

    Args:
        config: the client's options.
        rows: the rows; they are read more than once.
        text: the text of all, or the template.
        options: the arguments of ``Client.send`` for all.
        max_segments: messages that each number may cost.
        allow_values: as in ``Template.fill``.
    """

    def __init__(
        self,
        config: Config,
        rows: Iterable[Row],
        text: str | Template,
        options: Mapping[str, Any],
        *,
        max_segments: int,
        allow_values: bool = False,
    ) -> None:
        self._config = config
        self._rows = rows
        self._text = text
        self._options = options
        self._max_segments = max_segments
        self._allow_values = allow_values

    @property
    def is_personal(self) -> bool:
        """True if each row has a text of its own."""
        return isinstance(self._text, Template)

    def recipients(self) -> Iterator[Recipient]:
        """Read the rows.

        Raises:
            InputError: the file cannot be read, or was changed.
        """
        config = self._config
        return sort_rows(self._rows, international=config.international, allowed=config.allow_recipients)

    def text_of(self, row: Row) -> str:
        """Return the text for a row.

        Raises:
            InputError: a value of the row may not be in a text.
        """
        if isinstance(self._text, str):
            return self._text
        return self._text.fill(row.values, row.number, allow_values=self._allow_values)

    def segments_of(self, text: str) -> int:
        """Return how many messages a text costs each number.

        Raises:
            InvalidMessageError: it cannot be sent.
            InputError: it costs too much.
        """
        segments = compose(self._config, text, **self._options).segments
        if segments > self._max_segments:
            raise InputError(translate("send.segments", segments=segments, most=self._max_segments))
        return segments


@dataclass(slots=True)
class Survey:
    """The findings of a first reading.

    Attributes:
        valid, repeated, invalid: how many numbers there are of each state.
        fewest, most: how many messages a number costs.
        cost: messages in all.
        problems: the first invalid numbers: row and reason.
        first: the number and the text of the first message.
    """

    valid: int = 0
    repeated: int = 0
    invalid: int = 0
    fewest: int = 0
    most: int = 0
    cost: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    first: tuple[str, str] = field(default=("", ""), repr=False)


def survey(campaign: Campaign) -> Survey:
    """Read all, and check all.

    Raises:
        InvalidMessageError: the text of all cannot be sent.
        InputError: the file cannot be read, or a row's text cannot be sent; the row is named.
    """
    found = Survey()
    text, segments = "", 0
    for recipient in campaign.recipients():
        if recipient.state == "repeated":
            found.repeated += 1
            continue
        if recipient.state == "invalid":
            found.invalid += 1
            if len(found.problems) < _PROBLEMS_SHOWN:
                found.problems.append((recipient.row.number, recipient.reason))
            continue
        if campaign.is_personal or not found.valid:
            text = campaign.text_of(recipient.row)
            segments = _segments(campaign, text, recipient.row)
            found.fewest = min(found.fewest or segments, segments)
            found.most = max(found.most, segments)
        if not found.valid:
            found.first = (recipient.number, text)
        found.valid += 1
        found.cost += segments
    return found


def _segments(campaign: Campaign, text: str, row: Row) -> int:
    if not campaign.is_personal:
        return campaign.segments_of(text)
    try:
        return campaign.segments_of(text)
    except (InvalidMessageError, InputError) as error:
        raise InputError(translate("send.row", row=row.number, error=error)) from error
