"""MLflow after a ledger was taken back from a backup: what was told since is marked as given up."""

from collections.abc import Collection
from typing import Any

from mlflow import MlflowClient

from experiments.tracking_events import newest_event
from experiments.tracking_home import Home, without_password
from experiments.tracking_shelf import ROUND
from experiments.tracking_store import CAMPAIGN_ID, TROUBLE, fast_and_quiet, make_room, reason

_AT_ONCE = 200


def give_up_runs(
    home: Home, rounds: Collection[str], newest: int, *, moment: str
) -> tuple[list[str], str | None]:
    """Rename runs that know more than the ledger does now. Never raises because of MLflow.

    A run of a round that is no longer in the ledger, or that was told an event the ledger does
    not have, keeps all it holds under another round's name, so that the round can be told anew.

    Args:
        home: Where the campaign is kept.
        rounds: Ids of the ledger's rounds.
        newest: The newest event in the ledger's outbox; 0 for none.
        moment: When the ledger was taken back.

    Returns:
        Rounds of the ledger that MLflow must be told of again, and what went wrong if anything
        did.
    """
    again: set[str] = set()
    with fast_and_quiet():
        try:
            make_room(home.tracking_uri)
            client = MlflowClient(tracking_uri=home.tracking_uri)
            mine = f"tags.`{CAMPAIGN_ID}` = '{home.campaign_id}'"
            experiments = [
                one.experiment_id for one in client.search_experiments(filter_string=mine)
            ]
            found = _runs(client, experiments, mine)
            gone = {
                str(run.data.tags[ROUND])
                for run in found
                if run.data.tags[ROUND] not in rounds or newest_event(run) > newest
            }
            for run in found:
                if run.data.tags[ROUND] in gone:
                    name = f"{run.data.tags[ROUND]} (given up {moment})"
                    client.set_tag(run.info.run_id, ROUND, name)
            again = gone & {*rounds} if experiments else {*rounds}  # a store that knows nothing
        except TROUBLE as trouble:
            shown = without_password(home.tracking_uri)
            why = reason(home.tracking_uri, trouble)
            return sorted(again), f"MLflow at {shown}: runs given up were not marked ({why})"
    return sorted(again), None


def _runs(client: MlflowClient, experiments: list[str], mine: str) -> list[Any]:
    """All runs of rounds of this campaign, surrogates' runs inside them too."""
    found: list[Any] = []
    token = None
    while experiments:
        page = client.search_runs(experiments, mine, max_results=_AT_ONCE, page_token=token)
        found += [run for run in page if ROUND in run.data.tags]
        token = page.token
        if not token:
            break
    return found
