"""Ledgers of every earlier schema, written by the glassloop of that time, brought up to date."""

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from experiments.backup import bring_up_to_date
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig, write_config
from experiments.ledger import JarRow, Ledger
from experiments.ledger_copy import copy_all
from experiments.ledger_database import Database
from experiments.ledger_migrations import upgrade
from experiments.ledger_schema import METADATA, SCHEMA_VERSION
from features.errors import LedgerError
from tests.experiments.shared_database import place, server  # noqa: F401

OLD = Path(__file__).parent / "old_ledgers"
VERSIONS = range(1, SCHEMA_VERSION)
JAR = JarRow(
    id="G9", origin="simulated", x=0.15, milling_time_h=3, milling_media="zirconia",
    milling_speed_rpm=500, batch_mass_g=2.0,
)  # fmt: skip


@pytest.fixture
def old(tmp_path: Path) -> Callable[[int], Path]:
    """Writes the file of an old ledger: two rounds of a simulated campaign, one with results."""

    def write(version: int) -> Path:
        path = tmp_path / "ledger.db"
        script = gzip.decompress((OLD / f"schema_{version}.sql.gz").read_bytes()).decode()
        with closing(sqlite3.connect(path)) as raw:
            raw.executescript(script)
        return path

    return write


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as raw:
        names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(raw.execute(f"SELECT * FROM {name}").fetchall(), key=str)
            for (name,) in names
        }


def test_there_is_an_old_ledger_of_every_schema():
    assert {file.name for file in OLD.iterdir()} == {f"schema_{v}.sql.gz" for v in VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_ledger_is_not_touched_by_opening_it(old, version):
    path = old(version)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=rf"schema {version}, .* run 'glassloop migrate'"):
        Ledger.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_every_schema_comes_up_to_date_with_its_data(old, version):
    path = old(version)
    before = everything(path)
    assert Ledger.migrate(path) == version
    after = everything(path)
    before["meta"] = [(k, str(SCHEMA_VERSION) if k == "schema_version" else v)
                      for k, v in before["meta"]]  # fmt: skip
    after["meta"] = [row for row in after["meta"] if row[0] != "rules_sha256"]
    assert {name: after[name] for name in before} == {
        name: sorted(rows, key=str) for name, rows in before.items()
    }
    with Ledger.open(path) as ledger:
        assert ledger.verify() == []
        with ledger.transaction() as tx:
            tx.add_jar(JAR)
        assert ledger.verify() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_s_ledger_of_every_schema_comes_up_to_date_with_its_data(old, place, version):  # noqa: F811
    with (
        closing(Database(old(version))) as file,
        closing(Database(place)) as database,
        file.connection() as source,
        database.connection(write=True) as connection,
    ):
        database.make_room(connection)
        upgrade(connection, 0, to=version)
        connection.exec_driver_sql("DROP TABLE alembic_version")  # unknown to those versions
        copy_all(source, connection, tables_there=True)
    with pytest.raises(LedgerError, match=rf"schema {version}, .* run 'glassloop migrate'"):
        Ledger.open(place)
    assert Ledger.migrate(place) == version
    with Ledger.open(place) as ledger:
        assert ledger.verify() == []
        assert len(ledger.readings()) == 23
        with ledger.transaction() as tx:
            tx.add_jar(JAR)
        assert ledger.verify() == []
        with (
            pytest.raises(LedgerError, match="readings is append-only"),
            ledger._connection(write=True) as connection,
        ):
            connection.exec_driver_sql("DELETE FROM readings")


@pytest.mark.sqlite_file
@pytest.mark.parametrize("on", ["sqlite", "postgresql"])
def test_the_steps_lead_to_what_a_new_ledger_is(tmp_path, request, on):
    if on == "sqlite":
        new, stepped = tmp_path / "new.db", tmp_path / "stepped.db"
    else:
        address = request.getfixturevalue("place")
        new, stepped = address + "_new", address + "_stepped"
    Ledger.create(new, campaign="c").close()
    with (
        closing(Database(stepped)) as database,
        database.connection(write=True) as connection,
    ):
        database.make_room(connection)
        upgrade(connection, 0)
    assert shape(new) == shape(stepped)


def shape(target: Path | str) -> dict[str, object]:
    """What a database says of its tables, in an order of its own."""
    found: dict[str, object] = {}
    with closing(Database(target)) as database, database.connection() as connection:
        seen = inspect(connection)
        for table in METADATA.tables:
            found[table] = {
                "columns": {
                    c["name"]: (str(c["type"]), c["nullable"]) for c in seen.get_columns(table)
                },
                "key": seen.get_pk_constraint(table)["constrained_columns"],
                "references": sorted(
                    (str(f["constrained_columns"]), f["referred_table"])
                    for f in seen.get_foreign_keys(table)
                ),
                "unique": sorted(
                    str(u["column_names"]) for u in seen.get_unique_constraints(table)
                ),
                "checks": sorted(
                    (str(c["name"]), c["sqltext"]) for c in seen.get_check_constraints(table)
                ),
            }
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if connection.dialect.name == "sqlite"
            else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND "
            "tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = "
            "current_schema()::regnamespace)"
        )
        found["triggers"] = sorted(connection.exec_driver_sql(query).scalars())
    return found


def test_a_step_that_fails_leaves_the_ledger_as_it_was(old, monkeypatch):
    path = old(1)
    before = everything(path)

    def fail(_connection: object) -> None:
        raise LedgerError("the power went")

    monkeypatch.setattr("experiments.ledger_migrations.seal_all", fail)
    with pytest.raises(LedgerError, match="the power went"):
        Ledger.migrate(path)
    assert everything(path) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_a_campaign_goes_on_after_it_was_migrated_and_a_copy_is_kept(old, tmp_path, version):
    old(version)
    write_config(CampaignConfig(name="lab", mlflow=MlflowConfig(track=False)), tmp_path)
    was, copy = bring_up_to_date(tmp_path)
    assert was == version
    assert copy is not None
    assert copy.name.startswith(f"ledger-schema-{version}-")
    with Ledger(copy) as kept:
        assert kept.schema_version == version
    assert bring_up_to_date(tmp_path) == (SCHEMA_VERSION, None)
    with Campaign.open(tmp_path, pictures=False) as campaign:
        assert campaign.verify() == []
        state = campaign.status()
        assert [row["id"] for row in state["rounds"]] == ["R01", "R02"]
        assert state["rounds"][0]["scored"]["n"] == 10
        assert campaign.simulate(seed=2).readings_added > 0
        assert campaign.verify() == []
