"""Who must agree, and have they: the rule as a table, since it is a pure function of decisions, authors and grants."""

from dataclasses import replace
from typing import Any

import pytest

from finops_ai.policy import Approval
from finops_ai.signoff import Decision, Standing, objection, same_person, standing, to_publish

HIGH = Approval(quorum={"legal": 1, "business": 1})
PAIR = Approval(quorum={"legal": 2})
LOW = Approval(by_policy=True)

GRANTS = {"Ana": "legal", "Bob": "business", "Cem": "legal"}


def said(reviewer: str, verdict: Any = "approve", *, role: str = "", by: str = "token") -> Decision:
    return Decision(
        id=1,
        packet_digest="d" * 64,
        artifact="a",
        reviewer=reviewer,
        role=role or GRANTS.get(reviewer, "legal"),
        verdict=verdict,
        reason="checked",
        identified_by=by,
        at="2026-01-01T00:00:00.000000Z",
    )


BY_POLICY = said("policy:abc", role="policy", by="policy")


@pytest.mark.parametrize(
    ("rule", "decisions", "approved", "missing"),
    [
        (HIGH, [], False, {"legal": 1, "business": 1}),
        (HIGH, [said("Ana")], False, {"business": 1}),
        (HIGH, [said("Ana"), said("Bob")], True, {}),
        (HIGH, [said("Bob"), said("Cem"), said("Ana")], True, {}),
        (HIGH, [said("Ana"), said("Cem")], False, {"business": 1}),  # two of one role are not one of each
        (PAIR, [said("Ana")], False, {"legal": 1}),
        (PAIR, [said("Ana"), said("Cem")], True, {}),
        (PAIR, [said("Ana"), said("ＡＮＡ")], False, {"legal": 1}),  # one person however the name is written
        (HIGH, [said("Ana"), said("Bob", role="legal")], False, {"business": 1}),  # a role that was not granted
        (HIGH, [said("Ana"), said("Zoe", role="business")], False, {"business": 1}),  # nobody's grant
        (HIGH, [said("Ana"), replace(BY_POLICY, role="business")], False, {"business": 1}),
        (LOW, [], False, {"policy": 1}),
        (LOW, [BY_POLICY], True, {}),
        (LOW, [said("Ana")], False, {"policy": 1}),
        (LOW, [said("policy:abc", role="policy")], False, {"policy": 1}),  # by a person who calls themselves so
    ],
)
def test_an_approval_counts_for_its_reviewers_role_only(
    rule: Approval, decisions: list[Decision], approved: bool, missing: dict[str, int]
) -> None:
    found = standing(rule, decisions, authors=["Olga"], grants=GRANTS)
    assert (found.approved, dict(found.missing)) == (approved, missing)
    assert not found.rejected


@pytest.mark.parametrize("author", ["Ana", "ana", "  ANA ", "Ａｎａ", "A\u200bna", "\ufeffAna"])
def test_an_author_never_counts_however_the_name_is_written(author: str) -> None:
    """Whoever wants a text published must not be the one who says that it may be."""
    assert not standing(HIGH, [said("Ana"), said("Bob")], authors=[author], grants=GRANTS).approved
    assert objection(HIGH, verdict="approve", reviewer="Ana", role="legal", authors=[author])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ana  Maria", "ana maria", True),
        ("Ana Maria", "AnaMaria", False),
        ("Straße", "STRASSE", True),
        ("Zoë", "Zoe\u0308", True),
        ("Zoë", "Zoe", False),
        ("Ana", "Anna", False),
    ],
)
def test_names_are_compared_as_people_read_them(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same


@pytest.mark.parametrize("rule", [HIGH, LOW])
@pytest.mark.parametrize(("verdict", "flag"), [("reject", "rejected"), ("request_changes", "changes_requested")])
def test_one_veto_beats_every_approval(rule: Approval, verdict: str, flag: str) -> None:
    everybody = [said("Ana"), said("Bob"), BY_POLICY]
    found = standing(rule, [*everybody, said("Cem", verdict)], authors=[], grants=GRANTS)
    assert standing(rule, everybody, authors=[], grants=GRANTS).approved
    assert not found.approved
    assert getattr(found, flag)


def test_a_revoked_approval_counts_for_nothing_and_a_revoked_veto_stands() -> None:
    """Revoking takes a right away; it does not publish what somebody stopped."""
    left = {name: role for name, role in GRANTS.items() if name != "Ana"}
    assert not standing(HIGH, [said("Ana"), said("Bob")], authors=[], grants=left).approved
    assert standing(HIGH, [said("Ana", "reject"), said("Bob"), said("Cem")], authors=[], grants=left).rejected


def test_somebody_granted_another_role_since_no_longer_counts_in_the_old_one() -> None:
    assert not standing(HIGH, [said("Ana"), said("Bob")], authors=[], grants=GRANTS | {"Ana": "ciso"}).approved


@pytest.mark.parametrize(
    ("rule", "verdict", "role", "allowed"),
    [
        (HIGH, "approve", "legal", True),
        (HIGH, "approve", "ciso", False),
        (HIGH, "reject", "ciso", True),
        (HIGH, "request_changes", "ciso", True),
        (LOW, "approve", "legal", False),
        (LOW, "reject", "legal", True),
    ],
)
def test_anybody_with_a_role_may_stop_and_only_the_quorum_may_approve(
    rule: Approval, verdict: Any, role: str, allowed: bool
) -> None:
    assert (objection(rule, verdict=verdict, reviewer="Ana", role=role, authors=["Olga"]) == "") is allowed


def test_an_author_may_not_even_stop() -> None:
    assert "author" in objection(HIGH, verdict="reject", reviewer="olga", role="legal", authors=["Olga"])


def test_an_approved_digest_is_asked_for_once() -> None:
    approved = Standing(approved=True, rejected=False, changes_requested=False)
    waiting = replace(approved, approved=False)
    first, second = said("Ana"), replace(said("Bob"), id=2)
    other = replace(said("Ana"), id=3, packet_digest="e" * 64)
    assert to_publish([first, second, other], {"d" * 64: approved, "e" * 64: waiting}) == [second]
