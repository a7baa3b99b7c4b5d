"""Leases: what one process at a time may do, such as poll for an account."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from jzysoap.mailbox.database import Database, now_ms
from jzysoap.mailbox.schema import lease


class Leases:
    """The leases of one account.

    Args:
        database: the database.
        account: the account, as the rows name it.
    """

    def __init__(self, database: Database, account: str) -> None:
        self.database = database
        self.account = account

    def acquire(self, name: str, token: str, lease_ms: int) -> bool:
        """Take or renew a lease that one process at a time has; return False if another one has it."""
        name = f"{name} {self.account}"
        values = {"token": token, "until": now_ms() + lease_ms}

        def work(connection: Connection, _uncertain: bool) -> bool:
            row = connection.execute(
                select(lease.c.token, (lease.c.until < now_ms()).label("over"))
                .where(lease.c.name == name)
                .with_for_update()
            ).first()
            if row is None:
                try:
                    with connection.begin_nested():
                        connection.execute(insert(lease).values(name=name, **values))
                except IntegrityError:
                    return False
                return True
            if row.token != token and not row.over:
                return False
            connection.execute(update(lease).where(lease.c.name == name).values(values))
            return True

        return self.database.write(work)

    def give_up(self, name: str, token: str) -> None:
        """Give a lease back."""
        mine = (lease.c.name == f"{name} {self.account}", lease.c.token == token)
        self.database.write(lambda connection, _: connection.execute(delete(lease).where(*mine)))
