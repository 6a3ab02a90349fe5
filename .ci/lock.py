"""Write the lock: each package that ``.[dev]`` needs, with the hashes of all its files on PyPI.

``make lock`` runs this; uv resolves, pins of constraints.txt and of the lock before are kept. torch
and what only its CUDA build needs stand in a lock of their own: a machine may have another build.
Set ``UPGRADE`` to let packages that constraints.txt does not pin rise. The pins go to
``glassloop doctor`` too, which knows from them what was tested.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS, TESTED = ROOT / "constraints.txt", ROOT / "experiments/data/tested_versions.txt"
LOCK, TORCH_LOCK = ROOT / "requirements.lock", ROOT / "requirements-torch.lock"
OF_TORCH = re.compile(r"(torch|triton|cuda-.*|nvidia-.*)==")
HEAD = """# Made by 'make lock'; do not edit. {what}
# pip install --require-hashes --no-deps {files}
"""
UV = """pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-build
    --constraints constraints.txt --generate-hashes --no-annotate --no-header --quiet"""


def entries(text: str) -> list[str]:
    """The packages of a lock: a line with name, version and marker, then its hashes."""
    return re.findall(r"^\S.*\\\n(?:    .*\n)+", text, re.MULTILINE)


def resolved(uv: str) -> list[str]:
    """What uv finds; what the lock has already is preferred to what is newer."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.lock"
        if "UPGRADE" not in os.environ:
            before = [path for path in (LOCK, TORCH_LOCK) if path.exists()]
            whole.write_text("".join(path.read_text() for path in before))
        subprocess.run([uv, *UV.split(), "--output-file", whole], cwd=ROOT, check=True)
        return entries(whole.read_text())


def main(uv: str) -> None:
    """Write both locks and what the doctor reads."""
    found = resolved(uv)
    torch = [entry for entry in found if OF_TORCH.match(entry)]
    rest = [entry for entry in found if not OF_TORCH.match(entry)]
    both = f"-r {LOCK.name} -r {TORCH_LOCK.name}"
    LOCK.write_text(HEAD.format(what="All but torch.", files=both) + "".join(rest))
    cuda = "torch of PyPI: on Linux the CUDA build."
    TORCH_LOCK.write_text(HEAD.format(what=cuda, files=both) + "".join(torch))
    shutil.copyfile(PINS, TESTED)


if __name__ == "__main__":
    main(sys.argv[1])
