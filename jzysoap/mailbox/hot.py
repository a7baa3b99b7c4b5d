"""The statements of every send, which are compiled once: a look for its key, two inserts, its outcome and history.

Built anew each time, as SQLAlchemy has it, they would cost half as much again as written by hand.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, case, func, insert, null, select, update

from jzysoap.mailbox.database import now_ms
from jzysoap.mailbox.schema import batch, event, message, meta
from jzysoap.mailbox.states import State

_due = func.coalesce(bindparam("not_before", type_=BigInteger), now_ms())
_expires = func.coalesce(bindparam("expires", type_=BigInteger), _due + bindparam("lifetime", type_=BigInteger))

INSERT_MESSAGE = insert(message).values(
    {
        name: bindparam(name, type_=message.c[name].type)
        for name in ("account", "key_hash", "key", "fingerprint", "content", "arguments")
    }
    | {"created": now_ms(), "expires": _expires}
)
_BATCH = {
    "message": bindparam("message", type_=BigInteger),
    "account": bindparam("account"),
    "place": bindparam("place", type_=batch.c.place.type),
    "mobiles": bindparam("mobiles"),
    "due": _due,
    "expires": _expires,
    "token": bindparam("token", type_=batch.c.token.type),
}
INSERT_QUEUED = insert(batch).values({**_BATCH, "state": State.QUEUED.value, "attempt": 0, "evidence": 0})
INSERT_CLAIMED = insert(batch).values(
    {
        **_BATCH,
        "state": State.SENDING.value,
        "attempt": 1,
        "evidence": 0,
        "lease": now_ms() + bindparam("lease_ms", type_=BigInteger),
        "started": now_ms(),
    }
)
_ends = bindparam("ends", type_=batch.c.place.type)
SETTLE = (
    update(batch)
    .where(
        batch.c.id == bindparam("batch", type_=BigInteger),
        batch.c.token == bindparam("held_token"),
        batch.c.state == bindparam("held_state"),
        batch.c.evidence == bindparam("held_evidence", type_=batch.c.evidence.type),
    )
    .values(
        state=bindparam("new_state"),
        # A batch that is queued again has no claim; one that has ended keeps its token, by which a retry finds it.
        token=case((_ends == 1, batch.c.token), else_=null()),
        lease=null(),
        due=now_ms() + bindparam("pause", type_=BigInteger),
        attempt=batch.c.attempt - bindparam("uncounted", type_=batch.c.attempt.type),
        ended=case((_ends == 1, now_ms()), else_=null()),
        batch_id=bindparam("answer_id", type_=batch.c.batch_id.type),
        evidence=bindparam("new_evidence", type_=batch.c.evidence.type),
        error=bindparam("new_error", type_=batch.c.error.type),
    )
)
INSERT_EVENT = insert(event).values(
    {
        "batch": bindparam("batch", type_=BigInteger),
        "at": now_ms(),
        "before": bindparam("before"),
        "after": bindparam("after"),
        "evidence": bindparam("evidence", type_=event.c.evidence.type),
        "by": bindparam("by"),
        "reason": bindparam("reason", type_=event.c.reason.type),
    }
)
FIND_KEY = select(message.c.id, message.c.fingerprint).where(message.c.key_hash == bindparam("hash"))
IS_HELD = select(meta.c.value).where(meta.c.name == bindparam("hold"))
SELECT_MESSAGE = (
    select(
        batch,
        *(message.c[name].label(f"message_{name}") for name in ("key", "account", "content", "created", "expires")),
    )
    .join(message, message.c.id == batch.c.message)
    .where(batch.c.message == bindparam("ident", type_=BigInteger))
    .order_by(batch.c.place, batch.c.id)
)
"""The batches of a message, each with what the message has: one statement costs less than two."""
