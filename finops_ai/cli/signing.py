"""`reviewer`, `decide`: who may sign, and signing.

Belongs here: these commands. Does not: any check of a decision (`signoff`).
"""

import dataclasses
import os
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import click

from finops_ai.cli.shared import Records, Refused, command, known_artifact, open_records, print_json, print_table
from finops_ai.settings import Settings

if TYPE_CHECKING:
    from finops_ai.signoff import Reviewer, Standing

VERDICTS = {"approve": "approve", "request-changes": "request_changes", "reject": "reject"}
TOKEN_VARIABLE = "FINOPS_AI_REVIEWER_TOKEN"  # noqa: S105 - the name of a variable


@click.group()
def reviewer() -> None:
    """Add, list and revoke reviewers."""


@reviewer.command()
@click.argument("name")
@click.option("--role", required=True, help="A role that the policy's quorums name, such as legal or business.")
@command
def add(name: str, role: str, *, as_json: bool) -> None:
    """Add a reviewer; prints a token, once.

    \b
    Example:
      finops-ai reviewer add "Ana Souza" --role legal
    """
    from finops_ai.signoff import ReviewerError, grant

    records = open_records()
    try:
        token = grant(records.database, name=name, role=role, by=records.settings.user)
    except ReviewerError as error:
        raise Refused([{"field": "NAME", "reason": str(error)}]) from None
    if as_json:
        print_json({"name": name, "role": role, "token": token})
    else:
        click.echo(f"{name} may now decide as {role}. The token is shown only here:\n\n  {TOKEN_VARIABLE}={token}\n")
    roles = {r for rule in records.policy.approvals.values() for r in rule.quorum}
    if role not in roles:
        click.echo(
            f"note: no quorum of the policy asks for role {role} (it asks for {', '.join(sorted(roles))})", err=True
        )


@reviewer.command("list")
@command
def list_(*, as_json: bool) -> None:
    """Every grant, the revoked ones too.

    \b
    Example:
      finops-ai reviewer list
    """
    from finops_ai.signoff import reviewers

    with open_records().database.read() as connection:
        found = reviewers(connection)
    rows = [{"name": r.name, "role": r.role, "granted_at": r.granted_at, "revoked_at": r.revoked_at} for r in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(tuple(rows[0]), [[value or "" for value in row.values()] for row in rows])
    else:
        click.echo("no reviewer yet; `finops-ai reviewer add NAME --role ROLE` adds one")


@reviewer.command()
@click.argument("name")
@command
def revoke(name: str, *, as_json: bool) -> None:
    """Withdraw a reviewer's token; their approvals of what is not yet published no longer count.

    \b
    Example:
      finops-ai reviewer revoke "Ana Souza"
    """
    from finops_ai import signoff

    records = open_records()
    try:
        signoff.revoke(records.database, name=name, by=records.settings.user)
    except signoff.ReviewerError as error:
        raise Refused([{"field": "NAME", "reason": str(error)}]) from None
    if as_json:
        print_json({"name": name, "revoked": True})
    else:
        click.echo(f"{name} is no longer a reviewer")


@click.command()
@click.argument("artifact")
@click.argument("verdict", type=click.Choice(list(VERDICTS)))
@click.option("--digest", required=True, help="The packet's digest, as `status` and the web UI show it.")
@click.option("--reason", required=True, help="Why. It is part of the record; name facts to leave out (`drop F3`).")
@click.option(
    "--minutes", type=click.IntRange(0, 10_000), default=0, help="Time spent reviewing; booked at the policy's rate."
)
@click.option("--higher-tier", is_flag=True, help="With request-changes: ask for a better model in the next loop.")
@click.option("--launchpad", is_flag=True, help="Decide nothing: print the config for the job record_sign_off.")
@command
def decide(
    artifact: str,
    verdict: str,
    digest: str,
    reason: str,
    minutes: int,
    *,
    higher_tier: bool,
    launchpad: bool,
    as_json: bool,
) -> None:
    """Sign a decision on an artifact's packet, with the token in FINOPS_AI_REVIEWER_TOKEN.

    \b
    Example:
      FINOPS_AI_REVIEWER_TOKEN=fai_… finops-ai decide KEY approve --digest 4f2a… --reason "checked against the contract"
    """
    from finops_ai import signoff

    records = open_records()
    token = os.environ.get(TOKEN_VARIABLE, "")
    chosen: signoff.Verdict = VERDICTS[verdict]  # type: ignore[assignment]  # its values are the verdicts
    person = _identified(records, token)
    if launchpad:
        config = _launchpad_config(person.name, token, chosen, digest=digest, reason=reason, higher_tier=higher_tier)
        page = _launchpad_url(records.settings, artifact, config)
        click.echo(f"{config}\n# or open this page and press Launch Run:\n# {page}")
        return
    try:
        with known_artifact():
            decision = signoff.record_decision(
                records.database,
                records.policy,
                artifact=artifact,
                packet_digest=digest,
                reviewer=person,
                verdict=chosen,
                reason=reason,
                identified_by="token",
                review_seconds=minutes * 60,
                higher_tier=higher_tier,
            )
    except signoff.DecisionRefused as error:
        raise Refused([{"field": "decision", "reason": str(error)}]) from None
    with records.database.read() as connection:
        standing = signoff.standing_of(connection, records.policy, artifact=artifact, packet_digest=digest)
    if as_json:
        print_json(dataclasses.asdict(decision) | {"approved": standing.approved, "missing": dict(standing.missing)})
        return
    click.echo(f"recorded: {chosen} by {person.name} ({person.role})")
    click.echo(_what_next(standing))


def _identified(records: Records, token: str) -> "Reviewer":
    from finops_ai.signoff import ReviewerError, by_token

    if not token:
        raise Refused([{"field": TOKEN_VARIABLE, "reason": "not set; `finops-ai reviewer add` prints a token"}])
    try:
        with records.database.read() as connection:
            return by_token(connection, token)
    except ReviewerError as error:
        raise Refused([{"field": TOKEN_VARIABLE, "reason": str(error)}]) from None


def _what_next(standing: "Standing") -> str:
    if standing.rejected:
        return "rejected: this is final for the artifact"
    if standing.changes_requested:
        return "changes requested: `finops-ai run` starts the next loop (so does the daemon)"
    if standing.approved:
        return "approved: `finops-ai run` publishes it (so does the daemon)"
    return "still missing: " + ", ".join(f"{role} ({count})" for role, count in standing.missing.items())


def _launchpad_config(
    name: str, token: str, verdict: str, *, digest: str, reason: str, higher_tier: bool = False
) -> str:
    import yaml

    from finops_ai.signoff import launchpad_signature

    config: dict[str, str | bool] = {
        "decision": verdict.upper(),
        "reviewer": name,
        "reason": reason,
        "packet_digest": digest,
        "signature": launchpad_signature(token, digest=digest, verdict=verdict),
    }
    if higher_tier:
        config["higher_tier"] = True
    return yaml.safe_dump({"ops": {"sign_off_decision": {"config": config}}}, sort_keys=False, width=200)


def _launchpad_url(settings: Settings, artifact: str, config: str) -> str:
    """The Launchpad with partition and config filled in."""
    filled = {"config": config, "tags[0][key]": "dagster/partition", "tags[0][value]": artifact}
    page = f"{settings.ui_url}/locations/finops_ai/jobs/record_sign_off/playground/setup"
    return f"{page}?{urlencode(filled, quote_via=quote)}"
