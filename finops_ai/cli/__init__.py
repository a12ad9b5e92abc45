"""The command line: the same work without the web UI.

Belongs here: the group of commands and what all of them share (`shared`). Does not: any decision; each command reads its
arguments, makes one call and prints. Commands import what they need when they run, so that `--help` is quick.
"""

import click

from finops_ai import __version__
from finops_ai.cli.baseline import baseline
from finops_ai.cli.evidence import evidence
from finops_ai.cli.exports import export
from finops_ai.cli.money import cost, ledger
from finops_ai.cli.proof import policy, verify
from finops_ai.cli.review import review
from finops_ai.cli.rollout import readiness
from finops_ai.cli.route import route
from finops_ai.cli.serve import desk, doctor, ui
from finops_ai.cli.signing import decide, reviewer
from finops_ai.cli.work import run, status, submit


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="finops-ai")
def main() -> None:
    """Governed, costed, signed AI-written artifacts.

    \b
    A first artifact:
      finops-ai submit examples/*.yaml
      finops-ai run
      finops-ai status

    Where records live and which policy holds is decided by FINOPS_AI_* variables; `finops-ai doctor` shows them.
    """


for command in (
    submit, run, status, evidence, reviewer, decide, verify, cost, export, ledger, route, policy, ui, desk, doctor, baseline,
    review, readiness,
):  # fmt: skip
    main.add_command(command)

__all__ = ["main"]
