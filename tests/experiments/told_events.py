"""Events as a campaign tells them, a fake outbox, and one store of MLflow for a module's tests.

Test modules that need it name it in ``pytest_plugins``; PYTEST_DONT_REWRITE, since by then the
search for doctests has imported it.
"""

import hashlib
import warnings
from dataclasses import dataclass, field
from typing import Any

import mlflow
import pytest

from experiments.tracking import Delivery, deliver
from experiments.tracking_home import Home

CSV = "specimen,property,lower,upper,se\nS01,ionic_conductivity,1e-5,1e-5,\nS02,hardness,,0.9,\n"
SHA256 = hashlib.sha256(CSV.encode()).hexdigest()


@dataclass(frozen=True)
class Event:
    id: int
    kind: str
    round_id: str
    payload: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class FakeOutbox:
    """Keeps what was not ticked off; ``crashes`` times it dies before ticking off."""

    events: list[Event]
    crashes: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)

    def pending(self):
        return list(self.events)

    def delivered(self, event_id):
        if self.crashes:
            self.crashes -= 1
            raise RuntimeError("power cut")
        self.events = [event for event in self.events if event.id != event_id]

    def failed(self, event_id, error):
        self.failures.append((event_id, error))


def id_of(campaign: str) -> str:
    """A campaign's id; every test has a campaign of its own in the one store."""
    return hashlib.sha256(campaign.encode()).hexdigest()[:32]


def home(uri, campaign="glasses", *, artifact_root=None, campaign_id=None) -> Home:
    return Home(
        tracking_uri=uri, artifact_root=artifact_root, campaign=campaign,
        campaign_id=campaign_id or id_of(campaign),
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One store for all tests, in a folder with a space and an umlaut in its name."""
    folder = tmp_path_factory.mktemp("Labor Mü")
    return f"sqlite:///{folder}/mlflow.db", (folder / "artifacts").as_uri()


@pytest.fixture
def experiment(request):
    """An experiment of the test's own, of a campaign of its own."""
    return request.node.name


@pytest.fixture
def send(store, experiment):
    def _send(outbox, uri=store[0], campaign_id=None) -> Delivery:
        return deliver(
            outbox, home(uri, experiment, artifact_root=store[1], campaign_id=campaign_id)
        )

    return _send


@pytest.fixture
def client(store):
    with warnings.catch_warnings():  # MLflow 3.17 on SQLAlchemy 2.1: "noload is deprecated"
        warnings.simplefilter("ignore")
        return mlflow.MlflowClient(tracking_uri=store[0])


def opened(event_id=1, round_id="R01", **more):
    payload = {
        "time_ms": 1_790_000_000_000,
        "params": {"seed": "0", "objectives": "ionic_conductivity,youngs_modulus"},
        "tags": {"glassloop.simulated": "false"},
        "metrics": {"hypervolume_glasses": 0.25, "log_score_ionic_conductivity": -0.5},
        "step": 1,
        "artifacts": {
            "predictions.json": '{"mean": "1 µS/cm"}',
            "sheets/batch.csv": "id\nR01-G1\n",
        },
        "dataset": {"name": "readings", "csv": CSV, "sha256": SHA256},
        "models": {"ionic_conductivity": {"kind": "PropertyGP"}},
    }
    return Event(event_id, "round_opened", round_id, payload | more)


def recorded(event_id=2, round_id="R01", **more):
    payload = {
        "time_ms": 1_790_000_600_000,
        "metrics": {"coverage_90": 0.9, "hypervolume_glasses": 0.4},
        "step": 2,
        "artifacts": {"scores.csv": "property,score\n"},
        "tags": {"glassloop.readings": "4"},
    }
    return Event(event_id, "round_recorded", round_id, payload | more)


def closed(event_id=3, round_id="R01"):
    return Event(event_id, "round_closed", round_id, {"time_ms": 1_790_000_900_000})


def rounds_of(client, experiment_id):
    return client.search_runs([experiment_id], "tags.`glassloop.kind` = 'round'")
