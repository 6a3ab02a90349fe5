"""Writing to the ledger: the rules by which rows are added and corrected."""

import json
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any

from experiments.acting import acting_now
from experiments.ledger_rows import (
    CellRow,
    DraftRow,
    JarRow,
    Kind,
    LiteratureRow,
    NoteRow,
    OutboxRow,
    PelletRow,
    ProposalRow,
    ReadingRow,
    RequestRow,
    RoundEvent,
    SpecimenRow,
)
from experiments.ledger_schema import (
    ASSUMPTION_LOG,
    CHANGES,
    DRAFTS,
    FILES,
    LITERATURE,
    META,
    MODELS,
    NOTES,
    OUTBOX,
    PROPOSALS,
    READINGS,
    REQUESTS,
    ROUND_EVENT_LOG,
    ROUNDS,
    SPECIMENS,
    VERSIONS,
    LedgerTable,
    current,
    own_facts,
    storable,
)
from experiments.ledger_values import now
from experiments.ledger_writer import Writer
from features.errors import ConflictError, LedgerError


class Transaction:
    """One atomic piece of writing; made by ``Ledger.transaction``.

    Every ``add_`` raises LedgerError when an id is taken, when something it refers to is not in
    the ledger, and when a value breaks a rule of its table.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._where = writer.where
        self._now = now()
        self._done: list[dict[str, Any]] = []

    def add_jar(self, row: JarRow) -> None:
        """Add a jar that is not in the ledger yet."""
        self._add_specimen(row)

    def add_pellet(self, row: PelletRow) -> None:
        """Add a pellet of a jar in the ledger."""
        self._add_specimen(row)

    def add_cell(self, row: CellRow) -> None:
        """Add a cell of jars in the ledger."""
        self._add_specimen(row)

    def correct_jar(self, row: JarRow) -> bool:
        """Supersede the current version of a jar.

        Returns:
            False when nothing differs, and then nothing is written.
        """
        return self._correct_specimen(row)

    def correct_pellet(self, row: PelletRow) -> bool:
        """Supersede the current version of a pellet; False when nothing differs."""
        return self._correct_specimen(row)

    def correct_cell(self, row: CellRow) -> bool:
        """Supersede the current version of a cell; False when nothing differs."""
        return self._correct_specimen(row)

    def add_reading(self, row: ReadingRow) -> int:
        """Add a reading.

        Returns:
            Its version id, by which it can be corrected.
        """
        return self._insert_reading(row, supersedes=None)

    def correct_reading(self, version_id: int, row: ReadingRow) -> bool:
        """Supersede a current reading; with ``row.withdrawn`` it is taken back.

        Args:
            version_id: The version it replaces.
            row: The whole reading as it should be.

        Returns:
            False when nothing differs, and then nothing is written.

        Raises:
            LedgerError: If there is no such reading or it was superseded already.
        """
        if not self._may_supersede(READINGS, f"reading {version_id}", version_id, row):
            return False
        self._insert_reading(row, supersedes=version_id)
        return True

    def add_literature(self, row: LiteratureRow) -> int:
        """Add a value of the literature.

        Returns:
            Its version id, by which it can be corrected.
        """
        return self._insert_literature(row, supersedes=None)

    def correct_literature(self, version_id: int, row: LiteratureRow) -> bool:
        """Supersede a current value of the literature; see ``correct_reading``."""
        what = f"literature {version_id}"
        if not self._may_supersede(LITERATURE, what, version_id, row):
            return False
        self._insert_literature(row, supersedes=version_id)
        return True

    def add_round(
        self, round_id: str, *, number: int, seed: int, config: Mapping[str, Any]
    ) -> None:
        """Open a round.

        Args:
            round_id: Its id, such as ``R01``.
            number: Its number, used once.
            seed: Seed it was drawn with.
            config: The configuration as it stood, plain JSON.
        """
        self._writer.insert(
            ROUNDS,
            f"round {round_id}",
            {
                "id": round_id,
                "number": number,
                "opened_at": self._now,
                "seed": seed,
                "config": config,
            },
        )
        self.add_round_event(round_id, "opened")

    def add_round_event(
        self, round_id: str, event: RoundEvent, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Log what happened to a round; ``closed`` closes it, once.

        Args:
            round_id: The round.
            event: What happened.
            detail: Anything more, plain JSON.

        Raises:
            LedgerError: If the round does not exist, or is closed twice.
        """
        log = ROUND_EVENT_LOG.c
        is_close = (log.round_id == round_id) & (log.event == "closed")
        closed = self._writer.first(ROUND_EVENT_LOG.select().where(is_close))
        if event == "closed" and closed is not None:
            raise LedgerError(
                f"{self._where}: round {round_id}: is closed already, since {closed['at']}"
            )
        self._writer.insert(
            ROUND_EVENT_LOG,
            f"event of round {round_id}",
            {"round_id": round_id, "event": event, "at": self._now, "detail": detail},
        )
        if event in ("opened", "closed"):
            self._note(event, "round", round_id)

    def add_model(self, body: str) -> str:
        """Freeze a model; the same body is kept once.

        Args:
            body: The model as JSON text.

        Returns:
            The SHA-256 of the body, by which proposals name it.
        """
        digest = sha256(body.encode()).hexdigest()
        if self._writer.first(MODELS.select().where(MODELS.c.sha256 == digest)) is None:
            values = {"sha256": digest, "body": body, "recorded_at": self._now}
            self._writer.insert(MODELS, f"model {digest}", values)
        return digest

    def add_proposal(self, row: ProposalRow) -> None:
        """Freeze a proposal; round, specimen and model must be in the ledger."""
        self._writer.insert(
            PROPOSALS, f"proposal of {row.specimen}", _values(row) | {"recorded_at": self._now}
        )

    def add_note(self, row: NoteRow) -> None:
        """Add a statement that is shown and never a reading."""
        self._writer.insert(NOTES, f"note {row.id}", _values(row) | {"recorded_at": self._now})
        self._note("added", "note", row.id)

    def add_assumption_change(self, key: str, old: Any, new: Any) -> None:
        """Log that an assumption was changed, from one plain value to another."""
        values = {"changed_at": self._now, "key": key, "old": old, "new": new}
        self._writer.insert(ASSUMPTION_LOG, f"assumption {key}", values)
        self._note("changed", "assumption", key)

    def add_file(
        self,
        digest: str,
        *,
        name: str,
        round_id: str | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> bool:
        """Remember a recorded file by its hash.

        Args:
            digest: SHA-256 of its bytes.
            name: Its name.
            round_id: The round it belongs to.
            counts: How many rows of what it held.

        Returns:
            False when a file of the same content was recorded before.
        """
        if self._writer.first(FILES.select().where(FILES.c.sha256 == digest)) is not None:
            return False
        values = {
            "sha256": digest,
            "name": name,
            "round_id": round_id,
            "counts": counts or {},
            "recorded_at": self._now,
        }
        self._writer.insert(FILES, f"file {name}", values)
        return True

    def add_outbox(self, row: OutboxRow) -> int:
        """Leave a message for the tracking server, to be delivered after the commit.

        Returns:
            Its id.
        """
        values = _values(row) | {"created_at": self._now}
        return int(self._writer.insert(OUTBOX, f"message {row.kind}", values))

    def set_kind(self, kind: Kind) -> None:
        """Make the ledger simulated, for good.

        Args:
            kind: ``simulated``.

        Raises:
            LedgerError: If it holds a lab's own jars or readings, or would become real again.
        """
        if kind == self._kind():
            return
        if kind != "simulated":
            raise LedgerError(
                f"{self._where}: a {self._kind()} ledger never becomes {kind}; "
                "start a new campaign with 'glassloop init'"
            )
        if (own := self._writer.first(own_facts())) is not None:
            raise LedgerError(
                f"{self._where}: a ledger with a lab's own data cannot become simulated, "
                f"got {own['specimen']}; start a new campaign with 'glassloop init'"
            )
        self._writer.run(META.update().where(META.c.key == "kind").values(value=kind))
        self._note("became simulated", "campaign", "")

    def add_draft(self, row: DraftRow) -> None:
        """Add a version of a proposal under discussion.

        Args:
            row: Version 1 of a new draft, or the version after the newest of one that is open.

        Raises:
            ConflictError: If somebody wrote that version already, if the draft is no longer open,
                or, for a new draft, if another one is open.
        """
        newest = self._writer.first(
            DRAFTS.select().where(DRAFTS.c.draft == row.draft).order_by(DRAFTS.c.version.desc())
        )
        if newest is None:
            self._refuse_second_draft()
        elif newest["state"] != "open":
            raise ConflictError(
                f"draft {row.draft}: was {newest['state']} by {newest['person'] or 'somebody'} at "
                f"{newest['recorded_at']}; look at the rounds, or propose anew"
            )
        held = 0 if newest is None else int(newest["version"])
        if row.version != held + 1:
            raise ConflictError(
                f"draft {row.draft}: was changed by {(newest or {}).get('person') or 'somebody'} "
                f"to version {held} meanwhile, got a change of version {row.version - 1}; look at "
                "it again and repeat your change"
            )
        values = _values(row) | {"recorded_at": self._now}
        self._writer.insert(DRAFTS, f"draft {row.draft}", values)
        did = {1: "proposed"}.get(row.version, "edited") if row.state == "open" else row.state
        self._note(did, "draft", row.draft)

    def add_answer(self, row: RequestRow) -> None:
        """Remember what was answered to a request, in the transaction that did what it asked.

        Raises:
            LedgerError: If that person used the key before.
        """
        self._writer.insert(REQUESTS, f"request {row.key}", _values(row) | {"at": self._now})

    def sign(self) -> None:
        """Note who made the changes of this transaction, if any, and seal all it wrote."""
        if self._done:
            actor = acting_now()
            values = {"at": self._now, "person": actor.name, "door": actor.door, "what": self._done}
            self._writer.insert(CHANGES, "change", values)
            self._done = []
        self._writer.seal(self._now)

    def _note(self, did: str, what: str, name: str | int) -> None:
        self._done.append({"did": did, "what": what, "id": name})

    def _refuse_second_draft(self) -> None:
        newer = DRAFTS.alias("newer")
        query = (
            DRAFTS.select()
            .where(DRAFTS.c.state == "open")
            .where(
                ~newer.select()
                .where(newer.c.draft == DRAFTS.c.draft, newer.c.version > DRAFTS.c.version)
                .exists()
            )
        )
        if (held := self._writer.first(query)) is not None:
            raise ConflictError(
                f"draft {held['draft']} of {held['person'] or 'somebody'} is open since "
                f"{held['recorded_at']}; accept or discard it before another is proposed"
            )

    def _add_specimen(self, row: SpecimenRow) -> None:
        what = f"{row.kind} {row.id}"
        if self._kind_of(row.id) is not None:
            raise LedgerError(
                f"{self._where}: {what}: is in the ledger already; use correct_{row.kind} for a "
                "correction, or another id"
            )
        self._check(row)
        identity = {
            "id": row.id,
            "kind": row.kind,
            "round_id": row.round_id,
            "created_at": self._now,
        }
        with self._writer.savepoint():  # no specimen without a version, even if caught
            self._writer.insert(SPECIMENS, what, identity)
            self._insert_version(row, supersedes=None)

    def _correct_specimen(self, row: SpecimenRow) -> bool:
        table, where = VERSIONS[row.kind], f"{self._where}: {row.kind} {row.id}"
        held = self._writer.first(current(table).where(table.c.specimen == row.id))
        if held is None:
            raise LedgerError(f"{where}: is not in the ledger; add it before correcting it")
        if held["round_id"] != row.round_id:
            raise LedgerError(
                f"{where}: a specimen stays in its round, got {row.round_id} "
                f"(it is of {held['round_id']}); add another specimen instead"
            )
        if not _differs(held, storable(table, _version_values(row), where=where)):
            return False
        self._check(row)
        self._insert_version(row, supersedes=held["version_id"])
        return True

    def _check(self, row: SpecimenRow) -> None:
        where = f"{self._where}: {row.kind} {row.id}"
        for parent in row.parents:
            if self._kind_of(parent) != "jar":
                raise LedgerError(
                    f"{where}: must be made from jars of this ledger, got {parent!r}; "
                    "add the jar first"
                )
        if not isinstance(row, JarRow):
            return
        kind = self._kind()
        if kind == "real" and row.origin == "simulated":
            raise LedgerError(
                f"{where}: a real ledger holds no simulated jars; simulate in a campaign of its own"
            )
        made_by_lab = row.origin in {"lab", "history"} and row.status in {"made", "failed"}
        if kind == "simulated" and made_by_lab:
            raise LedgerError(
                f"{where}: a simulated ledger holds no jars made by a lab, got origin "
                f"{row.origin}; record them in a real campaign"
            )

    def _insert_version(self, row: SpecimenRow, *, supersedes: int | None) -> None:
        values = _version_values(row) | {"recorded_at": self._now, "supersedes": supersedes}
        key = self._writer.insert(VERSIONS[row.kind], f"{row.kind} {row.id}", values)
        did = "corrected" if supersedes is not None else "added"
        self._done.append({"did": did, "what": row.kind, "id": row.id, "version_id": key})

    def _insert_reading(self, row: ReadingRow, *, supersedes: int | None) -> int:
        what = f"reading of {row.property} on {row.specimen}"
        if row.protocol is not None:
            try:
                json.loads(row.protocol)
            except ValueError as error:
                raise LedgerError(
                    f"{self._where}: {what}: protocol must be JSON text, got {row.protocol!r}; "
                    "write it with json.dumps"
                ) from error
        values = _values(row) | {"recorded_at": self._now, "supersedes": supersedes}
        key = int(self._writer.insert(READINGS, what, values))
        did = "withdrawn" if row.withdrawn else "corrected" if supersedes is not None else "added"
        self._note(did, "reading", key)
        return key

    def _insert_literature(self, row: LiteratureRow, *, supersedes: int | None) -> int:
        what = f"literature: {row.property} of {row.source}, {row.specimen}"
        values = _values(row) | {"recorded_at": self._now, "supersedes": supersedes}
        key = int(self._writer.insert(LITERATURE, what, values))
        did = "withdrawn" if row.withdrawn else "corrected" if supersedes is not None else "added"
        self._note(did, "literature", key)
        return key

    def _may_supersede(
        self, table: LedgerTable, what: str, version_id: int, row: ReadingRow | LiteratureRow
    ) -> bool:
        """Whether a row says anything new of a version.

        Raises:
            LedgerError: If there is no such version or it was superseded already.
        """
        where = f"{self._where}: {what}"
        held = self._writer.first(table.select().where(table.c.version_id == version_id))
        if held is None:
            raise LedgerError(f"{where}: is not in the ledger; add it before correcting it")
        newer = self._writer.first(table.select().where(table.c.supersedes == version_id))
        if newer is not None:
            raise LedgerError(
                f"{where}: was superseded already; correct version {newer['version_id']} instead"
            )
        return _differs(held, storable(table, _values(row), where=where))

    def _kind_of(self, specimen: str) -> str | None:
        held = self._writer.first(SPECIMENS.select().where(SPECIMENS.c.id == specimen))
        return None if held is None else str(held["kind"])

    def _kind(self) -> str:
        held = self._writer.first(META.select().where(META.c.key == "kind"))
        return "" if held is None else str(held["value"])


def _values(row: Any) -> dict[str, Any]:
    """Fields of a row; shallow, unlike dataclasses.asdict."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _version_values(row: SpecimenRow) -> dict[str, Any]:
    """Fields of a specimen as columns of its table; the round belongs to its identity."""
    values = _values(row)
    values["specimen"] = values.pop("id")
    del values["round_id"]
    return values


def _differs(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return any(held[name] != value for name, value in wanted.items())
