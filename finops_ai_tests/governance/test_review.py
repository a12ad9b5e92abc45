"""The document: every figure from its rows, equal bytes for equal records, nothing that a page may not do."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from finops_ai import ledger
from finops_ai.governance import (
    ROWS_SHOWN_MAX,
    Baseline,
    Forecast,
    Given,
    Ratio,
    Review,
    checks,
    figure_checks,
    figures,
    read_values,
    record_checks,
    render_html,
    render_markdown,
    review_of,
    shown,
)
from finops_ai.governance.needs import needs_of
from finops_ai.governance.wording import change, duration, percent, usd
from finops_ai.store import Database, ObjectStore, canonical_json, sha256_hex, simulated, tables, utc_now
from finops_ai_tests.governance.ground import Ground

DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 28, tzinfo=UTC)


def review(ground: Ground, month: str = "2026-11", given: Given | None = None, *, now: datetime = DECEMBER) -> Review:
    with simulated(now):
        return review_of(read_values(ground.database, ground.objects, ground.policy, month=month), given)


class Page(HTMLParser):
    """What a browser would be asked to load, follow and find."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
            if name.startswith("on") or name == "src":
                self.outside.append(f"{name}={value}")


@pytest.mark.parametrize("month", ["2026-09", "2026-10", "2026-11"])
def test_every_check_of_a_sound_month_holds(ground: Ground, month: str) -> None:
    found = review(ground, month)
    wrong = [row for row in checks(found) if row["state"] != "ready"]
    assert not wrong
    assert {row["item"] for row in figure_checks(found)} >= set(found.figures)
    assert len(record_checks(found)) == 8


def test_whoever_has_the_record_alone_can_compute_every_figure(ground: Ground) -> None:
    """An auditor's program: nothing but the JSON, and none of our code."""
    record = json.loads(canonical_json(figures(review(ground))))

    def term(one: dict[str, Any]) -> Any:
        table = record["tables"][one["table"]]
        names = [column["name"] for column in table["columns"]]
        rows = [dict(zip(names, row, strict=True)) for row in table["rows"]]
        if one["where"]:
            rows = [row for row in rows if row[one["where"][0]] == one["where"][1]]
        if one["how"] == "count":
            return len(rows)
        cells = sorted(row[one["column"]] for row in rows if row[one["column"]] != "")
        if one["how"] == "sum":
            return sum(cells)
        share = {"p50": 50, "p90": 90, "max": 100}[str(one["how"])]
        return next((c for c in cells if 100 * sum(d <= c for d in cells) >= share * len(cells)), None)

    for figure in record["figures"]:
        of = [term(one) for one in figure["of"]]
        found: object = of[0] if len(of) == 1 else sum(part or 0 for part in of)
        if figure["per"]:
            found = {"numerator": found, "denominator": sum(term(one) or 0 for one in figure["per"])}
        assert found == figure["value"], figure["id"]
    for table in record["tables"].values():
        text = json.dumps(table["rows"], separators=(",", ":"), ensure_ascii=False)
        assert sha256_hex(text.encode()) == table["sha256"]
    assert len(record["figures"]) > 40


def test_a_figure_that_its_rows_do_not_bear_out_is_found(ground: Ground) -> None:
    found = review(ground)
    work = found.tables["work"]
    short = replace(work, rows=work.rows[1:])
    broken = replace(found, tables={**found.tables, "work": short})
    wrong = {row["item"] for row in figure_checks(broken) if row["state"] != "ready"}
    assert {"spend", "unit-cost", "rework-share"} <= wrong
    assert "published" not in wrong
    spend = next(row["state"] for row in figure_checks(broken) if row["item"] == "spend")
    assert spend.startswith("its rows say ")


def test_a_breakdown_that_lost_a_part_is_found(ground: Ground) -> None:
    found = review(ground)
    broken = replace(found, parts={**found.parts, "workload": found.parts["workload"][1:]})
    assert [row["item"] for row in figure_checks(broken) if row["state"] != "ready"] == [
        "the parts by workload make the whole"
    ]


def test_equal_records_make_equal_bytes_whenever_they_are_read(ground: Ground) -> None:
    one, later = review(ground, "2026-10"), review(ground, "2026-10", now=datetime(2027, 5, 1, tzinfo=UTC))
    assert render_html(one) == render_html(later)
    assert render_markdown(one) == render_markdown(later)
    assert canonical_json(figures(one)) == canonical_json(figures(later))


def test_one_artifact_reads_as_it_happened_on_both_databases(database: Database, objects: ObjectStore) -> None:
    made = Ground(database, objects, at=datetime(2026, 11, 3, tzinfo=UTC))
    artifact = made.submit(impact="medium")
    made.assess(artifact)
    made.judge(artifact, "policy")
    made.call(artifact, (1_000, 400, 90))
    made.draft(artifact)
    made.put_up(artifact)
    made.wait(hours=2)
    made.decide(artifact, "Bob", seconds=61)
    made.publish(artifact)
    shown_figures = {name: figure.shown for name, figure in review(made).figures.items()}
    # 600 plain, 400 cached input, 90 output tokens; 61 s at 90 USD an hour
    nano = 600 * 250 + 400 * 25 + 90 * 2_000 + 61 * 25_000_000
    assert shown_figures["unit-cost"] == f"{nano / 10**9:.2f} USD" == "1.53 USD"
    assert (shown_figures["cycle-p50"], shown_figures["first-pass-yield"]) == ("2 h", "100.0 %")
    assert shown_figures["cached-input"] == "40.0 %"


def test_the_page_is_whole_and_asks_for_nothing(ground: Ground) -> None:
    text = render_html(review(ground))
    page = Page(text)
    assert "default-src 'none'" in text
    assert not page.tags & {"script", "link", "img", "iframe", "form", "object"}
    assert not page.outside
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids), "every link leads somewhere"
    assert len(page.ids) == len(set(page.ids))
    assert {f"f-{name}" for name in review(ground).figures} <= set(page.ids)


def test_words_of_strangers_are_text_and_nothing_else(sqlite_database: Database, objects: ObjectStore) -> None:
    made = Ground(sqlite_database, objects, at=datetime(2026, 11, 3, tzinfo=UTC))
    hostile = "<script>alert(1)</script> [x](javascript:1) | <b>"
    made.submit(workload="w")
    with made.writing() as tx:
        row = {"workload": hostile, "from_stage": "pilot", "to_stage": "limited", "reason": "request", "detail": ""}
        tx.execute(tables.stage_change.insert().values(row | {"at": "2026-11-04T00:00:00.000000Z"}))
    found = review(made)
    assert "script" not in Page(render_html(found)).tags
    assert "&lt;script&gt;" in render_html(found)
    assert r"\<script\>alert(1)\</script\> \[x\](javascript:1) \| \<b\>" in render_markdown(found)


def test_a_long_table_is_summed_up_with_the_command_that_lists_it(ground: Ground) -> None:
    found = review(ground)
    work = found.tables["work"]
    assert len(work.rows) <= ROWS_SHOWN_MAX
    assert "--rows work" not in render_html(found)
    rows = tuple((f"a-{n}", *work.rows[0][1:]) for n in range(ROWS_SHOWN_MAX + 1))
    long = replace(found, tables={**found.tables, "work": replace(work, rows=rows)})
    text = render_html(long)
    assert "finops-ai review --month 2026-11 --rows work" in text
    assert "a-14<" in text
    assert "a-15<" not in text
    assert ">201 rows<" in text


@pytest.mark.parametrize("now", [NOVEMBER, DECEMBER])
def test_an_empty_deployment_has_a_review_that_renders(
    sqlite_database: Database, objects: ObjectStore, now: datetime
) -> None:
    found = review(Ground(sqlite_database, objects), now=now)
    assert found.figures["unit-cost"].shown == "–"
    assert "Nothing in this month." in render_html(found)
    assert "Governance review 2026-11" in render_markdown(found)
    states = {row["item"]: row["state"] for row in record_checks(found)}
    assert (states["2026-11 is over"] == "ready") == (now == DECEMBER)


def test_a_month_that_is_not_over_is_not_ready_and_its_end_is_the_newest_record(
    sqlite_database: Database, objects: ObjectStore
) -> None:
    made = Ground(sqlite_database, objects, at=datetime(2026, 11, 3, 9, 30, tzinfo=UTC))
    made.compute(made.submit(), 5)
    found = review(made, now=NOVEMBER)
    assert found.values.view.ends_at == "2026-11-03T09:30:00.000000Z"
    wrong = {row["item"]: row["state"] for row in record_checks(found) if row["state"] != "ready"}
    assert set(wrong) == {"2026-11 is over", "every entry of the month is sealed"}
    ledger.seal(made.database)
    sealed = review(made, now=DECEMBER)
    assert all(row["state"] == "ready" for row in checks(sealed))
    assert sealed.values.books.seal_sha256


def test_a_verdict_that_is_not_at_hand_is_a_fault(sqlite_database: Database, objects: ObjectStore) -> None:
    """Counting the injections of the assessments that can be read, and saying nothing of the others, would fail open."""
    made = Ground(sqlite_database, objects, at=datetime(2026, 11, 3, tzinfo=UTC))
    artifact = made.submit()
    made.assess(artifact, addressing=3)
    assert review(made).figures["addressing-sources"].value == 3
    for file in (objects.root).rglob("*"):
        if file.is_file():
            file.unlink()
    found = review(made)
    assert found.values.unreadable == 1
    assert [need.grade for need in found.needs][:1] == ["fault"]
    assert "1 are not" in {row["state"] for row in record_checks(found)}


@pytest.mark.parametrize(("total", "state"), [(30, "ready"), (31, "closed with 31 nano-USD, spent are 30")])
def test_a_closed_month_was_closed_with_what_the_review_says(
    sqlite_database: Database, objects: ObjectStore, total: int, state: str
) -> None:
    made = Ground(sqlite_database, objects, at=datetime(2026, 11, 3, tzinfo=UTC))
    made.compute(made.submit(), 30)
    with made.writing() as tx:
        closing = {"month": "2026-11", "entry": 1, "sha256": "c" * 64, "charges": 1, "total_nano_usd": total}
        tx.execute(tables.closed_month.insert().values(closing | {"closed_by": "Fay", "at": utc_now(DECEMBER)}))
    found = review(made)
    assert {row["item"]: row["state"] for row in record_checks(found)}["the month is closed"] == state
    assert "closed by <bdi>Fay</bdi>" in render_html(found)
    assert "not closed" not in " ".join(need.text for need in found.needs)


def test_a_document_of_our_own_is_no_result_and_what_it_cost_is_spend(
    sqlite_database: Database, objects: ObjectStore
) -> None:
    """A review must not make a unit cheaper by being one; the minutes of those who sign it are part of the whole cost."""
    made = Ground(sqlite_database, objects, at=datetime(2026, 11, 3, tzinfo=UTC))
    made.compute(made.submit(impact="governance", intent={"form": "review"}), 70)
    result = made.submit(impact="medium")
    found = review(made)
    assert [one.key for one in found.values.view.artifacts] == [result]
    assert found.figures["spend"].value == 70
    assert found.figures["exception-rate"].value == Ratio(0, 0)
    assert all(row["state"] == "ready" for row in figure_checks(found))


def test_books_that_do_not_hold_are_a_fault_and_stop_the_review(ground: Ground) -> None:
    found = review(ground)
    books = replace(found.values.books, problems=("budget x: spent is 1 nano-USD, its entries say 2",))
    values = replace(found.values, books=books)
    needs = needs_of(values, Given(), found.economics[-1], found.safeguards, None)
    assert (needs[0].grade, needs[0].part) == ("fault", "finance")
    states = {row["item"]: row["state"] for row in record_checks(review_of(values))}
    assert "its entries say 2" in states["books balanced, hash chain whole"]


def test_what_needs_a_decision_is_said_to_whom_it_concerns(ground: Ground) -> None:
    forecast = Forecast(
        budget="organisation/2026-11", limit_nano_usd=100, spent_nano_usd=90, expected_nano_usd=120, method="linear"
    )
    found = review(ground, given=Given(forecasts=(forecast,)))
    text = {need.figure: need.text for need in found.needs if need.grade == "decide"}
    assert "for more than 3 d" in text["waiting-oldest"]
    held = found.economics[-1].held_at_end
    assert text["held-at-end"].startswith(f"{held} artifacts held")
    assert "0.007000 USD in suspense" in text["suspense"]
    assert any("expected to end at" in need.text for need in found.needs)
    assert "is expected to end" in render_html(found)


def test_a_baseline_is_compared_with_and_its_absence_is_said(ground: Ground) -> None:
    plain = review(ground)
    assert "no baseline" in render_html(plain)
    cost = plain.economics[-1].unit_cost
    twice = Ratio(2 * cost.numerator, cost.denominator)
    given = Given(baseline=Baseline(unit_cost=twice, quality=Ratio(1, 2), source="measured"))
    found = review(ground, given=given)
    assert found.figures["unit-cost"].against_baseline == "−50.0 %"
    assert found.figures["first-pass-yield"].baseline == Ratio(1, 2)
    assert figures(found)["baselines"][""]["source"] == "measured"


def test_a_change_says_whether_it_is_good(ground: Ground) -> None:
    found = review(ground)
    september, october = (found.economics[n].first_pass_yield for n in (0, 1))
    assert september != october
    cost = found.figures["unit-cost"]
    assert cost.previous == found.economics[-2].unit_cost
    rose = cost.value.numerator * cost.previous.denominator > cost.previous.numerator * cost.value.denominator  # type: ignore[union-attr]  # both are ratios here
    assert cost.is_better is not rose
    assert found.figures["provenance"].is_better is True, "one file of October had no statement"
    assert review(ground, "2026-09").figures["spend"].change == "", "nothing is before the first month"


def test_controls_are_supported_and_never_complied_with(ground: Ground) -> None:
    found = review(ground)
    evidence = {one.control.step: one.evidence for one in found.controls}
    judged = [d["passed"] for d in ground.all("judge", "2026-11", gate="policy")]
    assert evidence["Policy and risk before spend"] == f"policy gate: {sum(judged)} passed, 1 stopped"
    for text in (render_html(found), render_markdown(found)):
        assert not re.search(r"\bcompliant\b", text)


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (0, "0.00 USD"), (999, "0.000001 USD"), (4_567_890, "0.004568 USD"), (10_000_000, "0.0100 USD"),
        (999_999_999, "1.0000 USD"), (1_234_567_895_000, "1,234.57 USD"), (-2_500_000_000, "−2.50 USD"),
    ],
)  # fmt: skip
def test_amounts_are_rounded_once_when_they_are_shown(nano_usd: int, text: str) -> None:
    assert usd(nano_usd) == text


def test_shares_durations_and_changes_read_as_people_say_them() -> None:
    assert [percent(Ratio(*pair)) for pair in ((1, 3), (0, 5), (1, 0), (1, 3000), (1, 10**7), (2, 1))] == [
        "33.3 %", "0.0 %", "–", "0.033 %", "< 0.001 %", "200.0 %",
    ]  # fmt: skip
    assert [duration(s) for s in (0, 59, 60, 3_599, 7_260, 90_000, 864_000)] == [
        "0 s", "59 s", "1 min", "59 min 59 s", "2 h 1 min", "1 d 1 h", "10 d",
    ]  # fmt: skip
    assert shown(None, "seconds") == "–"
    assert change(150, 100, "count") == "+50.0 %"
    assert change(Ratio(1, 4), Ratio(1, 2), "share") == "−25.0 pp"
    assert change(Ratio(3, 2), Ratio(6, 4), "usd_each") == "±0.0 %"
    assert (change(3, 0, "count"), change(3, None, "count"), change(Ratio(1, 0), Ratio(1, 2), "share")) == (
        "new",
        "",
        "",
    )
