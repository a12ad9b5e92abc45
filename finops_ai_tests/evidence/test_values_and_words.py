"""Numbers, dates and names in one normal form, however they are written."""

import pytest

from finops_ai.evidence.values import agrees, holds, values_in
from finops_ai.evidence.words import holds_name, names_in


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("revenue of $5.2 million", ["5200000 USD"]),
        ("five million dollars", ["5000000 USD"]),
        ("$5m against 5bn euros", ["5000000 USD", "5000000000 EUR"]),
        ("up 58 percent or 58%", ["58 %", "58 %"]),
        ("1,234.56 and 1.5 and 1,5", ["1234.56", "1.5", "1.5"]),
        ("1 500\u00a0000 units and 48k users", ["1", "500000", "48000"]),
        ("took 1.5 s, that is 1500 milliseconds", ["1.5 s", "1.5 s"]),
        ("two hundred and five thousand people", ["205000"]),
        ("twenty-five or 25", ["25", "25"]),
        ("3.5GB of 64 GB", ["3500000000 B", "64000000000 B"]),
        ("a dozen eggs, one of them broken", ["12"]),
        ("from 5-10% down to -5 °C", ["5", "10 %", "-5 °C"]),
        ("10x faster on the 21st try", ["10 x", "21 th"]),
        ("GPT-4, version 1.2.3, COVID-19, F-104J, 3D", []),
        ("March 3, 2021", ["2021-03-03"]),
        ("3 March 2021", ["2021-03-03"]),
        ("the 3rd of March 2021", ["2021-03-03"]),
        ("2021-03-03", ["2021-03-03"]),
        ("am 3. März 2021", ["2021-03-03"]),
        ("le 3 mars 2021", ["2021-03-03"]),
        ("el 3 de marzo de 2021", ["2021-03-03"]),
        ("in March 2021 and in 2020", ["2021-03", "2020"]),
        ("in Q3 2021, in the 1990s", ["2021-Q3", "1990s"]),
        ("It may come in May, on Monday", ["--05", "monday"]),
        ("2021 people in 2021", ["2021", "2021"]),
    ],
)
def test_a_value_has_one_normal_form(written: str, normal: list[str]) -> None:
    assert [str(value) for value in values_in(written)] == normal


def test_a_value_knows_where_it_stands() -> None:
    sentence = "In March 2021 the plant cost $5.2 million."
    assert [sentence[value.start : value.end].strip() for value in values_in(sentence)] == [
        "March 2021",
        "$5.2 million",
    ]


@pytest.mark.parametrize(
    ("one", "other", "may_both_be_true"),
    [
        ("5 million", "5,000,000", True),
        ("$5 million", "5 million dollars", True),
        ("March 2021", "2021", True),
        ("3 March 2021", "March 2021", True),
        ("3 March 2021", "3 March", True),
        ("1994", "the 1990s", True),
        ("about 50,000", "48,200", True),
        ("1000", "1,000", True),
        ("5 million", "5.1 million", False),
        ("March 2021", "April 2021", False),
        ("2021", "2022", False),
        ("5 percent", "5 dollars", False),
        ("about 50,000", "about 60,000", False),
        ("about 50,000", "40,000", False),
        ("more than 50,000", "51,000", True),
        ("more than 50,000", "49,000", False),
        ("nearly 50,000", "49,000", True),
        ("nearly 50,000", "51,000", False),
    ],
)
def test_two_values_agree_when_both_may_be_true(one: str, other: str, may_both_be_true: bool) -> None:
    (first,), (second,) = values_in(one), values_in(other)
    assert agrees(first, second) is may_both_be_true
    assert agrees(second, first) is may_both_be_true


@pytest.mark.parametrize(
    ("given", "stated", "held"),
    [
        ("March 2021", "2021", True),
        ("2021", "March 2021", True),
        ("April 2021", "March 2021", False),
        ("48,200", "about 50,000", True),
        ("about 50,000", "48,200", False),
    ],
)
def test_evidence_holds_a_number_that_is_stated_less_precisely_never_more(given: str, stated: str, held: bool) -> None:
    (first,), (second,) = values_in(given), values_in(stated)
    assert holds(first, second) is held


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("The plant in Ulm was built by Acme Corp.", ["ulm", "acme", "corp"]),
        ("Clive Uhr became a radiologist.", ["clive", "uhr"]),
        ("Revenue rose. Costs fell in March.", []),
        ("IBM and OpenAI signed.", ["ibm", "openai"]),
        ("Müller’s plant is old.", []),
    ],
)
def test_names_are_what_is_capitalised_for_another_reason_than_its_place(sentence: str, names: list[str]) -> None:
    assert names_in(sentence) == names


def test_a_name_is_held_in_another_form_of_it() -> None:
    words = frozenset({"canada", "muller", "co", "operation"})
    assert holds_name("canadian", words)
    assert holds_name("muller", words)
    assert holds_name("co-operation", words)
    assert not holds_name("ulm", words)
