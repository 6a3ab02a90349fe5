"""The seals of a ledger: one for each transaction that wrote anything."""

from sqlalchemy import select

from experiments.ledger import Ledger
from experiments.ledger_schema import SEALS


def seals_of(ledger: Ledger) -> list[tuple[object, ...]]:
    """All of them; equal lists mean that nothing was written in between."""
    with ledger._connection() as connection:
        return [tuple(row) for row in connection.execute(select(SEALS).order_by(SEALS.c.id))]
