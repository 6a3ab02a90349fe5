"""Brings a ledger of an older schema up to date, with Alembic, in one transaction.

Each step is a revision in ``experiments/migrations/versions``. Alembic's own ``env.py`` and
configuration file are not needed: there is one connection, and it is given.
"""

from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select, update

from experiments.ledger_rules import remember_rules
from experiments.ledger_schema import META, REVISION, SCHEMA_VERSION, SEALS, revision_of
from experiments.ledger_seals import seal_all

_STEPS: Final = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, version: int, *, to: int = SCHEMA_VERSION) -> None:
    """Go from one version of the schema to a later one; what is there stays as it is.

    Rows that no seal knew are sealed as they are when the newest schema is reached.

    Args:
        connection: The writing one of a ledger; 0 is an empty database.
        version: The schema it has.
        to: The schema it shall have.
    """
    REVISION.create(connection, checkfirst=True)
    if version and connection.execute(select(REVISION)).first() is None:
        # Ledgers before schema 4 did not know Alembic, but say themselves how far they are.
        connection.execute(REVISION.insert().values(version_num=revision_of(version)))
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    target = revision_of(to)
    # What alembic.command.upgrade does; it has no public name for use without an env.py.
    context = EnvironmentContext(
        config,
        script,
        fn=lambda now, _: script._upgrade_revs(target, now),  # noqa: SLF001
    )
    with context:
        context.configure(connection=connection)
        context.run_migrations()
    if to < SCHEMA_VERSION:
        return
    is_version = META.c.key == "schema_version"
    connection.execute(update(META).where(is_version).values(value=str(to)))
    if connection.execute(select(func.count()).select_from(SEALS)).scalar_one() == 0:
        seal_all(connection)
    remember_rules(connection)
