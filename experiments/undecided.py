"""What an open round still waits for; read from the ledger alone, so it costs nothing."""

from experiments.ledger import Ledger
from experiments.recording import not_measured
from experiments.round_folder import asked_readings


def undecided(ledger: Ledger, round_id: str) -> list[str]:
    """What a round still waits for, one clause each; empty when it is complete."""
    jars, pellets, cells = ledger.jars(), ledger.pellets(), ledger.cells()
    status = {
        **dict(jars["status"]),
        **dict(pellets["status"]),
        **dict(cells["status"]),
    }
    lost = {name for name, value in status.items() if value in ("failed", "not_made")}
    lost |= {str(name) for name in pellets.index[pellets["jar"].isin(lost)]}
    lost |= {str(n) for n in cells.index[cells["core"].isin(lost) | cells["skin"].isin(lost)]}
    readings = ledger.readings()
    told = {*zip(readings["specimen"], readings["property"], strict=True)}
    told |= not_measured(ledger, round_id)
    items = [row["recipe"] for row in ledger.proposals(round_id).to_dict("records")]
    round_ = {
        "glasses": [item for item in items if "pellet" in item],
        "trilayers": [item for item in items if "pellet" not in item],
    }
    waits = [
        f"whether {name} was made"
        for item in items
        for name in (item["id"], item.get("pellet"))
        if name is not None and status.get(name) == "planned" and name not in lost
    ]
    waits += [
        f"{name} of {specimen}"
        for specimen, name in asked_readings(round_)
        if specimen not in lost and (specimen, name) not in told
    ]
    return waits
