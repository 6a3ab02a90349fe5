"""The campaign that faults are done to, made once."""

import pytest

from benchmarks.faults.subject import Subject, made_subject


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return made_subject(tmp_path_factory.mktemp("subject"))
