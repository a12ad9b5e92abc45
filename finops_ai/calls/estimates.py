"""How large a call may become: the estimate that everybody plans with.

Belongs here: upper estimates without a tokenizer. Does not: what a provider counted (`metering`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from finops_ai.calls.structured import told_in_words

MESSAGE_FRAME_TOKENS = 8  # role and separators


def estimated_tokens(text: str) -> int:
    """An upper estimate without a tokenizer: one token for every three bytes of UTF-8."""
    size_bytes = len(text.encode(errors="surrogatepass"))  # half a character in an answer must not stop its booking
    return -(-size_bytes // 3)


def estimated_input_tokens(
    messages: Sequence[Mapping[str, str]], response_schema: Mapping[str, Any] | None = None
) -> int:
    """What a call takes in at most. The schema counts in its longest form: who plans a call knows no tier."""
    sent = told_in_words(messages, response_schema) if response_schema is not None else messages
    return sum(estimated_tokens(message["content"]) + MESSAGE_FRAME_TOKENS for message in sent)
