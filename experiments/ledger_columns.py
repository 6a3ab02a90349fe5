"""Kinds of columns and rules that the ledger's tables share, and the metadata they belong to."""

import json
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)

from features.errors import LedgerError

METADATA: Final = MetaData()

_SHOWN: Final = 60
"""Characters of a damaged field that are shown."""


class JsonText(TypeDecorator[Any]):
    """Plain JSON kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """A value to its text."""
        return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """A text to its value."""
        try:
            return None if value is None else json.loads(value)
        except ValueError as error:
            raise LedgerError(
                f"a field must hold JSON, got {value[:_SHOWN]!r}: the ledger is damaged; restore a "
                "backup"
            ) from error


def text(name: str, **options: Any) -> "Column[str]":
    """A text that is always there."""
    return Column(name, Text, nullable=False, **options)


def number(name: str, *, nullable: bool = True) -> "Column[float]":
    """A number."""
    return Column(name, Double, nullable=nullable)


def count(name: str) -> "Column[int]":
    """A whole number that is always there, of up to 64 bits on every database."""
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), nullable=False)


def refers(name: str, target: str, *, nullable: bool = False) -> "Column[str]":
    """The id of a row of another table."""
    return Column(name, Text, ForeignKey(target), nullable=nullable)


def one_of(name: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """The rule that a text is one of some words."""
    words = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{name} IN ({words})", name=f"{name}_is_{'_or_'.join(allowed)}")


def not_negative(*names: str) -> list[CheckConstraint]:
    """The rules that numbers are not below zero."""
    return [CheckConstraint(f"{name} >= 0", name=f"{name}_is_not_negative") for name in names]
