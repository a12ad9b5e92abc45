"""The stage in force is the lower of what is granted and what is earned, and it limits a day's work."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.artifacts import accept_brief, take_in
from finops_ai.briefs import BriefError, BriefFile, Registered, artifact_keys, register
from finops_ai.ledger import BudgetExceeded
from finops_ai.orchestration.sensors import take_brief
from finops_ai.orchestration.workbench import Workbench
from finops_ai.policy import Policy, PolicyError, Stage, budgets_for, load_policy
from finops_ai.rollout import admit_new, effective_stage, is_known, stage_of, today_of
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, open_objects, sha256_hex, simulated
from finops_ai_tests.deployment import write_brief
from finops_ai_tests.records import at_once, brief, hold_of, payer, policy_with
from finops_ai_tests.rollout.histories import NOW, WORKLOAD, History

USD = 1_000_000_000
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TWO_A_DAY = """
rollout: {stages: {pilot: {artifacts_day_max: 2, day_usd: 1}, limited: {artifacts_day_max: 3, day_usd: 2}, broad: {}}}
budgets: {workloads: {finance-briefings: {month_usd: 40, stage: limited}}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return policy_with(tmp_path, TWO_A_DAY)


@pytest.mark.parametrize(
    ("ceiling", "earned", "in_force"),
    [
        ("pilot", "pilot", "pilot"),
        ("pilot", "broad", "pilot"),
        ("broad", "pilot", "pilot"),
        ("limited", "broad", "limited"),
        ("broad", "limited", "limited"),
        ("broad", "broad", "broad"),
    ],
)
def test_neither_the_policy_nor_a_signature_promotes_alone(ceiling: Stage, earned: Stage, in_force: Stage) -> None:
    assert effective_stage(ceiling=ceiling, earned=earned) == in_force


def test_a_workload_is_a_pilot_until_it_has_earned_more(database: Database, tmp_path: Path, policy: Policy) -> None:
    with database.read() as connection:
        assert stage_of(connection, policy, WORKLOAD) == "pilot"
    History(database, tmp_path).moved("broad", NOW)
    with database.read() as connection:
        assert stage_of(connection, policy, WORKLOAD) == "limited"
        assert stage_of(connection, load_policy(), WORKLOAD) == "pilot"


def test_a_policy_that_forgets_a_stage_is_refused(tmp_path: Path) -> None:
    """A stage without limits must be meant."""
    with pytest.raises(PolicyError, match=r"limited, broad is missing"):
        policy_with(tmp_path, "rollout: {stages: {pilot: {}}}")


@pytest.mark.parametrize(
    ("pilot", "limited", "wrong"),
    [
        ("{}", "{artifacts_day_max: 5}", "artifacts_day_max"),
        ("{day_usd: 3}", "{day_usd: 2}", "day_usd"),
    ],
)
def test_a_policy_in_which_a_pilot_may_do_more_than_those_who_earned_it_is_refused(
    tmp_path: Path, pilot: str, limited: str, wrong: str
) -> None:
    """Signatures would then take something away, and a demotion would give it."""
    with pytest.raises(PolicyError, match=f"limited allows less than pilot: {wrong}"):
        policy_with(tmp_path, f"rollout: {{stages: {{pilot: {pilot}, limited: {limited}, broad: {{}}}}}}")


def test_a_workload_is_known_by_the_policy_or_by_an_artifact(database: Database, tmp_path: Path) -> None:
    History(database, tmp_path).begin(NOW, workload="support-answers")
    with database.read() as connection:
        found = [is_known(connection, load_policy(), name) for name in (WORKLOAD, "support-answers", "nobody")]
    assert found == [True, True, False]


# --- new artifacts


def submit(database: Database, policy: Policy, *topics: str, workload: str = WORKLOAD) -> list[Registered]:
    files = [BriefFile(brief(topic=topic, workload=workload), Path("/b"), f"{topic}.yaml") for topic in topics]
    return take_in(database, policy, files, submitted_by="ana", via="cli")


def count(database: Database) -> int:
    with database.read() as connection:
        return len(artifact_keys(connection))


def test_one_artifact_more_than_a_day_allows_is_refused_by_name(database: Database, policy: Policy) -> None:
    with simulated(NOON):
        submit(database, policy, "a", "b")
        with pytest.raises(BriefError) as refused:
            submit(database, policy, "c")
    (problem,) = refused.value.problems
    assert (problem.file, problem.field) == ("c.yaml", "workload")
    for told in (WORKLOAD, "stage pilot", "at most 2", "2 are registered on 2026-11-26"):
        assert told in problem.reason
    assert count(database) == 2


def test_a_batch_beyond_the_limit_is_refused_whole_and_names_the_first_beyond(
    database: Database, policy: Policy
) -> None:
    with simulated(NOON):
        submit(database, policy, "a")
        with pytest.raises(BriefError) as refused:
            submit(database, policy, "b", "c", "d")
    assert [problem.file for problem in refused.value.problems] == ["c.yaml"]
    assert count(database) == 1


def test_what_is_registered_already_is_never_refused(database: Database, policy: Policy) -> None:
    with simulated(NOON):
        submit(database, policy, "a", "b")
        assert [found.new for found in submit(database, policy, "b", "a")] == [False, False]


def test_a_new_day_another_workload_and_a_higher_stage_have_a_count_of_their_own(
    database: Database, policy: Policy, tmp_path: Path
) -> None:
    with simulated(NOON):
        submit(database, policy, "a", "b")
        submit(database, policy, "a", "b", workload="support-answers")
    with simulated(NOW):
        submit(database, policy, "c", "d")
        History(database, tmp_path).moved("limited", NOW)
        submit(database, policy, "e")
        with pytest.raises(BriefError, match="stage limited: at most 3"):
            submit(database, policy, "f")
        with database.read() as connection:
            assert (found := today_of(connection, policy, WORKLOAD)).artifacts == found.artifacts_max == 3


def test_of_many_submitters_at_once_exactly_the_limit_gets_in(settings: Settings, tmp_path: Path) -> None:
    """Each counts under the workload's lock what the one before has added. Ten days, since one may go well by chance."""
    policy = policy_with(tmp_path, "rollout: {stages: {pilot: {artifacts_day_max: 5}, limited: {}, broad: {}}}")
    days = [NOON + timedelta(days=number) for number in range(10)]
    open_database(settings).engine.dispose()

    def submit_five_a_day(number: int) -> int:
        database, registered = open_database(settings), 0
        for day in days:
            with simulated(day), suppress(BriefError):
                registered += len(submit(database, policy, *(f"{number} {day} {part}" for part in range(5))))
        return registered

    assert sum(at_once(submit_five_a_day, 4)) == 5 * len(days)
    assert count(open_database(settings)) == 5 * len(days)


def test_a_submitter_waits_for_the_one_who_is_about_to_take_the_last_place(database: Database, tmp_path: Path) -> None:
    """Without the lock the second would not see the first one's artifact, which is not committed yet, and get in too."""
    policy = policy_with(tmp_path, "rollout: {stages: {pilot: {artifacts_day_max: 1}, limited: {}, broad: {}}}")
    counted, second_ended = threading.Event(), threading.Event()

    def first() -> None:
        def admit_and_linger(tx: sa.Connection, new: Sequence[BriefFile]) -> None:
            admit_new(tx, new, policy=policy)
            counted.set()
            second_ended.wait(0.5)

        file = BriefFile(brief(topic="first"), Path("/b"))
        register(database, [file], submitted_by="ana", via="test", admit=admit_and_linger)

    thread = threading.Thread(target=first)
    thread.start()
    counted.wait(10)
    with pytest.raises(BriefError, match="at most 1"):
        submit(database, policy, "second")
    second_ended.set()
    thread.join()
    assert count(database) == 1


def test_the_inbox_refuses_as_the_command_line_does(settings: Settings, tmp_path: Path) -> None:
    policy = policy_with(tmp_path, "rollout: {stages: {pilot: {artifacts_day_max: 1}, limited: {}, broad: {}}}")
    database, objects = open_database(settings), open_objects(settings)
    bench = Workbench(settings=settings, database=database, objects=objects, policy=policy)
    taken = [take_brief(bench, write_brief(tmp_path, name=f"{n}.yaml", topic=f"Topic {n}")) for n in range(2)]
    assert (taken[0] is not None, taken[1]) == (True, None)
    reason = (tmp_path / "refused" / "1.reason.txt").read_text()
    assert "1.yaml: workload: finance-briefings is in stage pilot" in reason


def test_a_brief_that_was_read_remembers_the_name_that_an_error_shows(tmp_path: Path) -> None:
    path = write_brief(tmp_path)
    assert accept_brief(path, load_policy()).name == str(path)


# --- spending


def test_a_hold_beyond_the_stage_is_refused_on_every_budget(database: Database, policy: Policy) -> None:
    """The stage is one more budget of the nested ones: all of them or none."""
    (found,) = submit(database, policy, "a")
    budgets = budgets_for(policy, brief(), artifact=found.key, step="draft", day="2026-11-26", stage="pilot")
    who = payer(found.key, *((b.id, b.limit_nano_usd * (1 if b.id.startswith("stage/") else 1000)) for b in budgets))

    def hold(amount: int, request: bytes) -> None:
        with database.write() as tx:
            operation = ledger.open_operation(tx, who, request_sha256=sha256_hex(request))
            ledger.reserve(tx, who, hold_of(operation, amount))

    hold(USD, b"1")
    with pytest.raises(BudgetExceeded, match="stage/finance-briefings/2026-11-26"):
        hold(1, b"2")
    with database.read() as connection:
        assert {state.reserved_nano_usd for state in ledger.states(connection)} == {USD}
        assert ledger.left_nano_usd(connection, who.budgets) == 0


def test_what_a_day_has_spent_counts_after_a_change_of_stage(database: Database, policy: Policy) -> None:
    """Else a workload that is taken back would get a day's money twice."""
    moments: list[tuple[Stage, str]] = [("limited", "2026-11-26"), ("pilot", "2026-11-26"), ("pilot", "2026-11-27")]
    found = [budgets_for(policy, brief(), artifact="a", step="draft", day=day, stage=stage) for stage, day in moments]
    days = [budget for budgets in found for budget in budgets if budget.id.startswith("stage/")]
    assert [budget.id.rpartition("/")[2] for budget in days] == ["2026-11-26", "2026-11-26", "2026-11-27"]
    assert [budget.limit_nano_usd for budget in days] == [2 * USD, USD, USD]


def test_a_stage_without_a_limit_is_limited_by_budgets_alone(policy: Policy) -> None:
    found = budgets_for(policy, brief(), artifact="a", step="draft", day="2026-11-26", stage="broad")
    assert not [budget for budget in found if budget.id.startswith("stage/")]
