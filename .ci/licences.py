"""Write docs/licences.md: under which licence everything stands that glassloop needs.

``make licences`` runs this. Versions are the lock's; licences are what the installed packages say
of themselves. Packages for other systems are not installed, so only their names are known.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/licences.md"
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-torch.lock")
FORBIDDEN = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public|\bNC\b", re.IGNORECASE)
COPYLEFT = re.compile(r"\bL?GPL|MPL|Mozilla|General Public", re.IGNORECASE)
TEXTS = {
    "Permission is hereby granted, free of charge": "MIT",
    "Redistribution and use in source and binary forms": "BSD",
    "Apache License": "Apache-2.0",
}
"""What a licence's text says, for packages whose metadata name none."""


def locked() -> dict[str, str]:
    """Version of each package of the locks."""
    lines = "".join(path.read_text() for path in LOCKS)
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lines, re.MULTILINE))


def licence(found: Distribution) -> str:
    """What a package says its licence is, by expression, classifier, one line, or its text."""
    said = found.metadata
    if said.get("License-Expression"):
        return str(said["License-Expression"])
    classified = [c.split(" :: ") for c in said.get_all("Classifier") or []]
    names = [parts[-1] for parts in classified if parts[0] == "License" and len(parts) > 2]
    if names:
        return " or ".join(dict.fromkeys(names))
    line = (said.get("License") or "").strip()
    if line and "\n" not in line:
        return line
    text = line + "".join(_texts(found))
    known = [name for words, name in TEXTS.items() if words in text]
    return known[0] if known else "not said"


def _texts(found: Distribution) -> Iterator[str]:
    for file in found.files or ():
        if re.match(r"LICEN[CS]E|COPYING", file.name, re.IGNORECASE) and ".dist-info" in str(file):
            yield file.read_text()


def home(found: Distribution) -> str:
    """Where a package is at home."""
    pairs = [entry.split(", ", 1) for entry in found.metadata.get_all("Project-URL") or ()]
    links = {label.lower(): link for label, link in pairs}
    wanted = ("homepage", "home", "source", "source code", "sources", "repository")
    named = [links[label] for label in wanted if label in links]
    return str(found.metadata.get("Home-page") or (named or [*links.values(), ""])[0])


def row(name: str, version: str, found: Distribution) -> str:
    """A line of the table."""
    said = licence(found)
    shown = f"**{said}**" if COPYLEFT.search(said) else said
    return f"| {name} | {version} | {shown} | {home(found)} |\n"


def page(versions: Mapping[str, str]) -> str:
    """The page, by name."""
    rows, elsewhere = [], []
    for name, version in sorted(versions.items(), key=lambda item: item[0].lower()):
        try:
            rows.append(row(name, version, distribution(name)))
        except PackageNotFoundError:
            elsewhere.append(f"{name} {version}")
    template = Path(__file__).with_name("licences.md.in").read_text(encoding="utf-8")
    return template.format(rows="".join(rows), elsewhere=", ".join(elsewhere))


if __name__ == "__main__":
    PAGE.write_text(page(locked()), encoding="utf-8")
