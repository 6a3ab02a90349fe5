"""What the paper leaves open: planted once, re-derived when the user changes his mind, logged."""

from collections.abc import Mapping
from typing import Any

from experiments.acting import acting_by_itself
from experiments.config import AssumptionConfig, CampaignConfig
from experiments.ledger import Ledger
from experiments.paper import PaperData, paper_data


def plant_paper(ledger: Ledger, config: CampaignConfig, *, empty: bool = False) -> None:
    """Write the paper's data into a new ledger, and the assumptions they rest on.

    Args:
        ledger: A ledger without specimens.
        config: The assumptions.
        empty: Write only the assumptions.
    """
    data = paper_data(config.assumptions)
    with ledger.transaction() as tx:
        for key, value in config.assumptions.model_dump().items():
            tx.add_assumption_change(key, None, value)
        if empty:
            return
        for jar in data.jars:
            tx.add_jar(jar)
        for pellet in data.pellets:
            tx.add_pellet(pellet)
        for cell in data.cells:
            tx.add_cell(cell)
        for reading in data.readings:
            tx.add_reading(reading)
        for note in data.notes:
            tx.add_note(note)


def apply_assumptions(ledger: Ledger, config: CampaignConfig) -> list[str]:
    """Re-derive the paper's rows when an assumption was changed in ``campaign.yaml``.

    Nothing is overwritten: the new rows supersede the old ones, and the change is logged. It is
    signed as glassloop's own, since who edited the file is not known.

    Args:
        ledger: The campaign's ledger.
        config: The assumptions wanted now.

    Returns:
        The settings that changed; none when another process was quicker.
    """
    if not _changes(ledger, config):
        return []
    data = paper_data(config.assumptions)
    with acting_by_itself(), ledger.transaction() as tx:
        changes = _changes(ledger, config)  # again, now that nobody else can write
        if not changes:
            return []
        held = ledger.readings()
        versions = dict(zip(held["source"], held["version_id"], strict=True))
        cells = set(ledger.cells().index)
        for cell in data.cells:
            if cell.id in cells:
                tx.correct_cell(cell)
        for reading in data.readings:
            if reading.source in versions:
                tx.correct_reading(int(versions[reading.source]), reading)
        for key, (old, new) in changes.items():
            tx.add_assumption_change(key, old, new)
    return list(changes)


def assumptions_in_force(ledger: Ledger) -> dict[str, Any]:
    """The settings the ledger's rows were derived under."""
    log = ledger.assumption_changes()
    return dict(zip(log["key"], log["new"], strict=True))


def assumption_sentences(ledger: Ledger, config: CampaignConfig) -> list[str]:
    """What was assumed, one sentence each; empty when the paper's data are not used."""
    return list(paper_data(config.assumptions).assumptions) if _has_paper(ledger) else []


def both_readings(config: CampaignConfig) -> dict[str, list[Mapping[str, Any]]]:
    """The rows that hang on an assumption, as each answer gives them.

    Returns:
        By setting and value: source, specimen, property (or what of the cell), value and its
        temperature.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for temperature in (60, 25):
        other = AssumptionConfig(
            paper_temperature_c=temperature, paper_skin_mass=config.assumptions.paper_skin_mass
        )
        found[f"paper_temperature_c = {temperature}"] = _rows(paper_data(other))
    for skin in ("per_side", "total"):
        other = AssumptionConfig(
            paper_temperature_c=config.assumptions.paper_temperature_c, paper_skin_mass=skin
        )
        found[f"paper_skin_mass = {skin}"] = [
            {
                "source": "S20",
                "specimen": cell.id,
                "property": "skin_mass_mg",
                "value": cell.skin_mass_mg,
                "temperature_c": cell.temperature_c,
            }
            for cell in paper_data(other).cells
        ]
    return found


def _changes(ledger: Ledger, config: CampaignConfig) -> dict[str, tuple[Any, Any]]:
    """Settings that differ from those in force, each with what it was and is to be."""
    in_force = assumptions_in_force(ledger)
    return {
        key: (in_force.get(key), new)
        for key, new in config.assumptions.model_dump().items()
        if in_force.get(key) != new
    }


def _rows(data: PaperData) -> list[Mapping[str, Any]]:
    return [
        {
            "source": reading.source,
            "specimen": reading.specimen,
            "property": reading.property,
            "value": reading.lower,
            "temperature_c": reading.temperature_c,
        }
        for reading in data.readings
        if reading.trained and reading.source in ("S01", "S03")
    ]


def _has_paper(ledger: Ledger) -> bool:
    return bool((ledger.jars()["origin"] == "paper").any())
