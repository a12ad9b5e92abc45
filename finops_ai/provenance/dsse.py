"""Signed envelopes: DSSE with ed25519, so that plain openssl can check them without any code of ours.

Belongs here: the key, signing, checking a signature. Does not: what is stated (`statements`).
Sources of the formats: DSSE protocol v1 (pre-authentication encoding), securesystemslib's key id.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_ai.store import canonical_json, create_file, sha256_hex

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class SignatureInvalid(Exception):
    """An envelope that none of the known keys has signed, or that was changed afterwards."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """This deployment's key. `keys/finops_ai.pub` is handed to whoever wants to verify."""

    private: "Ed25519PrivateKey"

    @property
    def key_id(self) -> str:
        """As securesystemslib computes it."""
        return key_id(self.private.public_key())

    def sign(self, statement: dict[str, Any]) -> bytes:
        """One envelope as one line of JSON. The same statement always gives the same bytes."""
        payload = canonical_json(statement)
        signature = self.private.sign(pre_authentication_encoding(payload))
        envelope = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.key_id, "sig": base64.b64encode(signature).decode()}],
        }
        return canonical_json(envelope) + b"\n"


def open_signing_key(folder: Path) -> SigningKey:
    """The key of this deployment, made on first use: private part readable by its owner only."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private_file = folder / "finops_ai.key"
    if not private_file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        create_file(
            private_file, pem, mode=0o600
        )  # another process may have been first: whatever is there now is the key
    loaded = serialization.load_pem_private_key(private_file.read_bytes(), password=None)
    assert isinstance(loaded, Ed25519PrivateKey)
    public = loaded.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if not (folder / "finops_ai.pub").exists():
        create_file(folder / "finops_ai.pub", public)
    return SigningKey(loaded)


def load_public_keys(folder: Path) -> dict[str, "Ed25519PublicKey"]:
    """Every `*.pub` of a folder by key id: old keys are kept beside the new one when a key is rotated."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    found = {}
    for file in sorted(folder.glob("*.pub")):
        public = serialization.load_pem_public_key(file.read_bytes())
        if isinstance(public, Ed25519PublicKey):
            found[key_id(public)] = public
    return found


def opened(line: bytes, keys: "dict[str, Ed25519PublicKey]") -> dict[str, Any]:
    """The statement inside one signed line. Raises SignatureInvalid."""
    from cryptography.exceptions import InvalidSignature

    try:
        envelope = json.loads(line)
        payload = _decoded(envelope["payload"])
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise SignatureInvalid(f"payload type {envelope['payloadType']}")
        for signature in envelope["signatures"]:
            if key := keys.get(signature["keyid"]):
                key.verify(_decoded(signature["sig"]), pre_authentication_encoding(payload))
                return dict(json.loads(payload))
    except InvalidSignature:
        raise SignatureInvalid("the envelope was changed after it was signed") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SignatureInvalid(f"not a DSSE envelope: {error}") from None
    raise SignatureInvalid("signed by none of the keys in the keys folder")


def _decoded(text: str) -> bytes:
    """Base64 has several texts for the same bytes; only the one that is written is taken, so that a change shows."""
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text:
        raise ValueError("base64 with other bits at its end than were written")
    return content


def pre_authentication_encoding(payload: bytes) -> bytes:
    """What is signed: type and length before the payload, so that nothing can be moved between them."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def key_id(public: "Ed25519PublicKey") -> str:
    """SHA-256 over securesystemslib's canonical form of the key."""
    raw = public.public_bytes_raw().hex()
    return sha256_hex(canonical_json({"keytype": "ed25519", "keyval": {"public": raw}, "scheme": "ed25519"}))


def is_private(path: Path) -> bool:
    """Nobody but the owner may read it."""
    return not path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid()
