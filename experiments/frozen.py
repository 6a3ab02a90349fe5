"""Predictions frozen when a round is proposed: their hash, and whether they still match it.

Each proposed specimen (recipe, masses, predictions, baselines) has a SHA-256 of its own, so that
what was altered can be named; the round's is over these, its id and its model. When it was
proposed, whether it became simulated, and MLflow's run are not part of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from experiments.canonical import digest_of

TOTAL: Final = "frozen_sha256"
"""Key of the round's hash, in its header."""

PARTS: Final = "frozen_items"
"""Key of the hashes of its specimens."""

FILE_KEY: Final = "sha256"
"""Key of the round's hash in the file."""

FROM_BACKUP: Final = "restore ledger.db from a backup"


def frozen_header(
    round_id: str, items: Sequence[Mapping[str, Any]], model_sha256: str
) -> dict[str, Any]:
    """What a round's header says of its frozen predictions.

    Args:
        round_id: The round.
        items: Its glasses and tri-layers as plain data.
        model_sha256: Hash of the model that predicted them.

    Returns:
        ``frozen_sha256`` and ``frozen_items``, a hash a specimen.

    Examples:
        >>> first = frozen_header("R01", [{"id": "R01-G1", "predictions": {}}], "0" * 64)
        >>> second = frozen_header("R01", [{"predictions": {}, "id": "R01-G1"}], "0" * 64)
        >>> first == second, len(first["frozen_sha256"])
        (True, 64)
    """
    parts = {str(item["id"]): digest_of(item) for item in items}
    return {TOTAL: _total(round_id, parts, model_sha256), PARTS: parts}


def lost_round(round_id: str) -> str:
    """The sentence about a round whose proposals are there and which is not."""
    return (
        f"round {round_id}: is no longer in the ledger, though what it proposed is; {FROM_BACKUP}"
    )


def altered_proposals(
    round_id: str, header: Mapping[str, Any], proposals: Sequence[Mapping[Any, Any]]
) -> Iterator[str]:
    """What in a ledger no longer matches the hash its round was frozen with.

    Args:
        round_id: The round.
        header: What the ledger says of the round beside its specimens.
        proposals: Rows of its proposals.

    Yields:
        A sentence for each specimen; nothing for a round frozen by a version without hashes.
    """
    if TOTAL not in header:
        return
    parts = header.get(PARTS, {})
    held = {str(row["specimen"]): _item(row) for row in proposals}
    where = f"round {round_id}"
    found = False
    for name in sorted({*parts, *held}):
        if name not in held:
            wrong = "is no longer there"
        elif name not in parts:
            wrong = "was added later"
        elif digest_of(held[name]) != parts[name]:
            wrong = "was altered"
        else:
            continue
        found = True
        yield f"{where}: the frozen prediction of {name} {wrong}; {FROM_BACKUP}"
    models = sorted({str(row["model_sha256"]) for row in proposals})
    if not found and (len(models) != 1 or header[TOTAL] != _total(round_id, parts, models[0])):
        yield f"{where}: the record of its frozen predictions was altered; {FROM_BACKUP}"


def as_file(round_: Mapping[str, Any]) -> dict[str, Any]:
    """A round as its predictions.json holds it: with the hash first, under a short name."""
    plain = dict(round_)
    total = plain.pop(TOTAL, None)
    return plain if total is None else {FILE_KEY: total, **plain}


def header_of(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a round's ``config`` column says of the round; empty in ledgers made by hand."""
    header = (config or {}).get("round")
    return header if isinstance(header, Mapping) else {}


def _item(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**row["recipe"], "predictions": row["prediction"]}


def _total(round_id: str, parts: Mapping[str, str], model_sha256: str) -> str:
    return digest_of({"round": round_id, "specimens": parts, "model": model_sha256})
