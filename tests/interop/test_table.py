"""The tables in the documents are those of this run. Comes last, as tests run in the order of their files' names.

``INTEROP_WRITE=1`` writes them instead: ``INTEROP_WRITE=1 tox -e interop``.
"""

from __future__ import annotations

import os

import pytest

from tests.interop.conftest import SERVICES
from tests.interop.ledger import LEDGER
from tests.interop.table import CHECKS, DOCS, LANGUAGES, Language, tables, updated, without_local_versions
from tests.interop.test_clients import FOREIGN

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.document for language in LANGUAGES])
def test_documents(language: Language) -> None:
    """Both documents."""
    wanted = {str(one.id) for one in SERVICES} | {foreign.name for foreign in FOREIGN}
    if not LEDGER.complete or not wanted <= set(LEDGER.facts):
        pytest.skip("not everything ran: the table needs all stacks")
    tests = {test for name, outcomes in LEDGER.outcomes.items() if "/" in name for test in outcomes}
    assert tests == set(CHECKS)
    path = DOCS / language.document
    document = path.read_text("utf-8")
    made = updated(document, tables(LEDGER, language))
    if os.environ.get("INTEROP_WRITE"):
        path.write_text(made, "utf-8")
    else:
        assert without_local_versions(document) == without_local_versions(made), "run it with INTEROP_WRITE=1"
