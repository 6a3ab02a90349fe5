"""The ledger takes rows, gives them back, and forgets nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from experiments.acting import acting
from experiments.ledger import (
    CellRow,
    JarRow,
    Ledger,
    LiteratureRow,
    NoteRow,
    OutboxRow,
    PelletRow,
    ProposalRow,
    ReadingRow,
)
from experiments.ledger_rows import DraftRow, RequestRow
from experiments.ledger_schema import APPEND_ONLY, METADATA
from features.errors import ConflictError, LedgerError

JAR = JarRow(
    id="R01-G1",
    origin="lab",
    x=0.15,
    milling_time_h=3.0,
    milling_media="zirconia",
    milling_speed_rpm=500.0,
    round_id="R01",
    na2s_mg=1047.4,
    assay_na2s=0.98,
    batch_mass_g=2.0,
    note="gelblich, Σ ≈ 1.7 g, 少し固まった",
    operator="Ève",
)
PELLET = PelletRow(
    id="R01-G1-P1", jar="R01-G1", pressing_pressure_mpa=450.0, mass_mg=150.0, thickness_um=560.0
)
CELL = CellRow(
    id="R01-C1",
    core="R01-G1",
    skin="R01-G3",
    core_mass_mg=150.0,
    skin_mass_mg=25.0,
    precompaction_pressure_mpa=75.0,
    pressing_pressure_mpa=450.0,
    stack_pressure_mpa=7.0,
    temperature_c=60.0,
)
READING = ReadingRow(
    specimen="R01-G1-P1",
    property="ionic_conductivity",
    lower=2.7e-4,
    upper=2.7e-4,
    se=1e-5,
    temperature_c=60.0,
    protocol='{"start_ma_cm2": 0.05}',
    text="2.7e-4 S/cm",
)

LITERATURE = LiteratureRow(
    source="Tsuji 2021",
    specimen="glass",
    x=0.0,
    milling_time_h=20.0,
    milling_media="agate",
    milling_speed_rpm=500.0,
    pressing_pressure_mpa=450.0,
    property="ionic_conductivity",
    lower=None,
    upper=1.1e-5,
    temperature_c=25.0,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """One round with two jars, a pellet and a cell."""
    with Ledger.create(tmp_path / "ledger.db", campaign="first glass") as ledger:
        with ledger.transaction() as tx:
            tx.add_round("R01", number=1, seed=7, config={"name": "first glass"})
            tx.add_jar(JAR)
            tx.add_jar(replace(JAR, id="R01-G3", x=0.6, milling_media="agate"))
            tx.add_pellet(PELLET)
            tx.add_cell(CELL)
        yield ledger


@pytest.fixture
def path(tmp_path: Path, ledger: Ledger) -> Path:
    return tmp_path / "ledger.db"


def add_reading(ledger: Ledger, row: ReadingRow = READING) -> int:
    with ledger.transaction() as tx:
        return tx.add_reading(row)


def test_a_ledger_remembers_its_campaign_and_kind_when_opened_again(path):
    with Ledger.open(path) as again:
        assert (again.campaign, again.kind) == ("first glass", "real")
        assert again.verify() == []


def test_rows_come_back_as_they_went_in(ledger):
    number = add_reading(ledger)
    assert ledger.jar("R01-G1") == JAR
    assert ledger.pellet("R01-G1-P1") == PELLET
    assert ledger.cell("R01-C1") == CELL
    assert ledger.reading(number) == READING


def test_pellets_carry_the_glass_of_their_jar(ledger):
    pellet = ledger.pellets().loc["R01-G1-P1"]
    wanted = ["x", "milling_time_h", "milling_media", "milling_speed_rpm", "pressing_pressure_mpa"]
    assert pellet[wanted].tolist() == [0.15, 3.0, "zirconia", 500.0, 450.0]
    assert pellet[["jar", "origin", "status"]].tolist() == ["R01-G1", "lab", "made"]
    assert pd.isna(pellet["round_id"])


def test_cells_carry_the_glasses_of_core_and_skin(ledger):
    cell = ledger.cells().loc["R01-C1"]
    assert cell[["core_x", "core_milling_media"]].tolist() == [0.15, "zirconia"]
    assert cell[["skin_x", "skin_milling_media"]].tolist() == [0.6, "agate"]
    assert cell[["core_mass_mg", "skin_mass_mg", "temperature_c"]].tolist() == [150, 25, 60]


def test_a_corrected_jar_changes_the_pellets_made_of_it(ledger):
    with ledger.transaction() as tx:
        assert tx.correct_jar(replace(JAR, x=0.152, reason="weighed"))
    assert ledger.pellets().loc["R01-G1-P1", "x"] == 0.152
    assert ledger.cells().loc["R01-C1", "core_x"] == 0.152


def test_empty_tables_have_columns_with_types(tmp_path):
    with Ledger.create(tmp_path / "new.db", campaign="c") as empty:
        assert empty.readings()["lower"].dtype == np.float64
        assert empty.pellets().empty
        assert "core_x" in empty.cells()
        assert empty.rounds()["state"].tolist() == []
        assert empty.stock().empty


def test_missing_numbers_and_texts_are_nan_in_frames(ledger):
    add_reading(ledger, replace(READING, lower=None, upper=1e-10, protocol=None))
    reading = ledger.readings().iloc[0]
    assert np.isnan(reading["lower"])
    assert reading["upper"] == 1e-10
    assert pd.isna(reading["protocol"])


@pytest.mark.parametrize("nan", [float("nan"), np.float64("nan"), np.float32("nan")], ids=repr)
def test_nan_is_stored_as_null(ledger, path, nan):
    add_reading(ledger, replace(READING, lower=nan, se=nan))
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT lower, se FROM readings").fetchall() == [(None, None)]


def test_minus_zero_is_zero_so_that_a_row_reads_as_it_was_sealed(ledger):
    add_reading(ledger, replace(READING, lower=-0.0, upper=-0.0))
    assert str(ledger.readings()["lower"].iloc[0]) == "0.0"
    assert ledger.verify() == []


def test_numpy_scalars_are_stored_as_numbers(ledger, path):
    add_reading(ledger, replace(READING, n=np.int64(9), lower=np.float64(1e-4), trained=np.True_))
    with closing(sqlite3.connect(path)) as raw:
        types = raw.execute("SELECT typeof(n), typeof(lower), typeof(trained) FROM readings")
        assert types.fetchall() == [("integer", "real", "integer")]


def test_a_correction_supersedes_and_the_old_version_stays(ledger):
    with ledger.transaction() as tx:
        assert tx.correct_pellet(replace(PELLET, thickness_um=580.0))
        assert tx.correct_pellet(replace(PELLET, thickness_um=590.0))
    assert ledger.pellets()["thickness_um"].tolist() == [590.0]
    history = ledger.history("R01-G1-P1")
    assert history["thickness_um"].tolist() == [560.0, 580.0, 590.0]
    assert history["current"].tolist() == [False, False, True]
    assert history["supersedes"].iloc[1:].tolist() == history["version_id"].iloc[:-1].tolist()


def test_a_correction_that_changes_nothing_writes_nothing(ledger):
    with ledger.transaction() as tx:
        assert not tx.correct_jar(JAR)
        assert not tx.correct_pellet(PELLET)
        assert not tx.correct_cell(replace(CELL, temperature_c=60))
        number = tx.add_reading(replace(READING, se=float("nan")))
        assert not tx.correct_reading(number, replace(READING, se=None))
    assert len(ledger.history("R01-C1")) == 1
    assert len(ledger.readings(current=False)) == 1


def test_a_reading_can_be_corrected_and_taken_back(ledger):
    first = add_reading(ledger)
    with ledger.transaction() as tx:
        assert tx.correct_reading(first, replace(READING, lower=2e-4, note="typing error"))
    (second,) = ledger.readings()["version_id"]
    assert ledger.readings()["lower"].tolist() == [2e-4]
    with ledger.transaction() as tx:
        assert tx.correct_reading(second, replace(READING, withdrawn=True, note="wrong pellet"))
    assert ledger.readings().empty
    assert ledger.readings(current=False)["withdrawn"].tolist() == [False, False, True]


def test_a_round_is_open_until_it_is_closed(ledger):
    assert ledger.rounds()["state"].tolist() == ["open"]
    with ledger.transaction() as tx:
        tx.add_round_event("R01", "scored", {"coverage": 0.9})
        tx.add_round_event("R01", "closed")
    (found,) = ledger.rounds().to_dict("records")
    assert (found["id"], found["number"], found["seed"]) == ("R01", 1, 7)
    assert (found["state"], found["config"]) == ("closed", {"name": "first glass"})
    assert found["closed_at"] >= found["opened_at"]
    events = ledger.round_events("R01")
    assert events["event"].tolist() == ["opened", "scored", "closed"]
    assert events["detail"].iloc[1] == {"coverage": 0.9}


def test_a_proposal_and_its_model_are_frozen(ledger):
    body = '{"prior": "Ω", "mean": -4.8}'
    with ledger.transaction() as tx:
        digest = tx.add_model(body)
        assert tx.add_model(body) == digest
        prediction = {"ionic_conductivity": {"mean": np.float64(1e-4), "sd": float("nan")}}
        tx.add_proposal(
            ProposalRow(
                round_id="R01",
                specimen="R01-G1",
                kind="glass",
                recipe={"x": 0.15},
                prediction=prediction,
                model_sha256=digest,
                role="control",
                why="repeats the paper's glass",
            )
        )
    assert ledger.model(digest) == body
    proposal = ledger.proposals("R01").iloc[0]
    assert proposal["recipe"] == {"x": 0.15}
    assert proposal["prediction"] == {"ionic_conductivity": {"mean": 1e-4, "sd": None}}
    assert ledger.proposals("R02").empty


def test_notes_assumptions_and_files_are_kept(ledger):
    with ledger.transaction() as tx:
        tx.add_note(NoteRow(id="S07", text="Ea(0.60) > Ea(0.15)", source="Results 5"))
        tx.add_assumption_change("paper_temperature_c", 60, 25)
        assert tx.add_file("ab12", name="RESULTS.csv", round_id="R01", counts={"readings": 4})
        assert not tx.add_file("ab12", name="again.csv")
    assert ledger.notes()["text"].tolist() == ["Ea(0.60) > Ea(0.15)"]
    change = ledger.assumption_changes().iloc[0]
    assert change[["key", "old", "new"]].tolist() == ["paper_temperature_c", 60, 25]
    assert ledger.files()[["name", "counts"]].to_numpy().tolist() == [
        ["RESULTS.csv", {"readings": 4}]
    ]


def test_a_message_stays_in_the_outbox_until_delivered(ledger):
    with ledger.transaction() as tx:
        number = tx.add_outbox(OutboxRow(kind="round", round_id="R01", payload={"μ": 1}))
    ledger.mark_failed(number, "no server")
    assert ledger.outbox()["last_error"].tolist() == ["no server"]
    assert ledger.outbox()["payload"].tolist() == [{"μ": 1}]
    ledger.mark_delivered(number)
    ledger.mark_delivered(number)
    assert ledger.outbox().empty
    assert ledger.outbox(pending=False)["delivered_at"].notna().all()


def test_an_error_in_a_transaction_leaves_nothing(ledger):
    def fail_half_way() -> None:
        with ledger.transaction() as tx:
            tx.add_jar(replace(JAR, id="R01-G4"))
            raise ZeroDivisionError("half way")

    with pytest.raises(ZeroDivisionError, match="half way"):
        fail_half_way()
    assert "R01-G4" not in ledger.jars().index


def test_a_refused_jar_leaves_no_specimen_when_the_error_is_caught(ledger):
    with ledger.transaction() as tx:
        with pytest.raises(LedgerError, match="x is between 0 and 4"):
            tx.add_jar(replace(JAR, id="R01-G4", x=15.0))
        tx.add_jar(replace(JAR, id="R01-G5"))
    assert ledger.verify() == []
    assert ledger.jars().index.tolist() == ["R01-G1", "R01-G3", "R01-G5"]


@pytest.mark.parametrize("table", APPEND_ONLY, ids=lambda table: table.name)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "REPLACE"])
def test_nothing_but_the_outbox_can_be_overwritten_or_deleted(ledger, table, verb):
    fill_every_table(ledger)
    key, column = table.primary_key.columns.keys()[0], list(table.columns.keys())[-1]
    statement = {
        "UPDATE": f"UPDATE {table.name} SET {column} = {column}",
        "DELETE": f"DELETE FROM {table.name}",
        "REPLACE": f"INSERT OR REPLACE INTO {table.name} SELECT * FROM {table.name} "
        f"ORDER BY {key} LIMIT 1",
    }[verb]

    def tamper() -> None:
        with ledger._connection(write=True) as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                connection.exec_driver_sql(statement)
            else:  # which has no INSERT OR REPLACE, and another way to empty a table
                other = f"TRUNCATE {table.name} CASCADE"
                connection.exec_driver_sql(other if verb == "REPLACE" else statement)

    with pytest.raises(LedgerError, match=f"{table.name} is append-only"):
        tamper()


def fill_every_table(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        digest = tx.add_model("{}")
        row: dict[str, Any] = {"recipe": {}, "prediction": {}, "model_sha256": digest}
        tx.add_proposal(ProposalRow(round_id="R01", specimen="R01-G1", kind="glass", **row))
        tx.add_note(NoteRow(id="S07", text="note"))
        tx.add_assumption_change("paper_skin_mass", "per_side", "total")
        tx.add_file("ab12", name="f")
        tx.add_reading(READING)
        tx.add_literature(LITERATURE)
        tx.add_draft(DraftRow(draft="D01", version=1, state="open", body={}))
        tx.add_answer(RequestRow(person="Ada", key="k", fingerprint="f", answer={}))


def test_a_transaction_is_signed_with_who_acts_and_names_what_changed(ledger):
    with acting("Ada", "page"), ledger.transaction() as tx:
        tx.add_reading(READING)
        tx.correct_jar(replace(JAR, note="grey"))
    row = ledger.changes(most=1).iloc[0]
    assert (row["person"], row["door"]) == ("Ada", "page")
    assert [(one["did"], one["what"]) for one in row["what"]] == [
        ("added", "reading"),
        ("corrected", "jar"),
    ]


def test_a_transaction_that_changes_nothing_is_not_signed(ledger):
    before = len(ledger.changes())
    with ledger.transaction() as tx:
        assert not tx.correct_jar(JAR)
        tx.add_outbox(OutboxRow(kind="round", round_id="R01", payload={}))
    assert len(ledger.changes()) == before


def test_a_version_of_a_draft_is_written_once(ledger):
    draft = DraftRow(draft="D01", version=1, state="open", body={"x": 1}, person="Ada")
    with ledger.transaction() as tx:
        tx.add_draft(draft)
        tx.add_draft(replace(draft, version=2, person="Bo"))
    with (
        pytest.raises(ConflictError, match="changed by Bo to version 2 meanwhile, got a change of"),
        ledger.transaction() as tx,
    ):
        tx.add_draft(replace(draft, version=2))
    assert ledger.drafts()["version"].tolist() == [2]


def test_only_one_draft_is_open(ledger):
    draft = DraftRow(draft="D01", version=1, state="open", body={}, person="Ada")
    with ledger.transaction() as tx:
        tx.add_draft(draft)
    with (
        pytest.raises(ConflictError, match="draft D01 of Ada is open since"),
        ledger.transaction() as tx,
    ):
        tx.add_draft(replace(draft, draft="D02"))
    with ledger.transaction() as tx:
        tx.add_draft(replace(draft, version=2, state="discarded"))
        tx.add_draft(replace(draft, draft="D02"))
    with (
        pytest.raises(ConflictError, match="draft D01: was discarded by Ada at"),
        ledger.transaction() as tx,
    ):
        tx.add_draft(replace(draft, version=3))


def test_an_answer_is_found_by_person_and_key(ledger):
    with ledger.transaction() as tx:
        tx.add_answer(RequestRow(person="Ada", key="k", fingerprint="f", answer={"n": 1}))
    assert ledger.answered("Ada", "k").answer == {"n": 1}
    assert ledger.answered("Bo", "k") is None
    with (
        pytest.raises(LedgerError, match="request k: is in the ledger already"),
        ledger.transaction() as tx,
    ):
        tx.add_answer(RequestRow(person="Ada", key="k", fingerprint="g", answer={}))


def test_the_state_changes_with_the_data_only(ledger):
    before = ledger.state()
    with ledger.transaction() as tx:
        tx.add_draft(DraftRow(draft="D01", version=1, state="open", body={}))
    assert ledger.state() == before
    with ledger.transaction() as tx:
        tx.add_reading(READING)
    assert ledger.state() != before


def test_the_schema_can_be_made_in_postgresql():
    for table in METADATA.sorted_tables:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert f"CREATE TABLE {table.name}" in text
