"""Deadlines for clients of servers on loopback."""

from __future__ import annotations

from jzysoap import Timeout

PATIENT = Timeout(connect=5, read=10, total=20)
"""For tests that wait for no deadline: a busy machine must not fail them."""

QUICK = Timeout(connect=2, read=0.5, total=1)
"""For tests whose rows wait for one deadline or another, or for none."""

# For tests that wait for one deadline only: the others are far away, so that a busy machine cannot reach them first.
QUICK_CONNECT = PATIENT._replace(connect=0.2)
QUICK_READ = PATIENT._replace(read=0.2)
QUICK_TOTAL = PATIENT._replace(total=0.4)
