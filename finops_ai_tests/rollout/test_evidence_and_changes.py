"""The figures from the records of both databases, and the changes of stage that follow from them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from finops_ai.policy import Policy, load_policy
from finops_ai.rollout import (
    Baseline,
    Evidence,
    SignOff,
    StageError,
    apply_demotions,
    evidence_of,
    promote,
    request_demotion,
    stage_of,
    today_of,
)
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, simulated, tables, utc_now
from finops_ai_tests.records import at_once, policy_with
from finops_ai_tests.rollout.histories import COST_NANO_USD, NOW, WORKLOAD, History

BEFORE = NOW - timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=29)
USD = 1_000_000_000
BASELINE = Baseline(unit_cost_nano_usd=COST_NANO_USD, source="a usage log")
GRANTED = "budgets: {workloads: {finance-briefings: {month_usd: 40, stage: broad}}}"


@pytest.fixture
def history(database: Database, tmp_path: Path) -> History:
    return History(database, tmp_path)


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return policy_with(tmp_path, GRANTED)


def found(database: Database, policy: Policy | None = None) -> Evidence:
    with database.read() as connection:
        return evidence_of(connection, policy or load_policy(), WORKLOAD, NOW)


def changes(database: Database) -> list[tuple[str, str, str, str | None]]:
    row = tables.stage_change
    query = sa.select(row.c.from_stage, row.c.to_stage, row.c.reason, row.c.packet_digest).order_by(row.c.id)
    with database.read() as connection:
        return [(r.from_stage, r.to_stage, r.reason, r.packet_digest) for r in connection.execute(query)]


def test_a_workload_without_a_past_has_nothing_to_show(database: Database) -> None:
    evidence = found(database)
    assert (evidence.briefs, evidence.ended, evidence.suspense, evidence.stage) == (0, 0, 0, "pilot")


def test_only_what_ended_counts_and_only_of_this_workload_and_window(history: History) -> None:
    history.published(BEFORE)
    history.published(BEFORE, loop=1)
    history.rejected(BEFORE)
    history.rejected(BEFORE, verdict="request_changes", loop=2)  # the full profile allows two reworks
    history.judged("quality", BEFORE, loop=2)
    history.judged("policy", BEFORE)
    # still on their way
    history.begin(BEFORE)
    history.rejected(BEFORE, verdict="request_changes", loop=1)
    history.judged("quality", BEFORE, loop=1)
    history.judged("policy", BEFORE, passed=True, who=history.judged("policy", BEFORE))
    # of another time or workload
    history.published(LONG_AGO)
    history.rejected(LONG_AGO)
    history.published(BEFORE, workload="support-answers")
    evidence = found(history.database)
    assert (evidence.published, evidence.first_pass, evidence.ended, evidence.briefs) == (2, 1, 6, 10)
    assert evidence.published_cost_nano_usd == 2 * COST_NANO_USD
    assert evidence.ended_cost_nano_usd == 6 * COST_NANO_USD
    assert evidence.published_value_nano_usd == 2 * 900 * USD


def test_a_document_of_our_own_shows_nothing_of_the_platforms_workload(history: History) -> None:
    """Else a year of signed reviews would be twelve good artifacts, and count against the new ones of their day."""
    history.published(BEFORE, workload="finops-platform", impact="governance", intent={"form": "review"})
    with history.database.read() as connection, simulated(NOW):
        evidence = evidence_of(connection, load_policy(), "finops-platform", NOW)
        today = today_of(connection, load_policy(), "finops-platform")
    assert (evidence.briefs, evidence.published, evidence.ended, today.artifacts) == (0, 0, 0, 0)


def test_a_publication_without_every_gate_under_its_policy_is_named(history: History) -> None:
    history.published(BEFORE)
    names = {
        history.published(BEFORE, gates={"policy": True, "quality": True}),
        history.published(BEFORE, gates={"policy": True, "quality": False, "readiness": True}),
        history.published(BEFORE, gate_policy="f" * 64),
    }
    assert set(found(history.database).published_ungated) == names


def test_a_verdict_after_the_permit_changes_nothing_about_what_was_published(history: History) -> None:
    artifact = history.published(BEFORE)
    later = history.begin(BEFORE)
    history.judged(
        "quality", NOW, who=type(later)(**{n: getattr(later, n) for n in later.__slots__} | {"artifact": artifact})
    )
    evidence = found(history.database)
    assert (evidence.published_ungated, evidence.ended, evidence.published) == ((), 1, 1)


def test_open_calls_count_by_their_age(history: History) -> None:
    history.reserved(NOW - timedelta(hours=23))
    history.reserved(NOW - timedelta(hours=25))
    history.reserved(NOW - timedelta(hours=23), suspended=True, amount_nano_usd=7)
    history.reserved(NOW - timedelta(days=60), suspended=True, amount_nano_usd=8)
    history.reserved(NOW - timedelta(days=60), suspended=True, workload="support-answers")
    evidence = found(history.database)
    assert (evidence.reservations_overdue, evidence.suspense, evidence.suspense_nano_usd) == (1, 2, 15)
    assert evidence.suspense_overdue == 1


def test_the_window_begins_with_the_last_change_of_stage(history: History, policy: Policy) -> None:
    """What opened one stage does not open the next one too."""
    history.published(NOW - timedelta(days=3))
    history.moved("limited", NOW - timedelta(days=2))
    history.published(NOW - timedelta(days=1))
    evidence = found(history.database, policy)
    assert (evidence.published, evidence.briefs, evidence.earned) == (1, 1, "limited")


# --- up


def ready(history: History, count: int = 10) -> SignOff:
    for _ in range(count):
        history.published(BEFORE)
    return SignOff(
        packet_digest=history.signed_packet(),
        workload=WORKLOAD,
        to_stage="limited",
        evidence_until=utc_now(NOW),
        approved=True,
        told="signed",
    )


def test_a_promotion_opens_one_stage_once_per_signed_packet(history: History, policy: Policy) -> None:
    signed = ready(history)
    with simulated(NOW):
        with history.database.write() as tx:
            promote(tx, policy, WORKLOAD, baseline=BASELINE, sign_off=signed)
        assert changes(history.database) == [("pilot", "limited", "promotion", signed.packet_digest)]
        request_demotion(history.database, policy, WORKLOAD, why="a complaint", by="ana")
    later = NOW + timedelta(days=1)
    for _ in range(10):
        history.published(later)
    with (
        simulated(later),
        pytest.raises(StageError, match="has opened a stage already"),
        history.database.write() as tx,
    ):
        promote(tx, policy, WORKLOAD, baseline=BASELINE, sign_off=signed)
    assert len(changes(history.database)) == 2


def test_what_was_signed_before_the_last_change_of_stage_opens_none(history: History, policy: Policy) -> None:
    """Two scorecards of one pilot were signed; one opened the stage, which was lost again. The other is of that time, too."""
    first = ready(history)
    second = replace(first, packet_digest=history.signed_packet())
    with simulated(NOW + timedelta(minutes=1)):
        with history.database.write() as tx:
            promote(tx, policy, WORKLOAD, baseline=BASELINE, sign_off=first)
        request_demotion(history.database, policy, WORKLOAD, why="a complaint", by="ana")
    later = NOW + timedelta(days=1)
    for _ in range(10):
        history.published(later)
    with simulated(later), pytest.raises(StageError) as refused, history.database.write() as tx:
        promote(tx, policy, WORKLOAD, baseline=BASELINE, sign_off=second)
    assert str(refused.value).count("\n- ") == 1, "everything else holds"
    assert "- sign_off: " in str(refused.value)
    with history.database.read() as connection:
        assert stage_of(connection, policy, WORKLOAD) == "pilot"


def test_a_promotion_names_everything_that_is_missing_and_changes_nothing(history: History) -> None:
    with simulated(NOW), pytest.raises(StageError) as refused, history.database.write() as tx:
        promote(tx, load_policy(), WORKLOAD, baseline=None, sign_off=None)
    for name in ("value", "baseline", "gates", "quality", "unit_cost", "ceiling", "sign_off"):
        assert f"- {name}: " in str(refused.value)
    assert changes(history.database) == []


def test_two_processes_promote_once(settings: Settings, tmp_path: Path, policy: Policy) -> None:
    history = History(open_database(settings), tmp_path)
    signed = ready(history)
    history.database.engine.dispose()

    def attempt(_number: int) -> bool:
        try:
            with simulated(NOW), open_database(settings).write() as tx:
                promote(tx, policy, WORKLOAD, baseline=BASELINE, sign_off=signed)
        except StageError:
            return False
        return True

    assert sorted(at_once(attempt, 3)) == [False, False, True]
    assert len(changes(open_database(settings))) == 1


# --- down


def test_a_breach_takes_one_stage_and_not_a_second_one_for_the_same_figures(history: History, policy: Policy) -> None:
    history.moved("broad", NOW - timedelta(days=2), from_stage="limited")
    for _ in range(10):
        history.rejected(BEFORE)
    with simulated(NOW):
        (demotion,) = apply_demotions(history.database, policy)
        assert apply_demotions(history.database, policy) == []
    assert (demotion.from_stage, demotion.to_stage) == ("broad", "limited")
    assert "approved share 0.000 (0 of 10)" in demotion.detail
    assert changes(history.database)[1:] == [("broad", "limited", "breach", None)]


def test_suspense_that_stays_open_takes_one_stage(history: History, policy: Policy) -> None:
    history.moved("broad", NOW - timedelta(days=9), from_stage="limited")
    history.reserved(NOW - timedelta(days=2), suspended=True)
    with simulated(NOW):
        assert [d.to_stage for d in apply_demotions(history.database, policy)] == ["limited"]
    with simulated(NOW + timedelta(days=5)):
        assert apply_demotions(history.database, policy) == []


def test_good_figures_and_pilots_stay_where_they_are(history: History, policy: Policy) -> None:
    history.moved("limited", NOW - timedelta(days=2))
    for _ in range(10):
        history.published(BEFORE)
        history.rejected(BEFORE, workload="support-answers")  # a pilot
    with simulated(NOW):
        assert apply_demotions(history.database, policy, {WORKLOAD: BASELINE}) == []


@pytest.mark.parametrize("by", ["figures", "a person"])
def test_what_was_earned_is_lost_while_the_policy_grants_less(history: History, tmp_path: Path, by: str) -> None:
    """Else it would be in force again, without anybody's word, on the day on which the policy grants it again."""
    history.moved("broad", NOW - timedelta(days=2), from_stage="limited")
    for _ in range(10):
        history.rejected(BEFORE)
    held_down = policy_with(tmp_path, GRANTED.replace("broad", "pilot"))
    with simulated(NOW):
        if by == "figures":
            (demotion,) = apply_demotions(history.database, held_down)
            assert apply_demotions(history.database, held_down) == []
        else:
            demotion = request_demotion(history.database, held_down, WORKLOAD, why="a complaint", by="ana")
    assert (demotion.from_stage, demotion.to_stage) == ("broad", "pilot")
    with history.database.read() as connection:
        assert stage_of(connection, policy_with(tmp_path, GRANTED), WORKLOAD) == "pilot"


def test_processes_at_once_take_one_stage(settings: Settings, tmp_path: Path, policy: Policy) -> None:
    history = History(open_database(settings), tmp_path)
    history.moved("broad", NOW - timedelta(days=2), from_stage="limited")
    for _ in range(10):
        history.rejected(BEFORE)
    history.database.engine.dispose()

    def attempt(_number: int) -> int:
        with simulated(NOW):
            return len(apply_demotions(open_database(settings), policy))

    assert sum(at_once(attempt, 4)) == 1


def test_a_person_may_take_a_stage_with_a_reason(history: History, policy: Policy, tmp_path: Path) -> None:
    history.moved("broad", BEFORE, from_stage="limited")
    narrowed = policy_with(tmp_path, GRANTED.replace("broad", "limited"))
    with pytest.raises(StageError, match="needs a reason"):
        request_demotion(history.database, narrowed, WORKLOAD, why="  ", by="ana")
    demotion = request_demotion(history.database, narrowed, WORKLOAD, why="a\n complaint", by="ana")
    assert (demotion.from_stage, demotion.to_stage, demotion.detail) == ("broad", "pilot", "ana: a complaint")
    with history.database.read() as connection:
        assert stage_of(connection, policy, WORKLOAD) == "pilot"
    with pytest.raises(StageError, match="none below"):
        request_demotion(history.database, policy, WORKLOAD, why="again", by="ana")
