"""Taking a brief in: one path for the command line and the inbox.

Belongs here: everything that must hold of a brief before it becomes an artifact. Does not: its rows (`briefs`), the limits
of a stage (`rollout`).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from finops_ai.briefs import Brief, BriefError, BriefFile, Problem, Registered, read_brief, register
from finops_ai.policy import Policy, impossible_budget
from finops_ai.publishing import unknown_targets
from finops_ai.rollout import admit_new
from finops_ai.store import Database


def accept_brief(path: Path, policy: Policy) -> BriefFile:
    """The brief in a file, ready to be registered. Raises BriefError with every problem found.

    What could never be paid or published is refused here, not after money was spent on it.
    """
    file = read_brief(path, roots=tuple(policy.files.roots), stores=tuple(policy.files.stores))
    problems = [
        *reserved_words(file.brief, file=str(path)),
        *impossible_budget(policy, file.brief, file=str(path)),
        *unknown_targets(file.brief, file=str(path)),
    ]
    if problems:
        raise BriefError(problems)
    return file


def take_in(
    database: Database, policy: Policy, files: Sequence[BriefFile], *, submitted_by: str, via: str
) -> list[Registered]:
    """Register accepted briefs: all or none. Raises BriefError, where a workload's stage allows no more today, too."""
    return register(database, files, submitted_by=submitted_by, via=via, admit=partial(admit_new, policy=policy))


def reserved_words(brief: Brief, *, file: str) -> list[Problem]:
    """Reviews and promotions are written from the records, by finops_ai itself: no brief can ask for one."""
    found = {"impact": brief.impact == "governance", "intent.form": brief.is_document}
    return [
        Problem(file, field, "is kept for what finops_ai writes of itself") for field, is_so in found.items() if is_so
    ]
