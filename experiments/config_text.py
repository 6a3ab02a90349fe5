"""The text of a configuration: YAML read strictly, and pydantic's faults in plain words."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from experiments.complaint import got, one_line
from experiments.table_limits import harmful_character
from features.errors import CampaignError

MAX_FILE_BYTES: Final = 100_000
"""Of a configuration; one has some 3,000, and YAML takes a second for each 100,000."""

_MAX_DEPTH: Final = 20

_RESOLVED: Final = (
    ("tag:yaml.org,2002:bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON"
     r"|off|Off|OFF", "yYnNtTfFoO"),
    ("tag:yaml.org,2002:float", r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9]+"
     r"(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+.0123456789"),
    ("tag:yaml.org,2002:int", "[-+]?(?:0|[1-9][0-9]{0,99})", "-+0123456789"),
    ("tag:yaml.org,2002:null", "~|null|Null|NULL|", "~nN"),
)  # fmt: skip
"""What a plain word is besides text. YAML 1.1 also reads 1:30 as 90, 010 as 8 and 2026-05-02 as a
date; here those are texts, and who wrote one for a number is told so."""


class _StrictLoader(yaml.SafeLoader):
    """Refuses what a configuration does not need and what would be read as something else.

    A key that stands twice (YAML itself would silently take the last), a key that is no word,
    types named by a tag, deep nesting, and characters nobody sees.
    """

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}  # type: ignore[misc]
    yaml_constructors: ClassVar[dict[Any, Any]] = {
        tag: make
        for tag, make in yaml.SafeLoader.yaml_constructors.items()
        if tag is None
        or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth = getattr(self, "_depth", 0) + 1
        if self._depth > _MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            self._refuse(f"nested more than {_MAX_DEPTH} deep", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode):
            if found := harmful_character(node.value):
                self._refuse(f"a text holds {found}, type it again", node.start_mark)
            plain = (True, False)  # as if it stood without a tag and without quotation marks
            tag = self.resolve(yaml.ScalarNode, node.value, plain)  # type: ignore[no-untyped-call]
            if tag != node.tag and not node.tag.endswith((":str", ":null")):
                kind = node.tag.rpartition(":")[2]
                self._refuse(f"{got(node.value)} is no {kind}, leave the tag out", node.start_mark)
        return super().construct_object(node, deep)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse("a key must be a word", key.start_mark)
            if key.value in seen:
                self._refuse(
                    f"the key {one_line(key.value)} stands twice, remove one", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def _refuse(self, problem: str, mark: yaml.Mark) -> NoReturn:
        raise yaml.constructor.ConstructorError(None, None, problem, mark)


for _tag, _pattern, _first in _RESOLVED:
    _StrictLoader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})\\Z"), [*_first, ""])


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Keys and values of a YAML file.

    Args:
        path: The file, usually ``campaign.yaml``.

    Returns:
        The mapping it holds, unchecked.

    Raises:
        CampaignError: If the file is missing, cannot be read, or is no YAML mapping.
    """
    try:
        text = _text(path)
        raw = yaml.load(text, _StrictLoader)  # a SafeLoader, only stricter
    except (FileNotFoundError, NotADirectoryError):
        raise CampaignError(
            f"{path.parent} is not a campaign: it holds no {path.name}; "
            "make one with 'glassloop init NAME' or name it with --campaign"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise CampaignError(
            f"{path}{line}: not readable as YAML ({one_line(str(error.problem))}); mend the file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CampaignError(
            f"{path}: not readable as YAML ({one_line(str(error))}); mend it, and save it as UTF-8"
        ) from error
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read ({error.strerror}); check rights") from error
    if not isinstance(raw, dict):
        raise CampaignError(
            f"{path}: must hold keys and values, got {type(raw).__name__}; "
            "compare it with a fresh one from 'glassloop init'"
        )
    return raw


def _text(path: Path) -> str:
    """The text of a file; one that is far too large is not read.

    Raises:
        CampaignError: If it is.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise CampaignError(
            f"{path}: has more than {MAX_FILE_BYTES:,} bytes; compare it with a fresh one from "
            "'glassloop init'"
        )
    return raw.decode("utf-8-sig")


def faults(error: ValidationError, keys: Iterable[str], schema: str) -> list[str]:
    """One clause a fault: the key, the rule, what was got, what to do.

    Args:
        error: What pydantic found.
        keys: All keys there are, for hints.
        schema: Name of the schema file that lists them.
    """
    known = list(keys)
    return [_fault(item, known, schema) for item in error.errors()]


def _fault(item: ErrorDetails, keys: list[str], schema: str) -> str:
    place = ".".join(str(part) for part in item["loc"] if part not in ("range", "number"))
    if item["type"] == "extra_forbidden":
        near = get_close_matches(str(item["loc"][-1]), keys, n=1)
        hint = f"did you mean {near[0]}?" if near else f"{schema} lists those that exist"
        message = f"unknown key; {hint}"
    elif item["type"] == "missing":
        message = "is missing; add it"
    elif item["type"] == "value_error":
        message = item["msg"].removeprefix("Value error, ")
    else:
        message = f"{item['msg'][0].lower()}{item['msg'][1:]}, got {got(item['input'])}"
        if item["type"].endswith("_parsing") and "," in str(item["input"]):
            message += "; write a decimal point"
    return one_line(f"{place}: {message}" if place else message)
