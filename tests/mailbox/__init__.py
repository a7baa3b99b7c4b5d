"""Tests of the mailbox, on SQLite, PostgreSQL and MariaDB."""
