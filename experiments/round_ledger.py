"""A round in the ledger: specimens planned, predictions frozen, MLflow to be told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from experiments.canonical import canonical
from experiments.config import CampaignConfig
from experiments.frozen import frozen_header
from experiments.frozen_baselines import with_baselines
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger, LedgerState, Transaction
from experiments.ledger_rows import CellRow, JarRow, Origin, OutboxRow, PelletRow, ProposalRow
from experiments.logs import note
from experiments.round_messages import opened_message
from experiments.round_plan import JAR_COLUMNS, Round
from experiments.safe_sheet import LAYER, Door, require_finite, require_safe
from features.errors import ConflictError, UnsafeProposalError

Also = Callable[[Transaction, str], None] | None
"""Writes more in the transaction that writes something, given its id; what it refuses is undone."""


PLANNED_AGAIN: Final = 3
"""How often a round is planned again because the ledger changed meanwhile."""


CAME_MEANWHILE: Final = (
    "readings were recorded while this round was planned, and it does not rest on them"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A round that is planned and not written yet.

    Attributes:
        knowledge: The surrogates that predicted it.
        round: The round as plain data.
        also: Writes more in the same transaction, given its id.
    """

    knowledge: Knowledge
    round: Round
    also: Also = None


def write_as_of_now(ledger: Ledger, config: CampaignConfig, plan: Callable[[], Plan]) -> str:
    """Plan a round and write it, planned with just the data that are in the ledger before it.

    When others write between the planning and the writing, it is planned again. Where somebody
    records without a pause that would never end: the last time, readings that came meanwhile are
    let be, and a warning of the round says so. Its predictions are still frozen before its results.

    Args:
        ledger: The campaign's ledger.
        config: The configuration as it stands.
        plan: Plans the round from the ledger as it is then.

    Returns:
        The round's id.

    Raises:
        ConflictError: If others make or plan specimens whenever it is planned.
    """
    for again in range(1 + PLANNED_AGAIN):
        with ledger.kept():  # planned from one moment, whoever writes meanwhile
            state = ledger.state()
            planned = plan()
        if write_round(
            ledger, config, planned.knowledge, planned.round,
            planned_at=state, spare_readings=again == PLANNED_AGAIN, also=planned.also,
        ):  # fmt: skip
            return str(planned.round["round"])
    raise ConflictError(
        f"round: was planned {1 + PLANNED_AGAIN} times and each time others changed the ledger "
        "meanwhile, nothing was written; try again when fewer people are recording"
    )


def refuse_unsafe(ledger: Ledger, config: CampaignConfig, round_: Round, *, searched: bool) -> None:
    """Refuse a round, or what a draft asks for, before anything of it is written.

    Args:
        ledger: The jars in stock.
        config: Limits of the laboratory.
        round_: The round as plain data.
        searched: Whether its rows are as proposed by this configuration, no person edited them.

    Raises:
        UnsafeProposalError: If it breaks a rule of every sheet.
    """
    stock = ledger.stock(expected_recovery=config.equipment.expected_recovery)
    left_mg = {str(jar): float(mg) for jar, mg in zip(stock["jar"], stock["left_mg"], strict=True)}
    jars = ledger.jars()[list(LAYER)].loc[list(left_mg)].to_dict("records")
    recipes = {
        jar: {str(k): v for k, v in row.items()} for jar, row in zip(left_mg, jars, strict=True)
    }
    require_safe(round_, config, Door(stock_mg=left_mg, recipes=recipes, searched=searched))


def _is_safe_now(
    ledger: Ledger, config: CampaignConfig, round_: Round, planned_at: LedgerState | None
) -> bool:
    """Whether a round may be written; False when others used its powder since it was planned.

    Raises:
        UnsafeProposalError: If it breaks a rule of every sheet as it was planned.
    """
    try:
        refuse_unsafe(ledger, config, round_, searched="draft" not in round_)
    except UnsafeProposalError:
        if planned_at is not None and ledger.state() != planned_at:
            return False
        raise
    return True


def write_round(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    round_: Round,
    *,
    planned_at: LedgerState | None = None,
    spare_readings: bool = False,
    also: Also = None,
) -> bool:
    """Write a planned round in one transaction, with what baselines expect of it, and its hash.

    Args:
        ledger: The campaign's ledger.
        config: The configuration as it stands.
        knowledge: The surrogates that predicted it; they are frozen.
        round_: The round as plain data.
        planned_at: ``Ledger.state`` before it was planned; not looked at when left out.
        spare_readings: Write it all the same when nothing but readings came since, with a warning.
        also: Writes more in the same transaction, before the round, given its id.

    Returns:
        False when the ledger changed since it was planned, and then nothing is written.

    Raises:
        UnsafeProposalError: If the round breaks a rule of every sheet; nothing is written.
    """
    if not _is_safe_now(ledger, config, round_, planned_at):
        return False
    digest, body = knowledge.frozen()
    round_id, number = str(round_["round"]), int(str(round_["round"])[1:])
    round_ = with_baselines(config, knowledge, round_)
    require_finite(round_)
    round_ |= frozen_header(round_id, [*round_["glasses"], *round_["trilayers"]], digest)
    header = {k: v for k, v in round_.items() if k not in ("glasses", "trilayers")}
    origin: Origin = "simulated" if ledger.kind == "simulated" else "lab"
    told = opened_message(config, knowledge, round_, body) if config.mlflow.track else None
    with ledger.transaction() as tx:
        now = ledger.state()
        if planned_at is not None and now != planned_at:
            if not (spare_readings and now.differs_in_readings_only(planned_at)):
                return False
            header["warnings"] = [*header["warnings"], CAME_MEANWHILE]
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
    note(
        "round proposed", campaign=config.name, round=round_id,
        glasses=len(round_["glasses"]), trilayers=len(round_["trilayers"]),
    )  # fmt: skip
    return True
