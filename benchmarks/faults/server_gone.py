"""The database server, or MLflow's, goes away in the middle of record or propose."""

import random
import shutil
from pathlib import Path
from typing import Any

from benchmarks.faults import warm
from benchmarks.faults.killed import aftermath
from benchmarks.faults.postgres import Postgres, moved_to_server, private_server
from benchmarks.faults.subject import Subject, done, facts, propose, record
from benchmarks.faults.tally import Facts, Tally
from tests.experiments.private_servers import MlflowServer


def database_gone(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """PostgreSQL is killed, or ends the connection."""
    tally = Tally(
        "PostgreSQL gone in mid-transaction",
        how="the server is killed by SIGKILL with all its processes, or ends the connections "
        "(pg_terminate_backend), in turn, at a random moment from the first transaction on of "
        "record and propose: success or a sentence; the server is started, the same done again",
    )
    with private_server() as server:
        rng = random.Random(seed)
        for number in range(times):
            work = (record, propose)[number // 2 % 2]
            with tally.one_try(seed + number):
                _one(tally, subject, place / f"{seed}-{number}", server, work, rng, number)
    return tally


def _one(
    tally: Tally, subject: Subject, folder: Path, server: Postgres, work: Any, rng: random.Random,
    number: int,
) -> None:  # fmt: skip
    source, wanted = (
        (subject.filled, subject.settled)
        if work is record
        else (subject.recorded, subject.proposed)
    )
    subject.copy_of(source, folder)
    moved_to_server(folder, server.address, f"t{number}")
    running = warm.start(work, folder)
    running.go_on(rng.uniform(0.0, 1.0), event=1)
    was_over = running.is_over
    if number % 2:
        server.terminate_backends()
    else:
        server.kill()
        if not was_over:
            running.go_on(2.0)
        server.start()
    outcome = running.wait()
    tally.counts["done before"] += was_over
    tally.counts["done all the same"] += outcome.error is None and not was_over
    if outcome.error is not None:
        tally.counts["refused with a sentence"] += outcome.is_user_error
        tally.insist(outcome.is_user_error, f"try {number}: {outcome.error}")
    aftermath(tally, work, folder, wanted, acknowledged=outcome.acknowledged > 0)
    shutil.rmtree(folder)


def mlflow_gone(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """MLflow's server is killed while it is told; the next command tells it the rest."""
    tally = Tally(
        "MLflow's server gone while it is told",
        how="a real 'mlflow server' is killed by SIGKILL with its processes at a random moment "
        "from the first transaction on of record: it must end well; the server is started, the "
        "next command must tell the rest, with one run for each round",
    )
    rng = random.Random(seed)
    for number in range(times):
        folder, store = place / f"{seed}-{number}", place / f"server {seed}-{number}"
        store.mkdir(parents=True)  # a copy of a campaign needs a store of its own
        server = MlflowServer(f"sqlite:///{store}/mlflow.db", store)
        try:
            with tally.one_try(seed + number):
                server.wait()
                subject.copy_of(subject.filled, folder)
                track_at(folder, server.uri)
                running = warm.start(record, folder)
                running.go_on(rng.uniform(0.0, 6.0), event=1)
                tally.counts["told before"] += running.is_over
                server.kill()
                outcome = running.wait()
                tally.insist(outcome.error is None, f"try {number}: {outcome.error}")
                server.start()
                server.wait()
                found, waiting, runs, faults = done(warm.run(told, folder))
                tally.compare({**subject.settled, "outbox": found["outbox"]}, found)
                tally.verified(faults)
                tally.lost += len(waiting)
                tally.failures += waiting
                tally.insist(runs == ["R02"], f"try {number}: MLflow has runs of rounds {runs}")
        finally:
            server.kill()
    return tally


def track_at(folder: Path, uri: str) -> None:
    """Let a campaign tell an MLflow server from now on."""
    from experiments.config import CONFIG_NAME, MlflowConfig, read_config, write_config

    config = read_config(folder / CONFIG_NAME)
    mlflow = MlflowConfig(tracking_uri=uri)
    write_config(config.model_copy(update={"mlflow": mlflow}), folder)


def told(folder: Path) -> tuple[Facts, list[str], list[str], list[str]]:
    """The next command: facts, messages still waiting, rounds MLflow has runs of, faults."""
    from mlflow import MlflowClient

    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        campaign.deliver()
        client = MlflowClient(campaign.config.mlflow.tracking_uri)
        experiment = client.get_experiment_by_name(campaign.config.name)
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        rounds = [
            run.data.tags["glassloop.round"]
            for run in runs
            if "glassloop.round" in run.data.tags and "mlflow.parentRunId" not in run.data.tags
        ]
        held = facts(campaign.ledger)
        waiting = [f"waits: {error}" for error in campaign.ledger.outbox()["last_error"]]
        return held, waiting, sorted(rounds), campaign.verify()
