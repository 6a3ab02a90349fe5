"""A round in the ledger: specimens planned, predictions frozen, MLflow to be told."""

from collections.abc import Callable

from experiments.canonical import canonical
from experiments.config import CampaignConfig
from experiments.frozen import frozen_header
from experiments.frozen_baselines import with_baselines
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger, Transaction
from experiments.ledger_rows import CellRow, JarRow, Origin, OutboxRow, PelletRow, ProposalRow
from experiments.round_messages import opened_message
from experiments.round_plan import JAR_COLUMNS, Round

Also = Callable[[Transaction, str], None] | None
"""Writes more in the transaction that writes something, given its id; what it refuses is undone."""


def write_round(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    round_: Round,
    *,
    also: Also = None,
) -> None:
    """Write a planned round in one transaction, with what baselines expect of it, and its hash.

    Args:
        ledger: The campaign's ledger.
        config: The configuration as it stands.
        knowledge: The surrogates that predicted it; they are frozen.
        round_: The round as plain data.
        also: Writes more in the same transaction, before the round, given its id.
    """
    digest, body = knowledge.frozen()
    round_id, number = str(round_["round"]), int(str(round_["round"])[1:])
    round_ = with_baselines(config, knowledge, round_)
    round_ |= frozen_header(round_id, [*round_["glasses"], *round_["trilayers"]], digest)
    header = {k: v for k, v in round_.items() if k not in ("glasses", "trilayers")}
    origin: Origin = "simulated" if ledger.kind == "simulated" else "lab"
    told = opened_message(config, knowledge, round_, body) if config.mlflow.track else None
    with ledger.transaction() as tx:
        if also is not None:
            also(tx, round_id)
        tx.add_round(
            round_id,
            number=number,
            seed=config.seed,
            config={"campaign": config.model_dump(mode="json"), "round": header},
        )
        tx.add_model(canonical(body))
        for item in round_["glasses"]:
            recipe = item["recipe"]
            tx.add_jar(
                JarRow(
                    id=item["id"],
                    origin=origin,
                    round_id=round_id,
                    status="planned",
                    batch_mass_g=item["batch_mass_g"],
                    **{name: recipe[name] for name in JAR_COLUMNS},
                )
            )
            tx.add_pellet(
                PelletRow(
                    id=item["pellet"],
                    jar=item["id"],
                    round_id=round_id,
                    status="planned",
                    pressing_pressure_mpa=recipe["pressing_pressure_mpa"],
                    mass_mg=recipe["mass_mg"],
                )
            )
        for item in round_["trilayers"]:
            recipe = {k: v for k, v in item["recipe"].items() if not k.endswith("_recipe")}
            tx.add_cell(CellRow(id=item["id"], round_id=round_id, status="planned", **recipe))
        for kind, items in (("glass", round_["glasses"]), ("trilayer", round_["trilayers"])):
            for item in items:
                tx.add_proposal(
                    ProposalRow(
                        round_id=round_id,
                        specimen=item["id"],
                        kind=kind,
                        recipe={k: v for k, v in item.items() if k != "predictions"},
                        prediction=item["predictions"],
                        model_sha256=digest,
                        role=item["role"],
                        why=item["why"],
                    )
                )
        if told is not None:
            tx.add_outbox(OutboxRow(kind="round_opened", round_id=round_id, payload=told))
