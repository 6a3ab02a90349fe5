"""Whole numbers that are none, or of absurd length, are refused and break nothing."""

import pytest
from starlette.testclient import TestClient

from experiments.web.numbers import MOST, whole_number
from features.errors import InputError
from tests.experiments.web.people import Visitor, arrive

BAD = ("--5", "5-", "-", "+", "1e3", "5.0", "٥", "²", "0x10", "1_0", "9" * 5000, "-1")


@pytest.fixture
def ana(lab: TestClient) -> Visitor:
    return arrive(lab, lab.root, "Ana")  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", BAD)
def test_a_batch_is_asked_for_by_whole_numbers_only(ana: Visitor, text: str):
    answer = ana.post("/c/lab/next/propose", {"glasses": text})
    assert answer.status_code == 422
    assert "glasses: must be a whole number from 1 to 50" in answer.text


@pytest.mark.parametrize("text", ["--5", "9" * 5000, "²"])
@pytest.mark.parametrize("deed", ["edit", "accept", "discard"])
def test_a_version_of_a_draft_is_a_whole_number(ana: Visitor, deed: str, text: str):
    answer = ana.post(f"/c/lab/next/D01/{deed}", {"version": text})
    assert answer.status_code == 422
    assert "version: must be a whole number" in answer.text


@pytest.mark.parametrize("text", [str(MOST + 1), "9" * 19, "9" * 5000, "0", "--1"])
def test_a_place_in_the_history_that_cannot_be_is_refused(ana: Visitor, text: str):
    assert ana.get(f"/c/lab/history?before={text}").status_code == 422


def test_the_largest_place_in_the_history_is_understood(ana: Visitor):
    assert ana.get(f"/c/lab/history?before={MOST}").status_code == 200


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("+7", 7), ("007", 7), ("-3", -3)])
def test_a_whole_number_is_read_with_its_sign(text: str, value: int):
    assert whole_number(text, "n", (-5, 50)) == value


def test_a_number_of_absurd_length_is_not_said_back_whole():
    with pytest.raises(
        InputError, match=r"n: must be a whole number from 1 to 9, got '9{40}\.\.\.'"
    ):
        whole_number("9" * 5000, "n", (1, 9))
