"""Frames of a ledger, all of one moment, each read once."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select

from experiments.ledger_columns import JsonText
from experiments.ledger_database import end_reading
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
    """Frames as they were read, all of one moment.

    Attributes:
        connection: In the transaction they are read in.
        frames: By query; queries are made once, see ``experiments.ledger_reader``.
    """

    connection: Connection
    frames: dict[Select[Any], pd.DataFrame] = field(default_factory=dict)

    def frame(self, connection: Connection, query: Select[Any]) -> pd.DataFrame:
        """What a query gave at that moment."""
        if connection is not self.connection:
            return table_frame(connection, query)
        if query not in self.frames:
            self.frames[query] = table_frame(connection, query)
        return self.frames[query].copy(deep=False)  # pandas copies on writing

    def renew(self) -> None:
        """Let go of the moment: the next reading begins another."""
        self.frames.clear()
        end_reading(self.connection)
