"""A person changes a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.acting import acting_now
from experiments.campaign import Campaign
from experiments.draft_edits import edited
from experiments.draft_gain import gains_of
from experiments.draft_plan import checked_choice, cost_of, round_of, warnings_of
from experiments.draft_record import Draft, current_draft, write_version
from experiments.draft_sheet import Names
from experiments.round_ledger import Also, refuse_unsafe


def edit_draft(
    campaign: Campaign,
    draft_id: str,
    version: int,
    edits: Sequence[Mapping[str, Any]],
    *,
    also: Also = None,
) -> Draft:
    """Change a draft; all edits are taken, or none.

    Args:
        campaign: Where.
        draft_id: Such as ``D01``.
        version: The version that was looked at.
        edits: Plain JSON, see ``draft_edits.edited``.
        also: Writes more in the same transaction, given the draft's id.

    Returns:
        The next version.

    Raises:
        CampaignError: If there is none of that id.
        ConflictError: If it is no longer open, or was changed meanwhile.
        InputError: With everything that is wrong with the edits, or with the draft after them.
        UnsafeProposalError: If what the draft asks for then breaks a rule of every sheet.
    """
    ledger, config = campaign.ledger, campaign.config
    with ledger.kept():
        draft = current_draft(ledger, draft_id, version)
        recovery = config.equipment.expected_recovery
        jars = [str(jar) for jar in ledger.stock(expected_recovery=recovery)["jar"]]
        sheet, problems = edited(draft.sheet, edits, person=acting_now().name, jars=jars)
        choice = checked_choice(ledger, config, sheet, Names(), problems)
        knowledge = campaign.knowledge()
        planned = round_of(ledger, config, knowledge, choice, sheet.budget_h)
        refuse_unsafe(ledger, config, planned, searched=False)
        begun = draft.ledger_state
        changed = replace(
            draft,
            version=version + 1,
            sheet=sheet,
            planned=planned,
            gain=gains_of(knowledge, config, sheet, choice),
            cost=cost_of(config, sheet),
            warnings=warnings_of(ledger, config, sheet, planned, begun=begun, names=Names()),
        )
    return write_version(campaign.ledger, changed, also)
