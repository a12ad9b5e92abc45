"""A signed envelope can be checked without any code of ours, and not one byte of it can be changed unseen."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from finops_ai.provenance import SignatureInvalid, SigningKey, is_private, load_public_keys, open_signing_key
from finops_ai.provenance.dsse import opened, pre_authentication_encoding
from finops_ai.store import canonical_json
from finops_ai_tests.records import at_once

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a.md"}], "ok": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def key(folder: Path) -> SigningKey:
    return open_signing_key(folder)


def test_what_was_signed_can_be_opened(folder: Path, key: SigningKey) -> None:
    line = key.sign(STATEMENT)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert opened(line, load_public_keys(folder)) == STATEMENT
    assert key.sign(STATEMENT) == line, "publishing again must find its own bytes"


def test_no_byte_of_an_envelope_can_be_changed_unseen(folder: Path, key: SigningKey) -> None:
    """Every bit, in turn. Base64 has spare bits at its end: even those must be as they were signed."""
    line = key.sign(STATEMENT).rstrip(b"\n")
    keys = load_public_keys(folder)
    for position in range(len(line)):
        for bit in range(8):
            changed = bytearray(line)
            changed[position] ^= 1 << bit
            with pytest.raises(SignatureInvalid):
                opened(bytes(changed), keys)


NO_SIGNATURES: list[object] = [[], None, [None], [{}], [{"keyid": []}], [{"keyid": "x", "sig": 1}]]
NO_ENVELOPES = [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"payload": 1, "payloadType": "x"}'] + [
    json.dumps({"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": none}).encode()
    for none in NO_SIGNATURES
]


@pytest.mark.parametrize("line", NO_ENVELOPES, ids=range(len(NO_ENVELOPES)))
def test_what_is_no_envelope_is_refused(folder: Path, key: SigningKey, line: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        opened(line, load_public_keys(folder))


def test_a_signature_of_another_key_is_refused(folder: Path, key: SigningKey, tmp_path: Path) -> None:
    stranger = open_signing_key(tmp_path / "stranger").sign(STATEMENT)
    with pytest.raises(SignatureInvalid, match="none of the keys"):
        opened(stranger, load_public_keys(folder))
    claimed = json.loads(stranger)
    claimed["signatures"][0]["keyid"] = key.key_id
    with pytest.raises(SignatureInvalid, match="changed after"):
        opened(canonical_json(claimed), load_public_keys(folder))


def test_an_older_key_goes_on_verifying_beside_the_new_one(folder: Path, key: SigningKey) -> None:
    line = key.sign(STATEMENT)
    (folder / "finops_ai.pub").rename(folder / "finops_ai-2025.pub")
    (folder / "finops_ai.key").unlink()
    assert open_signing_key(folder).key_id != key.key_id
    assert opened(line, load_public_keys(folder)) == STATEMENT


def test_the_key_is_made_once_and_readable_by_its_owner_only(folder: Path) -> None:
    ids = at_once(lambda _: open_signing_key(folder).key_id, 4)
    assert len(set(ids)) == 1
    assert is_private(folder / "finops_ai.key")
    assert set(load_public_keys(folder)) == set(ids)
    (folder / "finops_ai.key").chmod(0o640)
    assert not is_private(folder / "finops_ai.key")


def test_plain_openssl_accepts_the_signature(folder: Path, key: SigningKey, tmp_path: Path) -> None:
    """An auditor needs our public key, a standard tool, and nothing else of us."""
    if shutil.which("openssl") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no openssl here")
    envelope = json.loads(key.sign(STATEMENT))
    signed = pre_authentication_encoding(base64.b64decode(envelope["payload"]))
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(folder / "finops_ai.pub"), "-rawin"]
    command += ["-in", str(tmp_path / "signed"), "-sigfile", str(tmp_path / "sig")]
    for content, accepted in ((signed, True), (signed + b" ", False)):
        (tmp_path / "signed").write_bytes(content)
        assert (subprocess.run(command, check=False, capture_output=True).returncode == 0) is accepted


def test_type_and_length_are_signed_with_the_payload() -> None:
    assert pre_authentication_encoding(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
