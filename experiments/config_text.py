"""The text of a configuration: YAML read strictly, and pydantic's faults in plain words."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from features.errors import CampaignError


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice; YAML itself would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} stands twice, remove one", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


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
        text = path.read_text(encoding="utf-8-sig")
        raw = yaml.load(text, _StrictLoader)  # a SafeLoader, only stricter
    except (FileNotFoundError, NotADirectoryError):
        raise CampaignError(
            f"{path.parent} is not a campaign: it holds no {path.name}; "
            "make one with 'glassloop init NAME' or name it with --campaign"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise CampaignError(
            f"{path}{line}: not readable as YAML ({error.problem}); mend the file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CampaignError(
            f"{path}: not readable as YAML ({error}); mend it, and save it as UTF-8"
        ) from error
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read ({error.strerror}); check rights") from error
    if not isinstance(raw, dict):
        raise CampaignError(
            f"{path}: must hold keys and values, got {type(raw).__name__}; "
            "compare it with a fresh one from 'glassloop init'"
        )
    return raw


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
        message = f"{item['msg'][0].lower()}{item['msg'][1:]}, got {item['input']!r}"
        if item["type"].endswith("_parsing") and "," in str(item["input"]):
            message += "; write a decimal point"
    return f"{place}: {message}" if place else message
