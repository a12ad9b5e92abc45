"""The signed record beside every published file, and its verification.

Belongs here: statements, signatures, checks. Does not: publishing (`publishing`), approving (`signoff`).
"""

from finops_ai.provenance.dsse import SignatureInvalid, SigningKey, is_private, load_public_keys, open_signing_key
from finops_ai.provenance.statements import FIGURES, Record, statements
from finops_ai.provenance.verification import Check, envelope_file, verify_file

__all__ = [
    "FIGURES",
    "Check",
    "Record",
    "SignatureInvalid",
    "SigningKey",
    "envelope_file",
    "is_private",
    "load_public_keys",
    "open_signing_key",
    "statements",
    "verify_file",
]
