"""Intake: briefs with their business intent.

Belongs here: the record, reading it, registering it. Does not: fetching its sources (`evidence`), its limits (`policy`).
"""

from finops_ai.briefs.model import Brief, Form, Grade, Impact, Intent, Name, Profile, SourceRef, Usd, Value
from finops_ai.briefs.reading import BriefError, BriefFile, Problem, locate, parse_brief, read_brief
from finops_ai.briefs.register import (
    Registered,
    UnknownArtifact,
    artifact_keys,
    brief_of,
    folder_of,
    is_result,
    register,
    registered_at,
    submitters_of,
)

__all__ = [
    "Brief",
    "BriefError",
    "BriefFile",
    "Form",
    "Grade",
    "Impact",
    "Intent",
    "Name",
    "Problem",
    "Profile",
    "Registered",
    "SourceRef",
    "UnknownArtifact",
    "Usd",
    "Value",
    "artifact_keys",
    "brief_of",
    "folder_of",
    "is_result",
    "locate",
    "parse_brief",
    "read_brief",
    "register",
    "registered_at",
    "submitters_of",
]
