"""Commands whose part of the product is not there yet: they say so, and fail.

Belongs here: those names, so that a script that calls one stops instead of going on without it.
"""

from typing import Any

import click

from finops_ai.cli.shared import Refused, command

_ANY = {"ignore_unknown_options": True, "allow_extra_args": True}


def planned(name: str, promise: str) -> click.Command:
    """A command that refuses. Its options are not read: nobody has decided yet what they are."""

    @click.command(name, help=f"{promise}: not yet.", context_settings=_ANY)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @command
    def stub(arguments: Any, *, as_json: bool) -> None:  # noqa: ARG001 - taken, so that any call gets this answer
        raise Refused([{"field": name, "reason": f"not yet ({promise})"}])

    return stub
