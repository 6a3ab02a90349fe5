"""PostgreSQL goes away while a campaign is recorded; for MLflow see test_mlflow_servers.py."""

from benchmarks.faults.server_gone import database_gone
from tests.faults.needs import clean, postgres


def test_a_database_that_goes_away_loses_and_doubles_nothing(subject, tmp_path):
    postgres()
    assert clean(database_gone(subject, tmp_path, times=2))
