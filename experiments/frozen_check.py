"""Whether a round is still as it was frozen: in the ledger, and in its predictions.json."""

import json
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from experiments.canonical import digest_of
from experiments.frozen import (
    FILE_KEY,
    FROM_BACKUP,
    PARTS,
    TOTAL,
    altered_proposals,
    header_of,
    lost_round,
)
from experiments.ledger import Ledger
from features.errors import CampaignError, LedgerError

PREDICTIONS: Final = "predictions.json"


def altered_in_ledger(ledger: Ledger, round_id: str) -> list[str]:
    """What in the ledger no longer matches a round's hash: predictions, or the model they are of.

    Args:
        ledger: The campaign's ledger.
        round_id: The round.

    Returns:
        One sentence each; empty when all is as it was proposed.
    """
    proposals = ledger.proposals(round_id).to_dict("records")
    return _altered(ledger, round_id, _headers(ledger).get(round_id), proposals, {})


def altered_rounds(ledger: Ledger) -> dict[str, list[str]]:
    """The same of every round; rounds, proposals and each model are read once.

    Args:
        ledger: The campaign's ledger.

    Returns:
        By round, oldest first, and then those that are gone; empty lists where all is as it was
        proposed.
    """
    proposals, headers = _by_round(ledger), _headers(ledger)
    whole = dict[str, bool]()
    return {
        name: _altered(ledger, name, headers.get(name), proposals.get(name, []), whole)
        for name in dict.fromkeys([*headers, *proposals])
    }


def lost_rounds(ledger: Ledger) -> list[str]:
    """Rounds that are gone though their proposals are there, one sentence each.

    Args:
        ledger: The campaign's ledger.
    """
    proposed = [*map(str, ledger.proposals()["round_id"])]  # first: their round came before them
    rounds = {*map(str, ledger.rounds()["id"])}
    return [lost_round(name) for name in dict.fromkeys(proposed) if name not in rounds]


def _altered(
    ledger: Ledger,
    round_id: str,
    header: Mapping[str, Any] | None,
    proposals: Sequence[Mapping[Any, Any]],
    whole: dict[str, bool],
) -> list[str]:
    """The sentences; which models are whole is remembered in the last argument."""
    if header is None:
        return [lost_round(round_id)]
    found = [*altered_proposals(round_id, header, proposals)]
    for digest in sorted({str(row["model_sha256"]) for row in proposals}):
        if digest not in whole:
            whole[digest] = _is_model_whole(ledger, digest)
        if not whole[digest]:
            found.append(f"round {round_id}: the model frozen with it was altered; {FROM_BACKUP}")
    return found


def altered_in_file(ledger: Ledger, round_id: str, folder: Path) -> list[str]:
    """Whether a round's predictions.json still says what was frozen; a missing file is fine.

    Where the ledger itself was altered the file is the better witness, and is left alone.

    Args:
        ledger: The campaign's ledger.
        round_id: The round.
        folder: The round's folder.

    Returns:
        One sentence if it does not.
    """
    return _altered_in_file(ledger, round_id, _headers(ledger)[round_id], folder)


def altered_files(ledger: Ledger, folder: Path) -> list[str]:
    """The same of every round; the ledger's rounds are read once.

    Args:
        ledger: The campaign's ledger.
        folder: Where the rounds' folders lie.

    Returns:
        One sentence a file that does not.
    """
    return [
        sentence
        for name, header in _headers(ledger).items()
        for sentence in _altered_in_file(ledger, name, header, folder / name)
    ]


def _altered_in_file(
    ledger: Ledger, round_id: str, header: Mapping[str, Any], folder: Path
) -> list[str]:
    path = folder / PREDICTIONS
    if TOTAL not in header or not path.exists():
        return []
    wrong = _wrong_in_file(path, header)
    if not wrong or altered_in_ledger(ledger, round_id):
        return []
    return [
        f"{path}: {wrong} since round {round_id} was proposed; delete the file and record the "
        "round's files again: it is written anew from the ledger"
    ]


def refuse_altered(ledger: Ledger, rounds: Collection[str], folder: Path | None = None) -> None:
    """Refuse rounds whose frozen predictions are not those that were proposed.

    Args:
        ledger: The campaign's ledger.
        rounds: Ids; those the ledger lacks are passed over.
        folder: Where the rounds' folders lie; their files are not looked at without it.

    Raises:
        LedgerError: If the ledger was altered; names round and specimens.
        CampaignError: If a predictions.json was.
    """
    known = {*map(str, ledger.rounds()["id"]), *map(str, ledger.proposals()["round_id"])}
    for round_id in sorted(known & {*rounds}):
        if found := altered_in_ledger(ledger, round_id):
            raise LedgerError("ledger: " + "; ".join(found))
        if folder and (found := altered_in_file(ledger, round_id, folder / round_id)):
            raise CampaignError(found[0])


def refuse_any_altered(ledger: Ledger, folder: Path) -> None:
    """``refuse_altered`` of all rounds, each read once.

    Args:
        ledger: The campaign's ledger.
        folder: Where the rounds' folders lie.

    Raises:
        LedgerError: If the ledger was altered; names round and specimens.
        CampaignError: If a predictions.json was.
    """
    for found in altered_rounds(ledger).values():
        if found:
            raise LedgerError("ledger: " + "; ".join(found))
    if files := altered_files(ledger, folder):
        raise CampaignError(files[0])


def _is_model_whole(ledger: Ledger, digest: str) -> bool:
    try:
        return sha256(ledger.model(digest).encode()).hexdigest() == digest
    except LedgerError:  # it is not there any more
        return False


def _wrong_in_file(path: Path, header: Mapping[str, Any]) -> str:
    """What is wrong with the file, as a clause; empty when nothing."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        items = {str(item["id"]): item for item in (*plain["glasses"], *plain["trilayers"])}
    except (ValueError, KeyError, TypeError):
        return "is no round as JSON any more, so it was altered"
    parts = header.get(PARTS, {})
    names = [
        name
        for name in sorted({*parts, *items})
        if name not in parts or name not in items or digest_of(items[name]) != parts[name]
    ]
    if names:
        return f"what it says of {', '.join(names)} was altered"
    return "its sha256 was altered" if plain.get(FILE_KEY) != header[TOTAL] else ""


def _headers(ledger: Ledger) -> dict[str, Mapping[str, Any]]:
    rounds = ledger.rounds()
    return {
        str(name): header_of(config)
        for name, config in zip(rounds["id"], rounds["config"], strict=True)
    }


def _by_round(ledger: Ledger) -> dict[str, list[dict[Any, Any]]]:
    found = dict[str, list[dict[Any, Any]]]()
    for row in ledger.proposals().to_dict("records"):
        found.setdefault(str(row["round_id"]), []).append(row)
    return found
