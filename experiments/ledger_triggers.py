"""The rule that the ledger is append-only, as triggers of each database."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from experiments.ledger_schema import APPEND_ONLY

_REFUSE: Final = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$
"""


def add_triggers(connection: Connection, tables: tuple[str, ...] = ()) -> None:
    """Let the database itself refuse to change or delete what was written.

    Args:
        connection: To a ledger whose tables are there and have no such triggers yet.
        tables: Only these; all that are append-only when left out.
    """
    names = tables or tuple(table.name for table in APPEND_ONLY)
    for statement in _statements(connection.dialect.name, names):
        connection.exec_driver_sql(statement)


def drop_triggers(connection: Connection, tables: tuple[str, ...]) -> None:
    """Take that rule away from tables of an SQLite copy, to be added again at once."""
    for name in tables:
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {name}_no_{verb}")


def _statements(dialect: str, names: tuple[str, ...]) -> Iterator[str]:
    if dialect == "postgresql":
        yield _REFUSE
        for name in names:
            yield (
                f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    elif dialect == "sqlite":
        for name in names:
            for verb in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                    f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
                )
