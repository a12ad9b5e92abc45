"""Deployments for tests of the workflow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from finops_ai_tests.deployment import Deployment, deployment


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Deployment]:
    """On SQLite."""
    with deployment(tmp_path) as here:
        yield here


@pytest.fixture(params=["sqlite", "postgresql"])
def either_home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """Once on SQLite, once with Dagster's and our own records in one PostgreSQL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with deployment(tmp_path, url) as here:
        yield here
