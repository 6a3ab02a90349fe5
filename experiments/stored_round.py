"""A round as it was proposed, read back from the ledger."""

from typing import Any

from experiments.ledger import Ledger
from features.errors import CampaignError


def stored_round(ledger: Ledger, wanted: str) -> dict[str, Any]:
    """A round as it was proposed, from the ledger; ``mlflow_run_id`` is not filled in.

    Raises:
        CampaignError: If there is no such round.
    """
    configs = {str(row["id"]): row["config"] for row in ledger.rounds().to_dict("records")}
    if wanted not in configs:
        known = ", ".join(configs) or "none yet"
        raise CampaignError(f"there is no round {wanted!r}; rounds: {known}")
    items = {"glass": list[dict[str, Any]](), "trilayer": list[dict[str, Any]]()}
    for row in ledger.proposals(wanted).to_dict("records"):
        items[str(row["kind"])].append({**row["recipe"], "predictions": row["prediction"]})
    frozen = configs[wanted]
    return {
        # Rounds of older versions do not say what their masses were computed with; what was the
        # configuration then does.
        **({"assays": frozen["campaign"]["assays"]} if "assays" in frozen["campaign"] else {}),
        **frozen["round"],
        "simulated": ledger.kind == "simulated",
        "glasses": items["glass"],
        "trilayers": items["trilayer"],
    }
