"""Tables of a campaign: complete, explained, the same in every form, and inert in a spreadsheet."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
from openpyxl import load_workbook
from pyarrow import parquet
from typer.testing import CliRunner

from experiments.campaign import Campaign
from experiments.cli import app
from experiments.config import CampaignConfig, MlflowConfig
from experiments.export import FORMS, export_bytes, suffix_of
from experiments.export_columns import COLUMNS
from experiments.export_tables import TABLES, tables
from experiments.ledger_rows import LiteratureRow, NoteRow, ReadingRow
from features.errors import CampaignError, TableError
from features.properties import CATALOGUE

pytest_plugins = ["tests.experiments.reported_campaign"]

FORMULA = "=cmd|' /C calc'!A0"
LONG = "x" * 40_000
OF_JAR = ("x", "milling_time_h", "milling_media", "milling_speed_rpm", "origin", "jar_status")


@pytest.fixture
def told(tmp_path, add_glass):
    """A small campaign with a corrected and a withdrawn reading, literature and nasty texts."""
    config = CampaignConfig(name="Na/P Ö", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "told", config, empty=True) as campaign:
        ledger = campaign.ledger
        add_glass(ledger, "G1", ionic_conductivity=2e-4)
        first = ReadingRow(
            specimen="G1-P", property="youngs_modulus", lower=20.0, upper=20.0, note=FORMULA,
            recorded_by="@Ada",
        )  # fmt: skip
        with ledger.transaction() as tx:
            tx.add_file("ab" * 32, name="results.csv", counts={"readings": 2})
            number = tx.add_reading(first)
            tx.correct_reading(number, replace(first, lower=21.0, upper=21.0, text="-5"))
            bound = replace(first, property="electronic_conductivity", lower=None, upper=1e-9)
            gone = tx.add_reading(replace(bound, file_sha256="ab" * 32, note="-about 2"))
            tx.correct_reading(gone, replace(bound, withdrawn=True))
            tx.correct_jar(replace(ledger.jar("G1"), note=f"bell \x07 {LONG}", operator="#N/A"))
            tx.add_note(NoteRow(id="S01", text="\ttab first"))
            tx.add_literature(
                LiteratureRow(
                    source="Tsuji 2021", specimen="a", x=0.2, milling_time_h=5.0,
                    milling_media="zirconia", milling_speed_rpm=400.0, pressing_pressure_mpa=300.0,
                    property="ionic_conductivity", lower=1e-4, upper=2e-4,
                )
            )  # fmt: skip
        yield campaign


def exported(campaign, form, table=None):
    return export_bytes(campaign.ledger, campaign.config, form=form, table=table)


def frames(campaign, form):
    """All tables of a campaign, read back from a form as others would."""
    data = exported(campaign, form).data
    if form == "xlsx":
        return pd.read_excel(BytesIO(data), sheet_name=None)
    if form == "json":
        plain = json.loads(data)["tables"]
        return {name: pd.DataFrame(rows, columns=_names(name)) for name, rows in plain.items()}
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[form]
    with ZipFile(BytesIO(data)) as archive:
        return {
            name: read(BytesIO(archive.read(f"{name}.{form}")), **_of_csv(name, form))
            for name in TABLES
        }


def _names(table):
    return [column.name for column in COLUMNS[table]]


def _of_csv(table, form):
    """Text stays text when CSV is read: what an id looks like is no matter."""
    texts = [column.name for column in COLUMNS[table] if column.kind == "text"]
    return {"dtype": dict.fromkeys(texts, str)} if form == "csv" else {}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_tables(rehearsed: Campaign, form: str) -> None:
    expected = tables(rehearsed.ledger, rehearsed.config)
    found = frames(rehearsed, form)
    assert list(found) == list(TABLES)
    for name, table in expected.items():
        assert list(found[name].columns) == list(table.columns)
        assert len(found[name]) == len(table)
        numbers = [column.name for column in COLUMNS[name] if column.kind in ("number", "whole")]
        for column in numbers:
            back = pd.to_numeric(found[name][column]).astype(float)
            wanted = table[column].astype("Float64").astype(float)
            # openpyxl writes sixteen digits
            pd.testing.assert_series_equal(back, wanted, rtol=1e-15 * (form == "xlsx"), atol=0)
        texts = [column.name for column in COLUMNS[name] if column.kind == "text"]
        for column in texts:
            back = found[name][column].astype(object).fillna("")
            assert list(back) == list(table[column].fillna(""))


def test_a_rehearsed_campaign_fills_the_tables_it_should(rehearsed: Campaign) -> None:
    found = tables(rehearsed.ledger, rehearsed.config)
    empty = [name for name, table in found.items() if table.empty]
    assert empty == ["literature"]
    assert found["rounds"]["state"].tolist() == ["closed", "open"]
    assert set(found["proposals"]["round"]) == {"R01", "R02"}
    assert set(found["scores"]["round"]) == {"R01"}
    assert found["rounds"]["glasses"].tolist() == [rehearsed.config.batch.glasses, 2]
    for table in (table for name, table in found.items() if name != "columns"):
        assert table["simulated"].all()
        assert set(table["campaign_id"]) <= {rehearsed.ledger.id}


def test_a_proposal_is_one_row_a_specimen_and_property(rehearsed: Campaign) -> None:
    table = tables(rehearsed.ledger, rehearsed.config)["proposals"]
    assert not table.duplicated(["specimen", "property"]).any()
    (row,) = table.loc[
        (table["specimen"] == "R01-G1-P1") & (table["property"] == "ionic_conductivity")
    ].to_dict("records")
    predicted = rehearsed.ledger.proposals("R01").iloc[0]["prediction"]["ionic_conductivity"]
    assert {name: row[name] for name in ("mean", "sd", "lower", "upper", "unit", "sd_unit")} == {
        name: predicted[name] for name in ("mean", "sd", "lower", "upper", "unit", "sd_unit")
    }
    assert (row["jar"], row["milling_time_h"]) == ("R01-G1", 3.0)
    cells = table.loc[table["property"] == "critical_current_density"]
    assert cells["core"].notna().all()
    assert cells["jar"].isna().all()


def test_a_correction_is_marked_and_says_what_it_replaced(told: Campaign) -> None:
    table = tables(told.ledger, told.config)["readings"]
    modulus = table.loc[table["property"] == "youngs_modulus"]
    assert modulus["value"].tolist() == [20.0, 21.0]
    assert modulus["current"].tolist() == [False, True]
    assert modulus["supersedes"].tolist() == [pd.NA, modulus["version"].iloc[0]]
    assert modulus["superseded_by"].tolist() == [modulus["version"].iloc[1], pd.NA]
    gone = table.loc[table["property"] == "electronic_conductivity"]
    assert gone["current"].tolist() == [False, False]
    assert gone["value"].isna().all()
    assert gone["file_sha256"].iloc[0] == "ab" * 32
    jars = tables(told.ledger, told.config)["jars"]
    assert jars["current"].tolist() == [False, True]
    assert jars["left_mg"].tolist() == [pytest.approx(math.nan, nan_ok=True), 1550.0]


def test_a_value_has_the_unit_of_its_property(told: Campaign) -> None:
    found = tables(told.ledger, told.config)
    for name in ("readings", "literature"):
        for row in found[name].to_dict("records"):
            assert row["unit"] == CATALOGUE[row["property"]].unit


@pytest.mark.parametrize("form", FORMS)
def test_a_formula_in_a_note_is_inert(told: Campaign, form: str) -> None:
    done = exported(told, form, "readings")
    if form == "csv":
        table = pd.read_csv(BytesIO(done.data))
        assert table["note"].iloc[1] == f"'{FORMULA}"
        assert table["recorded_by"].iloc[1] == "'@Ada"
        assert "'-about 2" in set(table["note"])
        assert f",{FORMULA}" not in done.data.decode()
        assert pd.read_csv(BytesIO(done.data), dtype=str)["text"].iloc[2] == "-5"
    elif form == "xlsx":
        sheet = load_workbook(BytesIO(done.data))["readings"]
        (cell,) = [c for c in sheet[3] if c.value == FORMULA]
        assert (cell.data_type, cell.quotePrefix) == ("s", True)
    elif form == "json":
        assert json.loads(done.data)["tables"]["readings"][1]["note"] == FORMULA
    else:
        assert parquet.read_table(BytesIO(done.data))["note"].to_pylist()[1] == FORMULA


def test_a_workbook_has_no_formula_and_no_error_anywhere(told: Campaign) -> None:
    book = load_workbook(BytesIO(exported(told, "xlsx").data))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n", "b"}
    assert {sheet.freeze_panes for sheet in book} == {"A2"}
    row = [cell.value for cell in book["jars"][3]]
    assert "#N/A" in row
    (note,) = [value for value in row if str(value).startswith("bell ")]
    assert note.startswith("bell \ufffd x")
    assert note.endswith("(cut here; CSV and JSON have all of it)")


def test_parquet_says_units_and_where_it_comes_from(told: Campaign) -> None:
    schema = parquet.read_schema(BytesIO(exported(told, "parquet", "pellets").data))
    assert schema.field("mass_mg").metadata[b"unit"] == b"mg"
    assert schema.field("thickness_um").metadata[b"meaning"] == b"thickness"
    assert json.loads(schema.metadata[b"campaign_id"]) == told.ledger.id
    assert json.loads(schema.metadata[b"simulated"]) is False


def test_json_says_units_and_has_null_for_what_is_missing(told: Campaign) -> None:
    plain = json.loads(exported(told, "json").data)
    assert plain["campaign"] == "Na/P Ö"
    assert plain["simulated"] is False
    assert plain["units"]["pellets"] == {
        "pressing_pressure_mpa": "MPa", "mass_mg": "mg", "thickness_um": "µm",
    }  # fmt: skip
    assert plain["tables"]["pellets"][0]["thickness_um"] is None


def test_every_column_is_explained_and_no_other(rehearsed: Campaign) -> None:
    found = tables(rehearsed.ledger, rehearsed.config)
    told = found["columns"]
    assert list(zip(told["table"], told["column"], strict=True)) == [
        (name, column) for name, table in found.items() for column in table.columns
    ]
    assert told["meaning"].str.len().min() > 3


@pytest.mark.parametrize(
    ("table", "source", "elsewhere"),
    [
        ("jars", "jars", set()),
        ("pellets", "pellets", set(OF_JAR)),
        ("readings", "readings", set()),
        ("literature", "literature", set()),
        ("notes", "notes", set()),
        ("files", "files", set()),
    ],
)  # fmt: skip
def test_nothing_the_ledger_says_is_forgotten(
    rehearsed: Campaign, table: str, source: str, elsewhere: set[str]
) -> None:
    held = set(getattr(rehearsed.ledger, source)().columns) - elsewhere
    renamed = {"version_id": "version", "round_id": "round"}
    assert {renamed.get(name, name) for name in held} <= set(_names(table))


def test_a_file_is_named_after_campaign_and_table(told: Campaign) -> None:
    assert exported(told, "csv").name == "Na-P-csv.zip"
    assert exported(told, "csv", "readings").name == "Na-P-readings.csv"
    assert exported(told, "xlsx").media_type.startswith("application/vnd.openxml")
    for form in FORMS:
        for table in (None, "notes"):
            assert exported(told, form, table).name.endswith(suffix_of(form, table))


def test_a_csv_of_a_campaign_says_where_it_comes_from(told: Campaign) -> None:
    with ZipFile(BytesIO(exported(told, "csv").data)) as archive:
        about = json.loads(archive.read("origin.json"))
    assert about["campaign"] == "Na/P Ö"
    assert {"glassloop", "exported_at"} <= about.keys()


def test_an_unknown_form_or_table_is_named(told: Campaign) -> None:
    with pytest.raises(TableError, match=r"the format must be one of csv, xlsx, .* got 'ods'"):
        exported(told, "ods")
    with pytest.raises(TableError, match=r"the table must be one of jars, .* got 'jar'"):
        exported(told, "csv", "jar")


def test_exporting_needs_neither_torch_nor_mlflow() -> None:
    code = (
        "import sys; from experiments.export import export_bytes; "
        "print({'torch', 'botorch', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def command(campaign: Campaign, *words: str):
    return CliRunner().invoke(app, ["export", "--campaign", str(campaign.folder), *words])


def test_the_command_writes_a_table(told: Campaign, tmp_path: Path) -> None:
    out = tmp_path / "readings.csv"
    done = command(told, "--format", "csv", "--table", "readings", "--out", str(out))
    assert done.stdout == f"Written: {out}\n"
    assert len(pd.read_csv(out)) == 5
    again = command(told, "--format", "csv", "--table", "readings", "--out", str(out))
    assert isinstance(again.exception, CampaignError)
    assert "exists already; add --replace" in str(again.exception)
    more = command(
        told, "--format", "csv", "--table", "readings", "--out", str(out), "--replace", "--json"
    )
    assert json.loads(more.stdout) == {
        "written": str(out), "media_type": "text/csv; charset=utf-8", "simulated": False,
    }  # fmt: skip
    assert list(tmp_path.glob(".readings*")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "needs --format and --out, or --optuna, got neither"),
        (["--format", "csv", "--optuna", "s.db"], "got both; give the one or the other"),
        (["--optuna", "s.db", "--table", "jars"], "got --table too; leave it out"),
        (["--format", "csv"], "--format csv: needs the file to write; add --out FILE"),
        (["--format", "archive", "--out", "a.zip", "--table", "jars"], "holds the whole campaign"),
        (["--format", "csv", "--out", "a.csv"], "must end in .zip, got .csv; .* or add --table"),
        (["--format", "xlsx", "--out", "a"], "must end in .xlsx, got no ending"),
        (["--format", "xlsx", "--out", "no/such/a.xlsx"], "cannot be written .No such file"),
    ],
    ids=["nothing", "both", "optuna-table", "no-out", "archive-table", "csv", "ending", "folder"],
)
def test_the_command_refuses_what_makes_no_sense(
    told: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command(told, *words)
    with pytest.raises(CampaignError, match=message):
        raise done.exception or AssertionError(done.stdout)


def test_the_help_names_every_table() -> None:
    said = CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "300"}).stdout
    assert [name for name in TABLES if name not in said] == []
