"""Rows of a ledger on their way from one database to another, numbers and all."""

from sqlalchemy import Connection, Integer, MetaData, Table, delete, func, insert, select

from experiments.ledger_rules import RULES_KEY, remember_rules
from experiments.ledger_schema import META, METADATA, REVISION
from experiments.ledger_triggers import add_triggers

_AT_ONCE = 500
"""Rows of one statement."""


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every row, then forbid changing them; keys stay, and new rows go on after them.

    Args:
        source: To a ledger of the newest schema.
        target: To one without rows and without triggers.
    """
    for table in METADATA.sorted_tables:
        if table is not REVISION:
            _copy_table(table, source, target)
            _go_on_after(table, target)
    target.execute(delete(META).where(META.c.key == RULES_KEY))
    add_triggers(target)
    remember_rules(target)


def copy_all(source: Connection, target: Connection, *, tables_there: bool = False) -> None:
    """Copy tables of any schema with their rows, without looking at what they mean.

    Args:
        source: To a ledger of any version.
        target: To an empty database.
        tables_there: Whether the target has those tables already, without rows.
    """
    tables = MetaData()
    tables.reflect(source)
    for table in tables.sorted_tables:
        for column in table.columns:
            column.server_default = None  # a sequence of the server's
    if not tables_there:
        tables.create_all(target)
    for table in tables.sorted_tables:
        _copy_table(table, source, target)
        _go_on_after(table, target)


def _copy_table(table: Table, source: Connection, target: Connection) -> None:
    rows = source.execute(select(table).order_by(*table.primary_key)).mappings()
    for some in rows.partitions(_AT_ONCE):
        target.execute(insert(table), [dict(row) for row in some])


def _go_on_after(table: Table, target: Connection) -> None:
    """Let PostgreSQL count on after the keys that were copied."""
    key = next(iter(table.primary_key))
    if target.dialect.name != "postgresql" or not isinstance(key.type, Integer):
        return
    newest = select(func.max(key)).scalar_subquery()
    counter = func.pg_get_serial_sequence(table.name, key.name)
    target.execute(select(func.setval(counter, func.coalesce(newest, 1), newest.is_not(None))))
