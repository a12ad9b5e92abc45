"""`verify`, `policy`: what can be proved of a published file and of a policy.

Belongs here: these commands. Does not: the checks (`provenance`, `policy`).
"""

import dataclasses
import sys
from pathlib import Path

import click

from finops_ai.cli.policy_diff import diff
from finops_ai.cli.shared import FAILED, Refused, command, open_records, print_json, print_table
from finops_ai.settings import load_settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@command
def verify(file: Path, *, as_json: bool) -> None:
    """Check a published file: its bytes, signatures, gates, approvals, and every cited fact back to its source.

    Exit 0 when all checks pass, 1 when one fails.

    \b
    Example:
      finops-ai verify .finops_ai/published/KEY/KEY-1a2b3c4d5e6f.md
    """
    from finops_ai.provenance import verify_file

    records = open_records()
    try:
        checks = verify_file(file, objects=records.objects, keys=records.settings.home / "keys")
    except OSError as error:
        raise Refused([{"file": str(error.filename or file), "reason": error.strerror or str(error)}]) from None
    passed = all(check.passed for check in checks)
    if as_json:
        print_json({"file": str(file), "passed": passed, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        print_table(("", "check", "found"), [("✔" if c.passed else "✘", c.name, c.found) for c in checks])
        click.echo("verified" if passed else "NOT VERIFIED")
    if not passed:
        sys.exit(FAILED)


@click.group()
def policy() -> None:
    """Validate and compare policies."""


@policy.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@command
def check_policy(file: Path | None, *, as_json: bool) -> None:
    """Validate a policy file, or the policy in force; prints its SHA-256.

    \b
    Example:
      finops-ai policy check my-policy.yaml
    """
    from finops_ai.policy import PolicyError, load_policy

    try:
        found = load_policy(file or load_settings().policy_path)
    except PolicyError as error:
        raise Refused([{"reason": line} for line in str(error).splitlines()]) from None
    if as_json:
        print_json({"sha256": found.sha256, "policy": found.model_dump(mode="json")})
    else:
        click.echo(f"valid; SHA-256 {found.sha256}")
        if found.rates.not_booked:
            click.echo(f"no rate for {', '.join(found.rates.not_booked)}: such costs are in no figure")


policy.add_command(diff)
