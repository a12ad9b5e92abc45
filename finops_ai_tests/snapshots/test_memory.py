"""What was retrieved before is remembered on both databases, and forgotten without harm."""

from dataclasses import replace

from finops_ai.evidence import Extraction, Retrieval
from finops_ai.snapshots import SnapshotMemory
from finops_ai.store import Database, ObjectStore

PAGE = Retrieval(url="https://a.org/x", host="a.org", name="/x", etag='"1"', redirected=True, snapshot_sha256="a" * 64)
TEXT = Extraction(text="Words.", title="T", warnings=("w",), page_starts=(0, 5), links=("https://a.org/y",))


def remembered(database: Database, objects: ObjectStore) -> SnapshotMemory:
    return SnapshotMemory(database=database, objects=objects)


def test_the_newest_retrieval_of_an_address_is_given_back(database: Database, objects: ObjectStore) -> None:
    for etag in ('"1"', '"2"'):
        memory = remembered(database, objects)
        memory.keep_retrieval("https://a.org/", replace(PAGE, etag=etag))
        memory.save()
    found = remembered(database, objects).last_retrieval("https://a.org/")
    assert found == replace(PAGE, etag='"2"')
    assert remembered(database, objects).last_retrieval("https://b.org/") is None


def test_nothing_is_remembered_before_it_is_saved(database: Database, objects: ObjectStore) -> None:
    remembered(database, objects).keep_retrieval("https://a.org/", PAGE)
    assert remembered(database, objects).last_retrieval("https://a.org/") is None


def test_an_extraction_comes_back_whole_and_only_for_its_bytes_and_type(
    database: Database, objects: ObjectStore
) -> None:
    memory = remembered(database, objects)
    memory.keep_extraction("a" * 64, "text/html", TEXT)
    memory.keep_extraction("a" * 64, "text/html", TEXT)  # two sources with the same bytes
    memory.save()
    memory.save()
    again = remembered(database, objects)
    assert again.extraction("a" * 64, "text/html") == TEXT
    assert again.extraction("b" * 64, "text/html") is None
    assert again.extraction("a" * 64, "text/plain") is None


def test_a_record_whose_object_is_gone_is_no_record(database: Database, objects: ObjectStore) -> None:
    memory = remembered(database, objects)
    memory.keep_extraction("a" * 64, "text/html", TEXT)
    memory.save()
    for file in objects.root.rglob("*"):
        if file.is_file():
            file.unlink()
    assert remembered(database, objects).extraction("a" * 64, "text/html") is None
    assert not remembered(database, objects).holds("a" * 64)
