"""Why a call did not answer, and how large one may become.

Belongs here: the errors of the package and the estimate that everybody plans with. Does not: making a call (`paid`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

MESSAGE_FRAME_TOKENS = 8  # role and separators


class CallError(Exception):
    """Parent of what stops a call. `permanent`: trying again cannot help, something must change first."""

    permanent = False


class NotPriced(CallError):
    """No price is known for the model: a call whose cost cannot be held must not be made."""

    permanent = True


class CallRefused(CallError):
    """The provider refused the request itself (a 4xx other than a rate limit), or it was never fit to be sent."""

    permanent = True


class CallFailed(CallError):
    """Every attempt ended in a time-out, a rate limit, a broken connection or an error of the provider."""


def estimated_tokens(text: str) -> int:
    """An upper estimate without a tokenizer: one token for every three bytes of UTF-8."""
    size_bytes = len(text.encode(errors="surrogatepass"))  # half a character in an answer must not stop its booking
    return -(-size_bytes // 3)


def estimated_input_tokens(
    messages: Sequence[Mapping[str, str]], response_schema: Mapping[str, Any] | None = None
) -> int:
    """What a call takes in at most. The schema counts whatever a tier sends of it: who plans a call knows no tier."""
    tokens = sum(estimated_tokens(message["content"]) + MESSAGE_FRAME_TOKENS for message in messages)
    return tokens + (estimated_tokens(json.dumps(response_schema)) if response_schema is not None else 0)
