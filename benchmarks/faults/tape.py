"""What a process did to the files of a folder, and what a disk may hold of it after a power cut.

``tape.c`` writes it down. A disk keeps what was synced. Of what was written since, it may hold any
part, in any order and torn at sectors of 512 bytes; of names made, renamed and removed since their
folder was synced, the first ones in order, as file systems with a journal do.
"""

import os
import random
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

SECTOR: Final = 512
SOURCE: Final = Path(__file__).with_name("tape.c")
ACKNOWLEDGED: Final = "/acknowledged"
"""File to which the process writes a byte whenever a commit has returned."""

Mode = Literal["all", "none", "order", "torn"]
MODES: Final[tuple[Mode, ...]] = ("all", "none", "order", "torn")
"""What is left of what was not synced: all of it, nothing, the first part in order with the last
write torn, or any part in any order, torn."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the process did.

    Attributes:
        kind: C W T S D U R M X, see ``tape.c``.
        file: Number of the file, unique though inodes are used again; -1 for folders.
        path: Below the root, empty for the root itself.
        other: New path of a rename.
        offset: Of a write; or the new size.
        data: Written.
    """

    kind: str
    file: int = -1
    path: str = ""
    other: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass
class Tape:
    """All a process did.

    Attributes:
        before: Content of each file before, by number.
        names: Number of each file before, by path.
        folders: Folders before.
        steps: In order.
    """

    before: dict[int, bytes]
    names: dict[str, int]
    folders: set[str]
    steps: list[Step] = field(default_factory=list)

    def acknowledged(self) -> list[int]:
        """After how many steps each commit had returned."""
        witness = {self.names.get(ACKNOWLEDGED, -2)}
        witness |= {s.file for s in self.steps if s.kind == "C" and s.path == ACKNOWLEDGED}
        return [
            place
            for place, step in enumerate(self.steps, start=1)
            if step.kind == "W" and step.file in witness
        ]


def compiled(folder: Path) -> Path:
    """The library that writes tapes, compiled by gcc."""
    library = folder / "tape.so"
    command = ["gcc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return library


def taped(command: Sequence[str], folder: Path, library: Path, tape: Path) -> Tape:
    """Run a command, and what it did to a folder.

    Raises:
        RuntimeError: If the command failed.
    """
    inodes, started = _before(folder)
    settings = {"LD_PRELOAD": str(library), "TAPE_ROOT": str(folder), "TAPE_FILE": str(tape)}
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the taped command failed: {done.stderr.decode()[-2000:]}")
    started.steps = list(_steps(tape.read_bytes(), inodes))
    return started


def after_power_cut(tape: Tape, cut: int, mode: Mode, rng: random.Random) -> "Disk":
    """What may be on the disk when the power fails after so many steps."""
    content = {file: bytearray(held) for file, held in tape.before.items()}
    disk = Disk(content, dict(tape.names), set(tape.folders))
    for step in tape.steps[:cut]:
        disk.do(step)
    disk.fail(mode, rng)
    return disk


@dataclass
class Disk:
    """Files as they would be found again.

    Attributes:
        content: Of each file as it was last synced, by number.
        names: Number of each file, by path, as folders were last synced.
        folders: Paths.
    """

    content: dict[int, bytearray]
    names: dict[str, int]
    folders: set[str]
    _unsynced: dict[int, list[Step]] = field(default_factory=dict)
    _renamings: list[Step] = field(default_factory=list)

    def do(self, step: Step) -> None:
        """Follow the process one step."""
        match step.kind:
            case "W" | "T":
                self._unsynced.setdefault(step.file, []).append(step)
            case "S":
                self._settle(step.file, self._unsynced.pop(step.file, []))
            case "D":
                synced = [one for one in self._renamings if step.path in _folders_of(one)]
                self._rename(synced)
                self._renamings = [one for one in self._renamings if one not in synced]
            case _:
                self._renamings.append(step)

    def fail(self, mode: Mode, rng: random.Random) -> None:
        """Lose power."""
        n = len(self._renamings)
        kept = {"all": n, "none": 0}.get(mode, rng.randint(0, n))
        self._rename(self._renamings[:kept])
        for file, steps in self._unsynced.items():
            if mode == "all":
                self._settle(file, steps)
            elif mode == "order":
                first = steps[: rng.randint(0, len(steps))]
                self._settle(file, first[:-1])
                self._settle(file, [part for step in first[-1:] for part in _torn(step, rng)])
            elif mode == "torn":
                parts = [part for step in steps for part in _torn(step, rng)]
                rng.shuffle(parts)
                self._settle(file, parts)

    def lay_out(self, folder: Path) -> None:
        """Write it into an empty folder."""
        for path in sorted(self.folders, key=len):
            (folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path, file in self.names.items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.content.get(file, b""))

    def _settle(self, file: int, steps: Sequence[Step]) -> None:
        content = self.content.setdefault(file, bytearray())
        for step in steps:
            end = step.offset + len(step.data)
            if step.kind == "T":
                del content[step.offset :]
            if len(content) < end:
                content.extend(bytes(end - len(content)))
            content[step.offset : end] = step.data

    def _rename(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step.kind:
                case "C":
                    self.names[step.path] = step.file
                case "U":
                    self.names.pop(step.path, None)
                case "M":
                    self.folders.add(step.path)
                case "X":
                    self.folders.discard(step.path)
                case "R":
                    self.names = dict(_moved(self.names, step.path, step.other))
                    self.folders = {_new_path(p, step.path, step.other) for p in self.folders}


def _torn(step: Step, rng: random.Random) -> Iterator[Step]:
    """Sectors of a write that reached the disk; a size may be there without its data."""
    if step.kind == "T":
        if rng.random() < 0.5:
            yield step
        return
    share = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
    if rng.random() < 0.5:  # the file has its size, the data are not there
        yield Step("W", step.file, offset=step.offset + len(step.data))
    at = 0
    while at < len(step.data):
        size = min(SECTOR - (step.offset + at) % SECTOR, len(step.data) - at)
        if rng.random() < share:
            data = step.data[at : at + size]
            yield Step("W", step.file, offset=step.offset + at, data=data)
        at += size


def _moved(names: Mapping[str, int], old: str, new: str) -> Iterator[tuple[str, int]]:
    for path, file in names.items():
        if path != new:
            yield _new_path(path, old, new), file


def _new_path(path: str, old: str, new: str) -> str:
    return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path


def _folders_of(step: Step) -> set[str]:
    return {path.rpartition("/")[0] for path in (step.path, step.other) if path}


def _before(folder: Path) -> tuple[dict[int, int], Tape]:
    inodes, content, names, folders = dict[int, int](), dict[int, bytes](), dict[str, int](), {""}
    for path in sorted(folder.rglob("*")):
        name = f"/{path.relative_to(folder).as_posix()}"
        if path.is_dir():
            folders.add(name)
            continue
        file = len(names)
        inodes[path.stat().st_ino], names[name], content[file] = file, file, path.read_bytes()
    return inodes, Tape(content, names, folders)


def _steps(tape: bytes, inodes: dict[int, int]) -> Iterator[Step]:
    at, n_files = 0, len(inodes)

    def number() -> int:
        nonlocal at
        at += 8
        return int(struct.unpack_from("<Q", tape, at - 8)[0])

    def text() -> bytes:
        nonlocal at
        size = number()
        at += size
        return tape[at - size : at]

    while at < len(tape):
        kind = chr(tape[at])
        at += 1
        match kind:
            case "C":
                inode = number()
                inodes[inode] = n_files
                yield Step("C", n_files, path=text().decode())
                n_files += 1
            case "W":
                file, offset = inodes[number()], number()
                yield Step("W", file, offset=offset, data=text())
            case "T":
                yield Step("T", inodes[number()], offset=number())
            case "S":
                yield Step("S", inodes[number()])
            case "R":
                yield Step("R", path=text().decode(), other=text().decode())
            case _:
                yield Step(kind, path=text().decode())
