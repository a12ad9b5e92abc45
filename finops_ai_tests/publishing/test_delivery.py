"""A publication reaches its targets exactly once, whatever dies on the way, and overwrites nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from finops_ai.publishing import (
    LocalFolder,
    Receipt,
    Target,
    TargetConflict,
    deliver,
    has_open_intent,
    intend,
    open_targets,
    publication_key,
    receipts_of,
    take_permit,
    unknown_targets,
)
from finops_ai.settings import Settings
from finops_ai.signoff import Packet, keep_packet
from finops_ai.store import Database, ObjectStore, sha256_hex
from finops_ai_tests.records import at_once, brief, packet, registered

FILES = {"a.md": b"# A\n", "a.md.intoto.jsonl": b"{}\n"}


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def wanted(database: Database, objects: ObjectStore) -> Packet:
    """A packet with its permit and its intent at target `local`."""
    return permitted(database, objects, ["local"])


def permitted(database: Database, objects: ObjectStore, targets: Sequence[str], profile: str = "full") -> Packet:
    ready = packet(registered(database), targets=tuple(targets), profile=profile)
    with database.write() as tx:
        keep_packet(tx, objects, ready)
        take_permit(tx, ready, decision_ids=[1], run_id="run-1")
        intend(tx, packet_digest=ready.digest, artifact=ready.artifact, targets=targets, profile=profile)
    return ready


def send(
    database: Database, targets: Mapping[str, Target], ready: Packet, files: Mapping[str, bytes] = FILES
) -> list[Receipt]:
    return deliver(database, targets, packet_digest=ready.digest, artifact=ready.artifact, files=files, run_id="run-1")


def is_open(database: Database, ready: Packet) -> bool:
    with database.read() as connection:
        return has_open_intent(connection, ready.digest)


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_receipt_speaks_of_the_bytes_that_the_target_holds(
    database: Database, wanted: Packet, tmp_path: Path
) -> None:
    (receipt,) = send(database, {"local": LocalFolder(tmp_path / "out")}, wanted)
    assert receipt.target == "local"
    assert receipt.packet_digest == wanted.digest
    assert {file.name: (file.sha256, file.size_bytes) for file in receipt.files} == {
        name: (sha256_hex(data), len(data)) for name, data in FILES.items()
    }
    assert [Path(file.address).read_bytes() for file in receipt.files] == list(FILES.values())
    assert not is_open(database, wanted)


def test_delivering_again_adds_nothing(database: Database, wanted: Packet, tmp_path: Path) -> None:
    targets = {"local": LocalFolder(tmp_path / "out")}
    first = send(database, targets, wanted)
    with database.write() as tx:
        intend(tx, packet_digest=wanted.digest, artifact=wanted.artifact, targets=["local"], profile="full")
    assert send(database, targets, wanted, {"other.md": b"x"}) == first
    assert set(content(tmp_path / "out")) == {f"{wanted.artifact}/{name}" for name in FILES}


@pytest.mark.parametrize("after_files", [0, 1, 2])
def test_what_died_on_the_way_is_completed_by_the_next_try(
    database: Database, wanted: Packet, tmp_path: Path, after_files: int
) -> None:
    """Before the first file, between two, and between the last and its receipt."""

    class Dying(LocalFolder):
        left = after_files

        def get(self, address: str) -> bytes | None:
            type(self).left -= 1
            return super().get(address)

        def put(self, artifact: str, name: str, content: bytes) -> str:
            if type(self).left <= 0:
                raise Crash
            return super().put(artifact, name, content)

    class DyingLast(Dying):
        def get(self, address: str) -> bytes | None:
            if address.endswith("jsonl"):
                raise Crash
            return super().get(address)

    dying = DyingLast if after_files == 2 else Dying
    with pytest.raises(Crash):
        send(database, {"local": dying(tmp_path / "out")}, wanted)
    assert is_open(database, wanted)
    assert len(content(tmp_path / "out") if (tmp_path / "out").exists() else {}) == after_files
    with database.read() as connection:
        assert receipts_of(connection, wanted.artifact) == []
    (receipt,) = send(database, {"local": LocalFolder(tmp_path / "out")}, wanted)
    assert len(receipt.files) == 2
    assert not is_open(database, wanted)


def test_equal_bytes_are_adopted_and_left_untouched(tmp_path: Path) -> None:
    target = LocalFolder(tmp_path)
    address = Path(target.put("a", "a.md", b"x"))
    before = (address.stat().st_ino, address.stat().st_mtime_ns)
    assert target.put("a", "a.md", b"x") == str(address)
    assert (address.stat().st_ino, address.stat().st_mtime_ns) == before


def test_other_bytes_under_the_name_are_a_conflict_and_stay(database: Database, wanted: Packet, tmp_path: Path) -> None:
    """Somebody put them there; whether they are worth keeping is not ours to decide."""
    target = LocalFolder(tmp_path / "out")
    target.put(wanted.artifact, "a.md", b"somebody else's")
    with pytest.raises(TargetConflict, match="nothing was overwritten"):
        send(database, {"local": target}, wanted)
    assert content(tmp_path / "out") == {f"{wanted.artifact}/a.md": b"somebody else's"}
    assert is_open(database, wanted)


def test_a_target_that_does_not_hold_what_it_was_sent_gives_no_receipt(
    database: Database, wanted: Packet, tmp_path: Path
) -> None:
    class Forgetful(LocalFolder):
        def get(self, address: str) -> bytes | None:
            return None

    with pytest.raises(TargetConflict, match="does not hold what was sent"):
        send(database, {"local": Forgetful(tmp_path / "out")}, wanted)
    assert is_open(database, wanted)


@pytest.mark.parametrize(("profile", "reached"), [("fast", ["one"]), ("full", ["one", "two"])])
def test_fast_reaches_the_first_target_and_full_reaches_all(
    sqlite_database: Database, objects: ObjectStore, tmp_path: Path, profile: str, reached: list[str]
) -> None:
    ready = permitted(sqlite_database, objects, ["one", "two"], profile)
    targets = {name: LocalFolder(tmp_path / name) for name in ("one", "two")}
    assert sorted(receipt.target for receipt in send(sqlite_database, targets, ready)) == reached
    assert [name for name in targets if (tmp_path / name).exists()] == reached


def test_one_target_that_fails_does_not_undo_the_other(
    sqlite_database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    ready = permitted(sqlite_database, objects, ["one", "two"])
    (tmp_path / "two").write_text("a file where a folder should be")
    targets = {name: LocalFolder(tmp_path / name) for name in ("one", "two")}
    with pytest.raises(OSError, match="two"):
        send(sqlite_database, targets, ready)
    (tmp_path / "two").unlink()
    assert sorted(receipt.target for receipt in send(sqlite_database, targets, ready)) == ["one", "two"]


@pytest.mark.parametrize(
    ("artifact", "name"),
    [("..", "a.md"), ("a", "../../a.md"), ("a", "/etc/a.md"), ("/tmp", "a.md"), ("../out-2", "a.md"), ("a/../..", "b")],
)
def test_no_name_leaves_the_folder(tmp_path: Path, artifact: str, name: str) -> None:
    with pytest.raises(TargetConflict, match="would leave"):
        LocalFolder(tmp_path / "out").put(artifact, name, b"x")
    assert content(tmp_path) == {}


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetConflict, match="would leave"):
        LocalFolder(tmp_path / "out").put("a", "a.md", b"x")


def test_processes_that_put_the_same_file_at_once_leave_one(tmp_path: Path) -> None:
    def work(number: int) -> str:
        return LocalFolder(tmp_path).put("a", "a.md", b"x" * 100_000)

    assert len(set(at_once(work, 4))) == 1
    assert content(tmp_path) == {"a/a.md": b"x" * 100_000}


def test_a_publication_is_one_digest_at_one_target_in_one_profile() -> None:
    keys = {publication_key(d, t, p) for d in ("1", "2") for t in ("x", "y") for p in ("fast", "full")}
    assert len(keys) == 8


def test_a_target_that_nobody_configured_is_said_at_intake(tmp_path: Path) -> None:
    (problem,) = unknown_targets(brief(targets=["local", "intranet"]), file="b.yaml")
    assert (problem.file, problem.field) == ("b.yaml", "targets.1")
    assert "known: local" in problem.reason
    assert set(open_targets(Settings(home=tmp_path))) == {"local"}
