"""Sources in a bucket: below the prefixes of the policy, and nowhere else. The bucket is served by a real S3 server here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from finops_ai.evidence import RetrievalRules, Source, Wanted
from finops_ai_tests.evidence.inputs import DictMemory, retriever, rules_for

PREFIX = "s3://reports/public"
TEXT = b"The bucket holds a text that is short and plain."


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 server with two buckets; credentials and address come from the environment, as in a deployment."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    store = s3fs.S3FileSystem()
    for name in ("reports", "reports-secret"):
        store.mkdir(name)
    for path in (
        "reports/public/a.md",
        "reports/public/sub/b.md",
        "reports/private/c.md",
        "reports-secret/public/d.md",
    ):
        store.pipe_file(path, TEXT)
    store.pipe_file("reports/public/large.txt", b"x " * 3000)
    yield names["AWS_ENDPOINT_URL"]
    server.stop()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def rules(tmp_path: Path, bucket: str) -> RetrievalRules:
    return rules_for(tmp_path, stores=(PREFIX,), bytes_max=5000, timeout_s=20.0)


def one(uri: str, rules: RetrievalRules) -> Source:
    (found,) = retriever(rules, DictMemory()).all([Wanted(uri=uri, grade="primary")])
    return found


def test_an_object_below_an_allowed_prefix_is_a_source(rules: RetrievalRules) -> None:
    source = one("s3://reports/public/a.md", rules)
    assert source.error == ""
    assert (source.host, source.media_type, source.size_bytes) == ("reports", "text/markdown", len(TEXT))


def test_a_pattern_names_objects(rules: RetrievalRules) -> None:
    found = retriever(rules, DictMemory()).all([Wanted(uri="s3://reports/public/**/*.md", grade="primary")])
    assert [source.uri for source in found] == ["s3://reports/public/a.md", "s3://reports/public/sub/b.md"]
    assert all(source.ok for source in found)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://reports/private/c.md", "only below the prefixes"),
        ("s3://reports-secret/public/d.md", "only below the prefixes"),
        ("s3://reports/public/../private/c.md", "holds '..'"),
        ("s3://reports/*/c.md", "only below the prefixes"),
        ("s3://reports/public*/../private/c.md", "holds '..'"),
        ("zip://a.md::s3://reports/public/a.zip", "chains file systems"),
        ("memory://reports/public/a.md", "only below the prefixes"),
        ("local:///etc/passwd", "only below the prefixes"),
        ("s3://reports/public/missing.md", "does not exist"),
        ("s3://reports/public/large.txt", "larger than 5,000 bytes"),
        ("s3://reports/public/a.md?versionId=1", "only below the prefixes"),
        ("s3://reports/public/*.pdf", "no file matches"),
    ],
)
def test_anything_else_is_refused_with_its_reason(uri: str, reason: str, rules: RetrievalRules) -> None:
    source = one(uri, rules)
    assert not source.ok
    assert reason in source.error or ("?" in uri and source.error)


def test_without_a_prefix_in_the_policy_no_store_is_read(tmp_path: Path, bucket: str) -> None:
    assert "files.stores" in one("s3://reports/public/a.md", rules_for(tmp_path)).error
