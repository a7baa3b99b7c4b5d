"""The tables of a mailbox, and the steps that bring an older database to them.

Times are whole milliseconds since the epoch, by the database's clock. Ids are given by the database.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects.mysql import LONGBLOB, MEDIUMTEXT

from jzysoap.mailbox.errors import MailboxDatabaseError

VERSION = 1
"""The version of the tables that this library reads and writes."""

METADATA = MetaData()

# A row id of SQLite must be INTEGER to be given by the database.
_ID = BigInteger().with_variant(Integer, "sqlite")
# 64 KiB is too little on MySQL: the answer to a poll would be cut off after it was consumed.
_BYTES = LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb")
_TEXT = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")


def _id() -> Column[Any]:
    return Column("id", _ID, primary_key=True, autoincrement=True)


def _table(name: str, *parts: Any) -> Table:
    return Table(
        f"jzysoap_{name}",
        METADATA,
        *parts,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        # Ids of the gateway differ by letter case; the default collation would take them for the same.
        mysql_collate="utf8mb4_bin",
    )


meta = _table("meta", Column("name", String(64), primary_key=True), Column("value", String(255), nullable=False))

message = _table(
    "message",
    _id(),
    Column("account", String(255), nullable=False),
    # SHA-256 of the key's UTF-8: databases compare texts in many ways.
    Column("key_hash", String(64)),
    Column("key", _TEXT),
    Column("fingerprint", String(64), nullable=False),
    # None once the message has ended, if the mailbox does not keep texts.
    Column("content", _TEXT),
    # The other arguments of the call, by their names on the wire, as JSON.
    Column("arguments", _TEXT, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    UniqueConstraint("account", "key_hash", name="jzysoap_message_key"),
    Index("jzysoap_message_created", "created"),
)

batch = _table(
    "batch",
    _id(),
    Column("message", BigInteger, nullable=False),
    Column("account", String(255), nullable=False),
    Column("place", Integer, nullable=False),
    # In the wire's spelling, separated by commas.
    Column("mobiles", _TEXT, nullable=False),
    Column("state", String(12), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("token", String(32)),
    Column("lease", BigInteger),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("batch_id", String(255)),
    # The id that a match gave, where the answer had none.
    Column("matched_id", String(255)),
    Column("evidence", Integer, nullable=False, default=0),
    Column("error", _TEXT),
    Column("resend_of", BigInteger, unique=True),
    Index("jzysoap_batch_due", "state", "due", "id"),
    Index("jzysoap_batch_message", "message"),
    Index("jzysoap_batch_started", "account", "started"),
    Index("jzysoap_batch_answer", "account", "batch_id"),
)

recipient = _table(
    "recipient",
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("mobile", String(32), primary_key=True),
    Column("delivery", Integer, nullable=False),
    Column("evidence", Integer, nullable=False),
)

event = _table(
    "event",
    _id(),
    Column("batch", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("before", String(12), nullable=False),
    Column("after", String(12), nullable=False),
    Column("evidence", Integer, nullable=False),
    Column("by", String(255), nullable=False),
    Column("reason", _TEXT),
    Index("jzysoap_event_batch", "batch"),
)

poll = _table(
    "poll",
    _id(),
    Column("account", String(255), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("state", String(12), nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("interface", String(16)),
    Column("received", String(40)),
    Column("status", Integer),
    Column("content_type", _TEXT),
    Column("problem", _TEXT),
    Column("body", _BYTES),
    Column("attempt", Integer, nullable=False, default=0),
    Column("lease", BigInteger),
    Column("error", _TEXT),
    Index("jzysoap_poll_state", "state", "id"),
)

record = _table(
    "record",
    _id(),
    Column("poll", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("account", String(255), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("state", String(12), nullable=False),
    Column("due", BigInteger, nullable=False, default=0),
    Column("attempt", Integer, nullable=False, default=0),
    Column("token", String(32)),
    Column("lease", BigInteger),
    Column("mobile", String(64), nullable=False),
    Column("batch_id", String(255)),
    Column("status", Integer),
    # The time in the record: of a report, when the message was sent.
    Column("at", BigInteger),
    # What else the record has, as JSON; None for nothing.
    Column("rest", _TEXT),
    Column("batch", BigInteger),
    Column("evidence", Integer, nullable=False, default=0),
    UniqueConstraint("poll", "place", name="jzysoap_record_place"),
    Index("jzysoap_record_state", "kind", "state", "poll", "place"),
    Index("jzysoap_record_id", "account", "batch_id"),
    Index("jzysoap_record_at", "account", "at"),
    Index("jzysoap_record_batch", "batch"),
)

lease = _table(
    "lease",
    Column("name", String(255), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("until", BigInteger, nullable=False),
)

# Any number that no other program uses for its lock.
_LOCK = 0x6A7A79736F6170

# Each step brings the tables from the version of its place to the next one.
STEPS: tuple[Callable[[Connection], None], ...] = (METADATA.create_all,)


def current_salt(connection: Connection) -> bytes | None:
    """Return the salt of the fingerprints if the tables are of this library's version, else None. Writes nothing."""
    facts = _read_facts(connection)
    return bytes.fromhex(facts["salt"]) if facts.get("version") == str(VERSION) else None


def prepare_schema(connection: Connection, *, create: bool) -> bytes:
    """Bring the tables to the version of this library.

    Args:
        connection: a connection in a transaction.
        create: True if tables may be made or changed.

    Returns:
        The salt of the fingerprints.

    Raises:
        MailboxDatabaseError: the tables are missing, older or newer, and must not be changed.
    """
    facts = _read_facts(connection)
    version = int(facts.get("version", 0))
    if version > VERSION:
        raise MailboxDatabaseError(
            f"the mailbox's tables are of version {version}, and this library knows version {VERSION}: "
            "install a newer jzysoap",
            retry="never",
        )
    if version < VERSION:
        if not create:
            raise MailboxDatabaseError(
                f"the mailbox's tables are {'missing' if not version else f'of version {version}'}: "
                "let a user with the right to create tables open it once, without create=False",
                retry="never",
            )
        if connection.dialect.name == "postgresql":
            # One process at a time, as on SQLite. On MySQL a change of a table ends a transaction: two that meet fail
            # at the other's tables or rows, and try again.
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            facts = _read_facts(connection)
        for step in STEPS[int(facts.get("version", 0)) :]:
            step(connection)
        if "salt" not in facts:
            facts["salt"] = token_hex(16)
            connection.execute(meta.insert().values(name="salt", value=facts["salt"]))
        connection.execute(meta.delete().where(meta.c.name == "version"))
        connection.execute(meta.insert().values(name="version", value=str(VERSION)))
    return bytes.fromhex(facts["salt"])


def _read_facts(connection: Connection) -> dict[str, str]:
    if not inspect(connection).has_table(meta.name):
        return {}
    return {row.name: row.value for row in connection.execute(meta.select())}
