"""Drafts: proposals under discussion that a person may edit before they become a round.

A draft is begun, edited any number of times, and accepted or discarded. Every step is a version
in the ledger, written by somebody; predictions are frozen when it becomes a round::

    draft = begin_draft(campaign)
    draft = edit_draft(campaign, draft.id, draft.version, [{"row": "G2", "set": {"x": 0.2}}])
    round_ = accept_draft(campaign, draft.id, draft.version)
"""

from dataclasses import replace

from experiments.campaign import Campaign
from experiments.draft_edit import edit_draft
from experiments.draft_gain import gains_of
from experiments.draft_plan import checked_choice, cost_of, first_sheet, round_of, warnings_of
from experiments.draft_record import (
    Draft,
    current_draft,
    open_draft,
    read_draft,
    write_version,
)
from experiments.draft_sheet import Names
from experiments.ledger import Transaction
from experiments.round_ledger import Also, Plan, refuse_unsafe, write_as_of_now
from experiments.round_plan import Chooser, Round, choose_round, next_number, round_id
from features.errors import ConflictError

__all__ = [
    "Draft",
    "accept_draft",
    "begin_draft",
    "discard_draft",
    "edit_draft",
    "open_draft",
    "read_draft",
]


def begin_draft(
    campaign: Campaign,
    *,
    glasses: int | None = None,
    trilayers: int | None = None,
    budget_h: float | None = None,
    choose: Chooser = choose_round,
    also: Also = None,
) -> Draft:
    """Propose as ``Campaign.propose`` does, but as a draft and not as a round.

    Args:
        campaign: Where.
        glasses: Jars in the run; the configuration's number when left out.
        trilayers: Cells; the configuration's number when left out.
        budget_h: The most the round may cost, h.
        choose: What chooses the recipes.
        also: Writes more in the same transaction, given the draft's id.

    Returns:
        Version 1 of the draft.

    Raises:
        CampaignError: If more jars are asked for than are owned, or the budget pays for none.
        ConflictError: If a draft is open.
        SpaceError: If nothing new can be proposed.
        UnsafeProposalError: If what is proposed breaks a rule of every sheet.
    """
    ledger, config = campaign.ledger, campaign.config
    with ledger.kept():  # planned from one moment, whoever writes meanwhile
        if (held := open_draft(ledger)) is not None:
            raise ConflictError(
                f"draft {held.id} of {held.person or 'somebody'} is open since {held.recorded_at}; "
                "accept or discard it before another is proposed"
            )
        state = ledger.state()
        knowledge = campaign.knowledge()
        choice = choose(
            ledger,
            config,
            knowledge,
            glasses=config.batch.glasses if glasses is None else glasses,
            trilayers=config.batch.trilayers if trilayers is None else trilayers,
            budget_h=budget_h,
        )
        planned = round_of(ledger, config, knowledge, choice, budget_h)
        refuse_unsafe(ledger, config, planned, searched=True)
        sheet = first_sheet(ledger, choice, planned, budget_h)
        draft = Draft(
            id=f"D{len(ledger.drafts()) + 1:02d}",
            version=1,
            state="open",
            person="",
            recorded_at="",
            sheet=sheet,
            planned=planned,
            gain=gains_of(knowledge, config, sheet, choice),
            cost=cost_of(config, sheet),
            warnings=warnings_of(ledger, config, sheet, planned, begun=state, names=Names()),
            ledger_state=state,
        )
    return write_version(campaign.ledger, draft, also)


def accept_draft(campaign: Campaign, draft_id: str, version: int, *, also: Also = None) -> Round:
    """Make a draft a round: predictions are frozen from the surrogates as they are now.

    Round and accepted draft are written in one transaction; then the round's folder is written,
    and MLflow is told when it can be reached. Of what others write meanwhile nothing is missed: the
    draft is then checked and predicted again.

    Args:
        campaign: Where.
        draft_id: Such as ``D01``.
        version: The version that was looked at.
        also: Writes more in the same transaction, given the round's id.

    Returns:
        The round, as plain data.

    Raises:
        CampaignError: If there is none of that id.
        ConflictError: If it is no longer open, or was changed meanwhile, or if others change the
            ledger again and again while it is predicted.
        InputError: With everything that can no longer be made, by the ledger and ``campaign.yaml``
            as they are now.
        UnsafeProposalError: If the round would break a rule of every sheet.
    """
    ledger, config = campaign.ledger, campaign.config
    written = write_as_of_now(
        ledger,
        config,
        lambda: _as_planned(campaign, current_draft(ledger, draft_id, version), also),
    )
    return campaign.show(written)


def discard_draft(campaign: Campaign, draft_id: str, version: int, *, also: Also = None) -> Draft:
    """Close a draft that becomes no round; its versions stay in the ledger.

    Args:
        campaign: Where.
        draft_id: Such as ``D01``.
        version: The version that was looked at.
        also: Writes more in the same transaction, given the draft's id.

    Returns:
        Its last version.

    Raises:
        CampaignError: If there is none of that id.
        ConflictError: If it is no longer open, or was changed meanwhile.
    """
    draft = current_draft(campaign.ledger, draft_id, version)
    return write_version(
        campaign.ledger, replace(draft, version=version + 1, state="discarded"), also
    )


def _as_planned(campaign: Campaign, draft: Draft, also: Also) -> Plan:
    """The round a draft becomes with the data of now, and the draft accepted with it."""
    ledger, config = campaign.ledger, campaign.config
    sheet, begun = draft.sheet, draft.ledger_state
    names = Names(sheet.ids(round_id(next_number(ledger))), draft.id)
    choice = checked_choice(ledger, config, sheet, names)
    knowledge = campaign.knowledge()
    round_ = round_of(ledger, config, knowledge, choice, sheet.budget_h)
    warnings = warnings_of(ledger, config, sheet, round_, begun=begun, names=names)
    round_ |= {"warnings": list(warnings), "draft": draft.id}
    accepted = replace(
        draft,
        version=draft.version + 1,
        state="accepted",
        planned=round_,
        warnings=warnings,
        accepted_as=round_["round"],
    )

    def and_draft(tx: Transaction, name: str) -> None:
        tx.add_draft(accepted.as_row())
        if also is not None:
            also(tx, name)

    return Plan(knowledge, round_, campaign.making_room(and_draft))
