"""A draft as it stands in the ledger: one version of a proposal under discussion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.acting import acting_now
from experiments.draft_choice import reason_of, role_of, run_reason
from experiments.draft_sheet import Line, Names, Sheet, names_text
from experiments.ledger import Ledger
from experiments.ledger_rows import DraftRow, DraftState
from experiments.round_ledger import Also
from experiments.round_plan import Round
from features.errors import CampaignError, ConflictError


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A version of a draft.

    Attributes:
        id: Such as ``D01``.
        version: From 1; each edit is the next one.
        state: ``open``, ``accepted`` or ``discarded``.
        person: Who wrote this version.
        recorded_at: When.
        sheet: What is to be made.
        planned: The round it asked for when it was written, as plain data.
        gain: As ``gains_of``.
        cost: ``now_h``, ``proposed_h`` and ``in_words``.
        warnings: What a person should know before accepting it.
        ledger_state: What ``Ledger.state`` gave when the draft was begun.
        accepted_as: The round it became.
    """

    id: str
    version: int
    state: DraftState
    person: str
    recorded_at: str
    sheet: Sheet
    planned: Round
    gain: Mapping[str, Any]
    cost: Mapping[str, Any]
    warnings: tuple[str, ...]
    ledger_state: tuple[int, ...]
    accepted_as: str | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Glasses and cells as plain data, dropped ones too; ``id`` is what each would get."""
        planned = (*self.planned["glasses"], *self.planned["trilayers"])
        items = {str(item["id"]): item for item in planned}
        ids = self.sheet.ids(str(self.planned["round"]))
        return [self._row(line, items.get(ids.get(line.key, ""))) for line in self.sheet.lines]

    @property
    def run(self) -> dict[str, Any]:
        """Milling time and speed of all jars, now and as proposed, and why."""
        run = self.sheet.run
        return {
            **run.values,
            "proposed": dict(run.proposed),
            "edited_by": names_text(run.edited_by),
            "why": run_reason(run),
        }

    def as_round(self) -> Round:
        """As the round it would be, its rows named by their keys."""
        kept = [row for row in self.rows if not row["dropped"]]
        return {
            **self.planned,
            "round": f"draft {self.id}, version {self.version} ({self.state}),",
            "warnings": list(self.warnings),
            "glasses": [{**row, "id": row["key"]} for row in kept if row["kind"] == "glass"],
            "trilayers": [{**row, "id": row["key"]} for row in kept if row["kind"] == "cell"],
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "id": self.id,
            "version": self.version,
            "state": self.state,
            "person": self.person,
            "recorded_at": self.recorded_at,
            "campaign": self.planned["campaign"],
            "simulated": self.planned["simulated"],
            "round": self.accepted_as or self.planned["round"],
            "accepted_as": self.accepted_as,
            "rows": self.rows,
            "run": self.run,
            "warnings": list(self.warnings),
            "assumptions": self.planned["assumptions"],
            "counts": self.planned["counts"],
            "hypervolume": self.planned["hypervolume"],
            "budget": self.planned["budget"],
            "gain": dict(self.gain),
            "cost": dict(self.cost),
        }

    def body(self) -> dict[str, Any]:
        """What the ledger keeps beside id, version, state and person."""
        return {
            "sheet": self.sheet.to_dict(),
            "planned": self.planned,
            "gain": self.gain,
            "cost": self.cost,
            "warnings": self.warnings,
            "ledger_state": self.ledger_state,
            "accepted_as": self.accepted_as,
        }

    def as_row(self) -> DraftRow:
        """For the ledger, signed by who acts now."""
        return DraftRow(
            draft=self.id,
            version=self.version,
            state=self.state,
            body=self.body(),
            person=acting_now().name,
        )

    def _row(self, line: Line, item: Mapping[str, Any] | None) -> dict[str, Any]:
        """A row with what is expected of it; of one that is not made, nothing is."""
        sheet = self.sheet
        planned = item or {}
        layers = {
            name: value
            for name, value in planned.get("recipe", {}).items()
            if name.endswith("_recipe") or name == "mass_mg"
        }
        return {
            "key": line.key,
            "kind": line.kind,
            "id": planned.get("id"),
            "dropped": not sheet.is_kept(line),
            "dropped_with": list(sheet.dropped_with(line)),
            "edited_by": names_text(sheet.editors(line)),
            "recipe": {**sheet.full(line), **layers},
            "proposed": sheet.full_proposed(line),
            "role": planned.get("role", role_of(sheet, line)),
            "why": planned.get("why", reason_of(sheet, line, Names())),
            "predictions": planned.get("predictions", {}),
            "success": planned.get("success"),
            "explanation": planned.get("explanation"),
            "masses_mg": planned.get("masses_mg"),
            "batch_mass_g": planned.get("batch_mass_g"),
            "cost_h": planned.get("cost_h", 0.0),
        }


def read_draft(ledger: Ledger, draft_id: str) -> Draft:
    """The newest version of a draft.

    Args:
        ledger: The campaign's ledger.
        draft_id: Such as ``D01``.

    Raises:
        CampaignError: If there is none of that id.
    """
    held = {str(row["draft"]): row for row in ledger.drafts().to_dict("records")}
    if draft_id not in held:
        known = ", ".join(sorted(held)) or "none yet"
        raise CampaignError(
            f"there is no draft {draft_id!r}; drafts: {known}; make one with "
            "'glassloop propose --draft'"
        )
    row = held[draft_id]
    body = row["body"]
    return Draft(
        id=draft_id,
        version=int(row["version"]),
        state=row["state"],
        person=str(row["person"]),
        recorded_at=str(row["recorded_at"]),
        sheet=Sheet.from_dict(body["sheet"]),
        planned=body["planned"],
        gain=body["gain"],
        cost=body["cost"],
        warnings=tuple(body["warnings"]),
        ledger_state=tuple(body["ledger_state"]),
        accepted_as=body["accepted_as"],
    )


def open_draft(ledger: Ledger) -> Draft | None:
    """The draft under discussion; ``None`` when there is none."""
    held = ledger.drafts()
    waiting = held.loc[held["state"] == "open", "draft"]
    return read_draft(ledger, str(waiting.iloc[0])) if len(waiting) else None


def write_version(ledger: Ledger, draft: Draft, also: Also) -> Draft:
    """Write a version of a draft; what else is to be written is told the draft's id.

    Returns:
        The version as it stands in the ledger.

    Raises:
        ConflictError: If somebody wrote that version, or another draft, meanwhile.
    """
    with ledger.transaction() as tx:
        tx.add_draft(draft.as_row())
        if also is not None:
            also(tx, draft.id)
    return read_draft(ledger, draft.id)


def current_draft(ledger: Ledger, draft_id: str, version: int) -> Draft:
    """A draft that is open and of the version that somebody looked at.

    Args:
        ledger: The campaign's ledger.
        draft_id: Such as ``D01``.
        version: What they looked at.

    Raises:
        CampaignError: If there is none of that id.
        ConflictError: If it is no longer open, or was changed meanwhile.
    """
    draft = read_draft(ledger, draft_id)
    who = draft.person or "somebody"
    if draft.state != "open":
        became = f" as round {draft.accepted_as}" if draft.accepted_as else ""
        raise ConflictError(
            f"draft {draft_id}: was {draft.state}{became} by {who} at {draft.recorded_at}; look at "
            "the rounds, or propose anew"
        )
    if version != draft.version:
        raise ConflictError(
            f"draft {draft_id}: is at version {draft.version}, changed by {who} at "
            f"{draft.recorded_at}, got a change of version {version}; look at it again and repeat "
            "your change"
        )
    return draft
