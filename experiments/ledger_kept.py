"""Frames of a ledger, kept while nobody writes: read once and never old."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select

from experiments.ledger_columns import JsonText
from experiments.ledger_database import Database
from experiments.ledger_frames import frame


def table_frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """What a query gives, one dtype a column."""
    columns = {
        str(column.name): dict if isinstance(column.type, JsonText) else column.type.python_type
        for column in query.selected_columns
    }
    return frame(connection.execute(query).all(), columns)


@dataclass(slots=True)
class Kept:
    """Frames as they were read, until the database is changed.

    Attributes:
        connection: Through which they are read, and which knows whether anything changed.
        database: What it belongs to.
        version: What the database said of itself when they were read.
        frames: By query; queries are made once, see ``experiments.ledger``.
    """

    connection: Connection
    database: Database
    version: object = None
    frames: dict[Select[Any], pd.DataFrame] = field(default_factory=dict)

    def frame(self, connection: Connection, query: Select[Any]) -> pd.DataFrame:
        """What a query gives now."""
        if connection is not self.connection:
            return table_frame(connection, query)
        version = self.database.version(connection)
        if version != self.version:
            self.version = version
            self.frames.clear()
        if query not in self.frames:
            self.frames[query] = table_frame(connection, query)
        return self.frames[query].copy(deep=False)  # pandas copies on writing
