"""Two months of books."""

import pytest

from finops_ai.store import Database
from finops_ai_tests.finance.books import Books, november, october


@pytest.fixture
def books(database: Database) -> Books:
    """October and November, neither of them closed."""
    made = october(database)
    november(database, made)
    return made
