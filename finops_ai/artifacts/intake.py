"""Taking a brief in: one path for the command line and the inbox.

Belongs here: everything that must hold of a brief before it becomes an artifact. Does not: registering it (`briefs`).
"""

from pathlib import Path

from finops_ai.briefs import BriefError, BriefFile, read_brief
from finops_ai.policy import Policy, impossible_budget
from finops_ai.publishing import unknown_targets


def accept_brief(path: Path, policy: Policy) -> BriefFile:
    """The brief in a file, ready to be registered. Raises BriefError with every problem found.

    What could never be paid or published is refused here, not after money was spent on it.
    """
    file = read_brief(path, roots=tuple(policy.files.roots), stores=tuple(policy.files.stores))
    problems = impossible_budget(policy, file.brief, file=str(path)) + unknown_targets(file.brief, file=str(path))
    if problems:
        raise BriefError(problems)
    return file
