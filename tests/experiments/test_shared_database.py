"""A group shares campaigns in PostgreSQL: one writer at a time, nothing lost, nothing mixed."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from experiments import cli
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig, read_config
from experiments.database_url import DATABASE_VARIABLE, ledger_url, schema_of
from experiments.ledger import JarRow, Ledger, NoteRow
from experiments.ledger_database import Database, name_aside
from experiments.storage import ledger_target
from experiments.tracking_home import home_of
from features.errors import CampaignError, LedgerError
from tests.experiments.sealed import seals_of
from tests.experiments.shared_database import place, server  # noqa: F401

SILENT = MlflowConfig(track=False)


def jar(name: str) -> JarRow:
    return JarRow(
        id=name, origin="lab", x=0.15, milling_time_h=3, milling_media="zirconia",
        milling_speed_rpm=500, batch_mass_g=2.0,
    )  # fmt: skip


def test_many_write_at_once_and_nothing_is_lost_or_doubled(place):  # noqa: F811
    Ledger.create(place, campaign="c").close()

    def write(person: int) -> None:
        with Ledger.open(place) as ledger:
            for number in range(10):
                with ledger.transaction() as tx:
                    held = len(ledger.jars())  # read when nobody else can write
                    tx.add_jar(jar(f"P{person}-{number}"))
                    tx.add_note(NoteRow(id=f"N{held}", text="the jar after so many"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with Ledger.open(place) as ledger:
        assert len(ledger.jars()) == 60
        assert set(ledger.notes()["id"]) == {f"N{number}" for number in range(60)}
        assert ledger.verify() == []


def test_a_stricter_default_of_the_database_does_not_break_the_seals(place):  # noqa: F811
    strict = f"{place}&options=-cdefault_transaction_isolation%3Drepeatable%5C%20read"
    Ledger.create(strict, campaign="c").close()

    def write(person: int) -> None:
        with Ledger.open(strict) as ledger:
            for number in range(10):
                with ledger.transaction() as tx:
                    tx.add_note(NoteRow(id=f"N{person}-{number}", text="x"))
                    time.sleep(0.01)  # so that the other waits

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    with Ledger.open(strict) as ledger:
        assert len(ledger.notes()) == 20
        assert ledger.verify() == []


def test_a_ledger_of_a_long_name_is_set_aside_again_and_again(tmp_path, server):  # noqa: F811
    names = ["Na3PS4 mit Sauerstoff und Selen", "Na3PS4 mit Sauerstoff und Schwefel"]
    targets = [ledger_url(server, name) for name in names]
    assert all(len(schema_of(name)) == 52 for name in names)
    aside = []
    for number, target in enumerate(targets):
        copy = tmp_path / f"{number}.db"
        with Ledger.create(target, campaign="c") as ledger:
            ledger.copy_to_file(copy)
        for moment in ("20261129t120000z", "20261129t120001z"):
            aside.append(Ledger.put_in_place(target, copy, aside=moment))
    database = Database(server)
    with database.connection() as connection:
        query = "SELECT nspname FROM pg_namespace"
        there = set(connection.exec_driver_sql(query).scalars())
    database.close()
    assert len({*aside}) == 4
    assert there >= {*aside}
    assert aside[1].endswith("_20261129t120001z")
    for target in targets:
        with Ledger.open(target) as ledger:
            assert ledger.verify() == []


def test_a_name_set_aside_fits_in_bytes_too():
    aside = name_aside("ü" * 30, "20261129t120000z")
    assert len(aside.encode()) <= 63
    assert aside.endswith("_20261129t120000z")
    assert Ledger("postgresql://lab@h/db").where == "postgresql+psycopg://lab@h/db"


def test_a_writer_that_never_ends_is_named(place, monkeypatch):  # noqa: F811
    monkeypatch.setattr("experiments.ledger_database.BUSY_TIMEOUT_S", 0.2)
    with Ledger.create(place, campaign="c") as ledger, ledger.transaction() as tx:
        tx.add_jar(jar("G1"))
        with (
            Ledger.open(place) as other,
            pytest.raises(LedgerError, match="another process is writing to it"),
            other.transaction() as second,
        ):
            second.add_jar(jar("G2"))
    with Ledger.open(place) as ledger:
        assert list(ledger.jars().index) == ["G1"]


def test_a_reader_sees_one_moment(place):  # noqa: F811
    with Ledger.create(place, campaign="c") as ledger, Ledger.open(place) as other:
        with ledger._connection() as connection:
            count = "SELECT count(*) FROM specimens"
            before = connection.exec_driver_sql(count).scalar_one()
            with other.transaction() as tx:
                tx.add_jar(jar("G1"))
            assert connection.exec_driver_sql(count).scalar_one() == before
        assert list(ledger.jars().index) == ["G1"]


def test_all_that_is_kept_is_of_one_moment(place):  # noqa: F811
    with Ledger.create(place, campaign="c") as ledger, Ledger.open(place) as other:
        with ledger.kept():
            with other.transaction() as tx:
                tx.add_jar(jar("G1"))
            assert ledger.jars().empty
            with ledger.transaction() as tx:  # who writes reads what is there now
                assert list(ledger.jars().index) == ["G1"]
                tx.add_jar(jar("G2"))
            assert list(ledger.jars().index) == ["G1", "G2"]
        assert list(ledger.jars().index) == ["G1", "G2"]


def test_who_thinks_long_between_two_readings_keeps_the_moment(place):  # noqa: F811
    impatient = f"{place}&options=-cidle_in_transaction_session_timeout%3D300"
    with Ledger.create(impatient, campaign="c") as ledger, ledger.kept():
        state = ledger.state()
        time.sleep(1.0)
        assert ledger.state() == state


def disconnect(ledger: Ledger, place: str) -> None:  # noqa: F811
    """The server ends the connection that a moment is read through."""
    pid = ledger._kept.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with Ledger.open(place) as other, other._connection() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")


def test_a_moment_whose_connection_was_lost_is_left_without_a_complaint(place):  # noqa: F811
    with Ledger.create(place, campaign="c") as ledger:
        with ledger.kept():
            found = ledger.jars()
            disconnect(ledger, place)
        assert found.empty
        assert ledger.jars().empty


def test_what_was_read_through_a_lost_connection_is_said_and_writing_goes_on(place):  # noqa: F811
    with Ledger.create(place, campaign="c") as ledger, ledger.kept():
        ledger.jars()
        disconnect(ledger, place)
        with pytest.raises(LedgerError, match="went away"):
            ledger.cells()
        with ledger.transaction() as tx:
            tx.add_jar(jar("G1"))
        assert list(ledger.jars().index) == ["G1"]


def test_a_write_is_not_called_failed_because_a_reading_was_lost(place):  # noqa: F811
    with Ledger.create(place, campaign="c") as ledger, ledger.kept():
        with ledger.transaction() as tx:
            ledger.jars()
            tx.add_jar(jar("G1"))
            disconnect(ledger, place)
        assert list(ledger.jars().index) == ["G1"]


def test_a_ledger_is_not_replaced_under_who_reads_it(tmp_path, server, monkeypatch):  # noqa: F811
    monkeypatch.setattr("experiments.ledger_database.BUSY_TIMEOUT_S", 0.2)
    target, copy = ledger_url(server, "read while replaced"), tmp_path / "copy.db"
    with Ledger.create(target, campaign="read while replaced") as ledger:
        with ledger.transaction() as tx:
            tx.add_jar(jar("G1"))
        ledger.copy_to_file(copy)
        with ledger.kept():
            with pytest.raises(LedgerError, match="did not finish in time"):
                Ledger.put_in_place(target, copy, aside="a")
            assert list(ledger.jars().index) == ["G1"]
        assert Ledger.put_in_place(target, copy, aside="a") is not None
        assert list(ledger.jars().index) == ["G1"]


def test_campaigns_of_one_database_do_not_see_each_other(tmp_path, server):  # noqa: F811
    configs = [CampaignConfig(name=n, database=server, mlflow=SILENT) for n in ("ours", "Ours")]
    for config in configs:
        Campaign.create(tmp_path / config.name, config, empty=True).close()
    with Campaign.open(tmp_path / "ours") as first, first.ledger.transaction() as tx:
        tx.add_jar(jar("G1"))
    with Campaign.open(tmp_path / "Ours") as second:
        assert second.ledger.jars().empty
        assert second.verify() == []
    with pytest.raises(LedgerError, match="exists already; open it, or choose another place or"):
        Campaign.create(tmp_path / "again", configs[0])
    assert not (tmp_path / "again").exists()


def test_somebody_joins_a_campaign_and_both_work_on(tmp_path, server):  # noqa: F811
    config = CampaignConfig(name="joined", seed=5, database=server, mlflow=SILENT)
    with Campaign.create(tmp_path / "first", config, pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
    name = CampaignConfig(name="joined", database=server, mlflow=SILENT)
    with Campaign.join(tmp_path / "second", name) as joined:
        assert joined.config.seed == 5
        assert joined.open_rounds() == ["R01"]
        assert joined.show("R01")["glasses"]
        assert (tmp_path / "second/rounds/R01/batch_sheet.html").is_file()
        joined.end_round("R01")
    with Campaign.open(tmp_path / "first") as campaign:
        assert campaign.open_rounds() == []
    with pytest.raises(LedgerError, match="holds no campaign 'nobody'"):
        Campaign.join(tmp_path / "x", CampaignConfig(name="nobody", database=server))
    with pytest.raises(CampaignError, match="only a campaign in a shared database can be joined"):
        Campaign.join(tmp_path / "x", CampaignConfig(name="joined"))
    assert not (tmp_path / "x").exists()


def test_the_environment_brings_what_the_file_must_not_hold(tmp_path, server, monkeypatch):  # noqa: F811
    config = CampaignConfig(
        name="secret", database="postgresql://lab@127.0.0.1:1/nowhere", mlflow=SILENT
    )
    monkeypatch.setenv(DATABASE_VARIABLE, server.replace("lab@", "lab:geheim@"))
    Campaign.create(tmp_path / "c", config, empty=True).close()
    assert "geheim" not in "".join(
        file.read_text(encoding="utf-8") for file in (tmp_path / "c").iterdir() if file.is_file()
    )
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://lab:geheim@127.0.0.1:1/nowhere")
    with pytest.raises(LedgerError, match="does not answer or went away; see whether") as refused:
        Campaign.open(tmp_path / "c")
    assert "geheim" not in str(refused.value)


ODD = [
    "postgresql://lab:SEC[RET@127.0.0.1:1/db",
    "postgresql://lab:SEC@RET@127.0.0.1:1/db",
    "postgresql://lab:SEC/RET@127.0.0.1:1/db",
    "postgresql://lab:SEC#RET@127.0.0.1:1/db",
    "postgresql://lab:SEC?RET@127.0.0.1:1/db",
    "postgresql://lab:12?SEC=RET@127.0.0.1:1/db",
    "postgresql://lab:SECRET@127.0.0.1:x1/db",
    "mysql://lab@127.0.0.1:1/db?password=SEC'RET",
]
"""No addresses; whoever wrote one meant SECRET to be secret."""


@pytest.mark.parametrize("url", ODD)
def test_an_environment_that_holds_no_address_is_refused_without_its_password(
    tmp_path, monkeypatch, url
):
    config = CampaignConfig(name="c", database="postgresql://lab@127.0.0.1:1/db", mlflow=SILENT)
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    for look in (ledger_target, lambda folder, config: home_of(config, folder, "0f")):
        with pytest.raises(CampaignError, match=r"must be a URL such as .*\*\*\*") as refused:
            look(tmp_path, config)
        assert str(refused.value).startswith(f"{DATABASE_VARIABLE}: ")
        assert not re.search("SEC|RET", str(refused.value))


@pytest.mark.parametrize("url", [*ODD, "postgresql://lab@127.0.0.1:1/db?sslpassword=SECRET"])
def test_init_shows_no_password(tmp_path, url):
    done = CliRunner().invoke(cli.app, ["init", str(tmp_path / "c"), "--database", url])
    said = f"{done.output}{done.exception}"
    assert isinstance(done.exception, CampaignError | LedgerError)
    assert not re.search("SEC|RET", said)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://lab@127.0.0.1:1/db?password=SECRET", "password=***"),
        ("postgresql://lab@127.0.0.1:1/db?sslpassword=SEC'RET&a=b", "sslpassword=***"),
        ("postgresql://lab:SEC%40RET@127.0.0.1:1/db", "lab:***@127"),
        ("postgresql://lab:SEC@RET@127.0.0.1:1/db", "lab:***@127"),
        ("mysql://lab@127.0.0.1:1/db?password=SECRET", "password=***"),
    ],
)
def test_a_ledger_out_of_reach_is_named_without_its_password(url, shown):
    with pytest.raises(LedgerError, match=re.escape(shown)) as refused:
        Ledger.open(url)
    assert not re.search("SEC|RET", str(refused.value))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://lab:SEC[RET@host/db", "database must hold no password"),
        ("postgresql://lab@host/db?sslpassword=X", "database must hold no password"),
        ("postgresql://lab@host/db?passWord=X", "database must hold no password"),
        ("postgresql://lab:secret@host/db", "database must hold no password"),
        ("postgresql://lab@host/db?password=secret", "database must hold no password"),
        ("mysql://lab@host/db", "database must be a URL such as postgresql://user@host/database"),
        ("postgresql://host", "database must be a URL such as"),
        ("ledger.db", "database must be a URL such as"),
        ("postgresql://[", "database must be a URL such as"),
    ],
)
def test_an_address_that_will_not_do_is_refused_in_the_file(tmp_path, url, said):
    (tmp_path / "campaign.yaml").write_text(f"name: c\ndatabase: '{url}'\n", encoding="utf-8")
    with pytest.raises(CampaignError, match=said):
        read_config(tmp_path / "campaign.yaml")


def test_a_ledger_in_two_places_is_refused(tmp_path):
    (tmp_path / "ledger.db").touch()
    config = CampaignConfig(name="c", database="postgresql://lab@host/db")
    with pytest.raises(CampaignError, match="must be in one place, got this file and 'database'"):
        ledger_target(tmp_path, config)


def test_mlflow_lies_in_the_same_database_and_a_plan_leaves_it_alone(tmp_path, server):  # noqa: F811
    config = CampaignConfig(name="tracked", database=server)
    with Campaign.create(tmp_path / "lab/c", config, pictures=False) as campaign:
        round_ = campaign.propose(glasses=1, trilayers=0)
        assert round_["mlflow_run_id"]
        before = seals_of(campaign.ledger)
        copy = tmp_path / "copy.db"
        campaign.ledger.fantasy_copy(copy)
        assert seals_of(campaign.ledger) == before
        assert campaign.kind == "real"
    with Ledger.open(copy) as imagined:
        assert imagined.kind == "simulated"
    database = Database(server)
    with database.connection() as connection:
        query = "SELECT count(*) FROM glassloop_mlflow.runs"
        assert connection.exec_driver_sql(query).scalar_one() > 0
    database.close()
    assert not list((tmp_path / "lab").rglob("mlflow.db"))
