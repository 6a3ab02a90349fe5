"""A campaign's configuration, and the archive of a whole campaign."""

import hashlib
import json
import shutil
import struct
from functools import cache
from typing import Any, Final

from benchmarks.fuzzing.choices import ODDITIES, Choices
from benchmarks.fuzzing.lab import CONFIG, as_file, template, workroom
from benchmarks.fuzzing.oracle import asked, require, storable
from benchmarks.fuzzing.tables import packed
from experiments.archive import thaw
from experiments.archive_zip import MANIFEST, open_archive
from experiments.config import CampaignConfig, read_config, write_config
from features.properties import CATALOGUE

_YAML: Final = (
    "name", "seed", "glasses", "cells", "control", "batch", "equipment", "assays", "mlflow", "x",
    "low", "high", "step", "objectives", "jars_owned", "ball_sets", "costs", "surrogates",
    "physics", "literature", "use", "track", "tracking_uri", "true", "yes", "off", "null", "~",
    ".nan", ".inf",
    "-.inf", "1e-6", "1:30", "0b_", "0x", "0o7", "2026-05-02", "2026-13-45", "!!int ", "!!float ",
    "!!bool ", "!!binary ", "!!timestamp ", "!!python/object ", "!!set ", "!!null ", "!x ", "&a ",
    "*a", "<<: *a", "? ", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ", ", "|", ">", '"', "'",
    "# ", "---\n", "...\n", "%YAML 1.1\n", "\\0", "\\uD800", '"\\0"', '"\\x85"', '"\\uD800"', "\t",
    *tuple(CATALOGUE)[:5], "stainless_steel", "agate",
)  # fmt: skip


@cache
def _yaml() -> tuple[str, ...]:
    """Good configurations: the shortest, and one of all keys in two pieces."""
    folder = workroom() / "good"
    folder.mkdir(exist_ok=True)
    write_config(CONFIG, folder)
    whole = (folder / "campaign.yaml").read_text(encoding="utf-8")
    return (
        "name: lab\n",
        "name: lab\nseed: 3\nglasses:\n  x: {low: 0.0, high: 0.6, step: 0.01}\n"
        "  jars_owned: {agate: 2}\n",
        "name: lab\ncontrol: {x: 0.15, milling_media: agate}\nbatch: {glasses: 2, trilayers: 1}\n"
        "assays: {na2s: 0.99}\nmlflow: {track: false, folder: runs}\nliterature: {use: true}\n",
        "name: lab\nsurrogates:\n  ionic_conductivity: {kernel: rbf, physics: true}\n"
        "equipment:\n  ball_sets: {agate: ten balls}\n  die_rating_mpa: 500\n",
        "name: lab\ncosts:\n  glass_h: 2\n  measurements:\n"
        "    ionic_conductivity: {hours: 1, delay_h: 2}\n",
        whole,
    )  # fmt: skip


def config(data: bytes) -> None:
    """``campaign.yaml``: a good one changed, or made of words that mean something."""
    choices = Choices(data)
    kind = choices.below(8)
    if kind == 0:
        raw = choices.rest()
    elif kind == 1:
        raw = choices.text(_YAML, 12).encode("utf-8", "replace")
    else:
        seed = choices.pick(_yaml() if kind == 7 else _yaml()[:-1])
        words = [word.encode("utf-8", "replace") for word in (*_YAML, *ODDITIES)]
        raw = choices.mutated(seed.encode(), words)
    path = as_file("campaign.yaml", raw)
    found = asked(read_config, path, hide=[str(path), str(path.parent)])
    if found is not None:
        _usable(found)


def _usable(found: CampaignConfig) -> None:
    """All texts can be stored, no number is infinite, and it is the same written and read."""
    for value in _leaves(found.model_dump()):
        if isinstance(value, str):
            storable(value)
        elif isinstance(value, float):
            require(abs(value) < float("inf"), "no number", value)
        elif isinstance(value, int):
            require(abs(value) < 2**63, "too large for a database", value)
    folder = workroom() / "again"
    folder.mkdir(exist_ok=True)
    write_config(found, folder)
    again = read_config(folder / "campaign.yaml")
    require(again == found, "another configuration when written and read again", found, again)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in (key, *_leaves(part))]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


@cache
def _contents() -> dict[str, bytes]:
    """Files of a small campaign."""
    return {
        name: (template() / name).read_bytes()
        for name in ("ledger.db", "campaign.yaml", "campaign.schema.json")
    } | {"rounds/R01/made.csv": b"specimen,kind,status\n"}


def manifest_of(files: dict[str, bytes], campaign_id: str) -> dict[str, Any]:
    """What a sound archive of these files says of itself."""
    return {
        "format": "glassloop archive", "format_version": 1, "glassloop": "0.1.0",
        "frozen_at": "2026-01-01T00:00:00Z", "campaign": "lab", "campaign_id": campaign_id,
        "kind": "real", "rounds": 1, "mlflow": {"runs": 0, "versions": 0, "why_not": "none"},
        "left_out": [],
        "files": {
            name: {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
            for name, raw in files.items()
        },
    }  # fmt: skip


@cache
def _id() -> str:
    from experiments.ledger import Ledger

    with Ledger.open(template() / "ledger.db") as ledger:
        return str(ledger.id)


_JSON: Final = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"1e999", b"-1", b"NaN",
    b"Infinity",     b"9" * 4400, b"[" * 3000, b'{"a":' * 3000, b"\\u0000", b"\\ud800", b"\\n",
    b"\n", b"../", b"/",
    b'"format_version": 99', b'"format_version": "x"', b'"format_version": [1]', b"\0", b"\xff",
    b"\xef\xbb\xbf", b'"size": -1', b'"size": 99999999999999999999', b"ledger.db", b"rounds",
)  # fmt: skip


def archive(data: bytes) -> None:
    """An archive: its manifest, its names, its files or its bytes changed."""
    choices = Choices(data)
    kind = choices.below(8)
    files = {name: raw for name, raw in _contents().items() if name != "ledger.db"}
    files["ledger.db"] = b"SQLite format 3\0" + b"x" * 64  # small: it is only unpacked here
    manifest = json.dumps(manifest_of(files, _id())).encode()
    parts = [(MANIFEST, manifest), *files.items()]
    i = choices.below(len(parts))
    if kind <= 2:
        parts[0] = MANIFEST, choices.mutated(manifest, _JSON)
    elif kind == 3:
        parts[i] = parts[i][0], choices.mutated(parts[i][1], _JSON)
    elif kind == 4:
        name = choices.pick(
            ("../x", "/x", "a//b", "c:x", "rounds", "x\ny", "é", ".", MANIFEST, "x" * 300)
        )
        raw = parts[i][1]
        parts[i] = name, raw
        if choices.below(2):
            named = dict(parts[1:])
            parts[0] = MANIFEST, json.dumps(manifest_of(named, _id())).encode()
    elif kind == 5:
        del parts[i]
    raw = packed(parts)
    if kind >= 6:
        tokens = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff", b"\0\0\0\0",
                  b"\x20",                   struct.pack("<H", 14), struct.pack("<H", 99),
                  b"\x08\x08")  # fmt: skip
        raw = choices.mutated(raw, tokens)
    path, folder = as_file("lab.zip", raw), workroom() / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = {one.name for one in workroom().iterdir()}
    asked(_unpacked, path, folder, hide=[str(path), str(folder)])
    require({one.name for one in workroom().iterdir()} == before, "a file was put elsewhere")


def _unpacked(path: Any, folder: Any) -> bool:
    with open_archive(path) as opened:
        opened.unpack(folder, ("ledger.db", "campaign.yaml", "rounds"))
    return True


def thawed(data: bytes) -> None:
    """A whole archive opened as a campaign: its ledger or configuration changed, or neither."""
    choices = Choices(data)
    files = dict(_contents())
    name = choices.pick(("campaign.yaml", "ledger.db", "rounds/R01/made.csv"))
    if name == "campaign.yaml":
        files[name] = choices.mutated(files[name], [word.encode() for word in _YAML])
    elif choices.below(4):
        files[name] = choices.mutated(files[name], (b"\0\0\0\0", b"CREATE TRIGGER", b"\xff\xff"))
    raw = packed([(MANIFEST, json.dumps(manifest_of(files, _id())).encode()), *files.items()])
    path, folder = as_file("whole.zip", raw), workroom() / "thawed"
    shutil.rmtree(folder, ignore_errors=True)
    found = asked(thaw, path, folder, hide=[str(path), str(folder)])
    left = [one.name for one in workroom().iterdir() if one.name.startswith(".thawed")]
    require(not left, "a draft was left behind", left)
    require((found is not None) == folder.exists(), "half a folder", path.name)
