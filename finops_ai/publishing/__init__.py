"""Publishing: the files, the right to publish them, and their way to a target, exactly once.

Belongs here: rendering, permits, the outbox, targets. Does not: approval (`signoff`), signed records (`provenance`).
"""

from finops_ai.policy import REQUIRED_GATES
from finops_ai.publishing.outbox import (
    PublishedFile,
    Receipt,
    deliver,
    has_open_intent,
    intend,
    publication_key,
    receipts_of,
)
from finops_ai.publishing.permit import (
    GateRecord,
    Permit,
    PublishingRefused,
    newest_gates,
    objections,
    take_permit,
)
from finops_ai.publishing.rendering import cited_labels, file_name, render_html, render_markdown
from finops_ai.publishing.targets import (
    KNOWN_TARGETS,
    LocalFolder,
    Target,
    TargetConflict,
    open_targets,
    unknown_targets,
)

__all__ = [
    "KNOWN_TARGETS",
    "REQUIRED_GATES",
    "GateRecord",
    "LocalFolder",
    "Permit",
    "PublishedFile",
    "PublishingRefused",
    "Receipt",
    "Target",
    "TargetConflict",
    "cited_labels",
    "deliver",
    "file_name",
    "has_open_intent",
    "intend",
    "newest_gates",
    "objections",
    "open_targets",
    "publication_key",
    "receipts_of",
    "render_html",
    "render_markdown",
    "take_permit",
    "unknown_targets",
]
