"""An object is its bytes: stored once, read back checked, never seen half-written."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.settings import Settings
from finops_ai.store import (
    ObjectCorrupt,
    ObjectMissing,
    ObjectStore,
    canonical_json,
    create_file,
    open_objects,
    sha256_hex,
)
from finops_ai.store import objects as objects_module
from finops_ai_tests.records import at_once

CONTENT = b"The cached part was billed at one tenth."


def stored_files(objects: ObjectStore) -> list[Path]:
    return [path for path in Path(str(objects.root)).rglob("*") if path.is_file()]


@pytest.fixture(params=["folder", "memory"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A folder, and a place that only fsspec can open."""
    url = f"memory://{tmp_path.name}" if request.param == "memory" else None
    return open_objects(Settings(home=tmp_path, objects_url=url))


def test_an_object_is_found_under_the_digest_of_its_bytes(either_store: ObjectStore) -> None:
    digest = either_store.put(CONTENT)
    assert digest == sha256_hex(CONTENT)
    assert either_store.get(digest) == CONTENT
    assert either_store.put(b"") != digest


def test_the_same_bytes_are_stored_once(objects: ObjectStore) -> None:
    objects.put(CONTENT)
    before = [(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in stored_files(objects)]
    objects.put(CONTENT)
    assert [(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in stored_files(objects)] == before
    assert len(before) == 1


def test_processes_may_store_the_same_bytes_at_once(objects: ObjectStore) -> None:
    contents = [b"%d" % n * 10_000 for n in range(20)]
    digests = at_once(lambda _: [objects.put(content) for content in contents], 4)
    assert digests == [[sha256_hex(content) for content in contents]] * 4
    assert len(stored_files(objects)) == 20


def test_bytes_that_no_longer_match_their_name_are_refused(either_store: ObjectStore) -> None:
    digest = either_store.put(CONTENT)
    (either_store.root / digest[:2] / digest).write_bytes(CONTENT + b" ")
    with pytest.raises(ObjectCorrupt, match=digest):
        either_store.get(digest)


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_failed_write_leaves_neither_an_object_nor_a_rest(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(OSError, match="No space"):
            objects.put(CONTENT)
    assert stored_files(objects) == []
    with pytest.raises(ObjectMissing):
        objects.get(sha256_hex(CONTENT))


def test_a_writer_killed_before_the_end_leaves_no_object(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are there, aside; the name is not, until they are on the disk."""

    def work(_number: int) -> None:
        if os.fork() == 0:
            monkeypatch.setattr(os, "link", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            objects.put(CONTENT)
        os.wait()

    at_once(work, 1)
    digest = sha256_hex(CONTENT)
    assert all(path.suffix == ".tmp" for path in stored_files(objects))
    with pytest.raises(ObjectMissing):
        objects.get(digest)
    assert objects.put(CONTENT) == digest
    assert objects.get(digest) == CONTENT


@pytest.mark.parametrize(
    "name", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "../" + "a" * 61, "a" * 63 + "\n", "a" * 63 + "１", "/" * 64]
)
def test_a_name_that_is_no_digest_reaches_no_file(objects: ObjectStore, name: str) -> None:
    with pytest.raises(ObjectMissing, match="not a SHA-256"):
        objects.get(name)


def test_a_file_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a"
    assert create_file(file, b"first")
    assert not create_file(file, b"second")
    assert file.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_the_mode_of_a_file_is_set_before_its_name_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private key that is readable by others for a moment is readable by others."""
    modes: list[int] = []
    link = os.link

    def watched(aside: Path, path: Path) -> None:
        modes.append(aside.stat().st_mode & 0o777)
        link(aside, path)

    monkeypatch.setattr(os, "link", watched)
    create_file(tmp_path / "key", b"secret", mode=0o600)
    assert modes == [0o600]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(JSON)
def test_equal_records_have_equal_bytes_whatever_the_order_of_their_keys(value: Any) -> None:
    assert canonical_json(reordered(value)) == canonical_json(value)


def test_a_record_comes_back_as_it_was(objects: ObjectStore) -> None:
    record = {"ü": [1, None, True, "½"], "a": {"z": -1, "b": []}}
    assert objects.get_json(objects.put_json(record)) == record
    assert canonical_json(record) == '{"a":{"b":[],"z":-1},"ü":[1,null,true,"½"]}'.encode()


@pytest.mark.parametrize("value", [1.0, float("nan"), {"a": [{"b": 0.5}]}, [(0.1,)], {"a": float("inf")}])
def test_a_float_has_no_place_in_a_digest(value: object) -> None:
    """0.1 + 0.2 has as many text forms as there are printers."""
    with pytest.raises(TypeError, match="float"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: "a", "1": "b"}, {None: 1}, {0.5: 1}, [{True: 1}]])
def test_a_key_that_is_no_text_has_no_place_in_a_digest(value: object) -> None:
    """JSON writes 1 and "1" alike as keys: two records would share one digest."""
    with pytest.raises(TypeError, match="key"):
        canonical_json(value)


def test_the_store_is_the_folder_of_the_home_unless_told_otherwise(tmp_path: Path) -> None:
    assert Path(str(objects_module.open_objects(Settings(home=tmp_path)).root)) == tmp_path / "objects"
