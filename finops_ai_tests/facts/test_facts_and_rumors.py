"""Only a confirmed claim becomes a fact; a rumor has a type and a table of its own, and no way across."""

from dataclasses import fields
from typing import get_args

import pytest
import sqlalchemy as sa

from finops_ai.evidence import Verdict
from finops_ai.facts import ConfirmedFact, NotConfirmed, facts_of, keep_facts
from finops_ai.generation import Assignment, Selection
from finops_ai.rumors import keep_rumors, rumors_of
from finops_ai.store import Database, tables
from finops_ai_tests.records import claim, registered

SHA = "c" * 64
CLAIMS = [claim(f"Sentence {n} of the notes.", verdict) for n, verdict in enumerate((*get_args(Verdict), "confirmed"))]


@pytest.mark.parametrize("verdict", [v for v in get_args(Verdict) if v != "confirmed"])
def test_no_other_claim_becomes_a_fact(verdict: str) -> None:
    with pytest.raises(NotConfirmed, match=verdict):
        ConfirmedFact.from_claim(claim("It grew.", verdict), position=0, titles={})


def test_each_claim_goes_to_its_own_table_or_to_none(database: Database) -> None:
    artifact = registered(database)
    with database.write() as tx:
        facts = keep_facts(tx, artifact, SHA, CLAIMS, [])
        rumors = keep_rumors(tx, artifact, SHA, CLAIMS)
    assert [(fact.label, fact.text) for fact in facts] == [("F1", CLAIMS[0].text), ("F2", CLAIMS[4].text)]
    assert [rumor.text for rumor in rumors] == [CLAIMS[2].text]
    with database.read() as connection:
        assert facts_of(connection, artifact, SHA) == facts
        assert rumors_of(connection, artifact, SHA) == rumors
        stored = {*connection.scalars(sa.select(tables.confirmed_fact.c.text))}
    assert stored == {CLAIMS[0].text, CLAIMS[4].text}


def test_keeping_them_again_changes_nothing(database: Database) -> None:
    artifact = registered(database)
    with database.write() as tx:
        for _ in range(2):
            facts = keep_facts(tx, artifact, SHA, CLAIMS, [])
            rumors = keep_rumors(tx, artifact, SHA, CLAIMS)
        assert facts_of(tx, artifact, SHA) == facts
        assert rumors_of(tx, artifact, SHA) == rumors


def test_facts_belong_to_one_judgement_of_one_artifact(sqlite_database: Database) -> None:
    """Judged again, the old facts must not come back beside the new ones."""
    artifact = registered(sqlite_database)
    with sqlite_database.write() as tx:
        keep_facts(tx, artifact, SHA, CLAIMS, [])
        assert facts_of(tx, artifact, "d" * 64) == []
        assert facts_of(tx, "other", SHA) == []


def test_what_a_writer_gets_has_no_place_for_a_rumor() -> None:
    """The one way into a prompt is an assignment, and its facts are confirmed by type."""
    assert {f.name for f in fields(Assignment)} == {"brief", "selection", "bounds", "form", "remarks"}
    assert {f.name: f.type for f in fields(Selection)}["facts"] == tuple[ConfirmedFact, ...]
