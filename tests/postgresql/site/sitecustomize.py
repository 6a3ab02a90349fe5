"""Lets every process a test starts use PostgreSQL too; found by ``PYTHONPATH``."""

import os
import sys
from pathlib import Path

if os.environ.get("GLASSLOOP_TEST_SERVER"):
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.postgresql.ledgers import use_postgresql

    use_postgresql()
