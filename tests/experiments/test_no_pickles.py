"""Nothing from outside is ever run: no code of ours loads what could hold code.

The first half reads our source; the second hands a trap to every door and looks whether it shut.
"""

import ast
import os
import pickle
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import mlflow
import optuna
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from experiments.archive import freeze, thaw
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig, read_config
from experiments.csv_files import read_table_bytes
from experiments.ledger import Ledger
from experiments.optuna_study import export_studies
from experiments.outbox import LedgerOutbox
from experiments.pyfunc_model import load_bundle
from experiments.settling import close
from experiments.tracking_home import local_store
from features.errors import CampaignError, GlassError, ReadingError

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "optimizer", "experiments", "examples")

MODULES = {
    "pickle", "cPickle", "_pickle", "pickletools", "dill", "cloudpickle", "jsonpickle", "shelve",
    "marshal", "copyreg", "runpy", "imp", "code", "codeop", "ctypes", "cffi", "tarfile",
    "multiprocessing.managers", "multiprocessing.shared_memory", "xmlrpc", "socketserver",
    "importlib.machinery", "zipimport", "xml", "lxml", "pandas.io.pickle",
}  # fmt: skip
"""Load what may hold code, or entities; ``defusedxml`` stands in for ``xml``."""

CALLS = {
    "eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec",
    "joblib.load", "torch.load", "torch.jit.load", "torch.hub.load", "numpy.load",
    "numpy.fromfile", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader",
    "yaml.UnsafeLoader", "yaml.FullLoader", "yaml.CLoader", "os.system", "os.popen",
    "os.execv", "os.execvp", "os.spawnv", "shutil.unpack_archive",
    "multiprocessing.connection.Client", "multiprocessing.connection.Listener",
    "multiprocessing.Manager", "importlib.util.spec_from_file_location",
    "importlib.util.module_from_spec",
}  # fmt: skip

METHODS = {
    "read_pickle", "to_pickle", "load_model", "load_context", "extractall", "unsafe_load",
    "full_load", "enable_load_extension", "load_extension", "read_hdf", "add_safe_globals",
}  # fmt: skip
"""Whatever they are called on."""

STRICT = {"experiments/config_text.py": "_StrictLoader"}
"""The one ``yaml.load`` there is, by a loader that makes plain values only."""

OWN_CODE = "experiments/laboratory.py"
"""Runs a file that somebody names on their own command line: ``study --world lab.py:make``."""

NO_PARSER = ("xml.etree.ElementTree", ["ParseError"])
"""The error that ``defusedxml`` raises."""

BY_NAME = {"models/__init__.py"}
"""``import_module`` of a name that is no constant: it stands in a table of the same file."""


def names_of(tree: ast.AST) -> dict[str, str]:
    """What a file calls things, and what they are."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def path_of(node: ast.expr, names: dict[str, str]) -> str:
    """The whole name of what an expression names; empty when it names nothing."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = path_of(node.value, names)
        return f"{before}.{node.attr}" if before else f"?.{node.attr}"
    return ""


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        if (node.module, [alias.name for alias in node.names]) == NO_PARSER:
            return []
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def loaders(source: str, where: str) -> Iterator[str]:
    """Whatever in a file could run what it reads."""
    tree = ast.parse(source)
    names = names_of(tree)
    for node in ast.walk(tree):
        line = f"{where}:{getattr(node, 'lineno', 0)}"
        for name in imported(node):
            if name in MODULES or any(name.startswith(f"{module}.") for module in MODULES):
                yield f"{line}: imports {name}"
        if isinstance(node, ast.Name | ast.Attribute):
            path = path_of(node, names)
            if path in CALLS or (isinstance(node, ast.Attribute) and node.attr in METHODS):
                yield f"{line}: uses {path}"
        if isinstance(node, ast.Call):
            yield from _calls(node, names, where, line)
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
            yield f"{line}: gives {node.arg}"


def _calls(node: ast.Call, names: dict[str, str], where: str, line: str) -> Iterator[str]:
    path = path_of(node.func, names)
    if path == "yaml.load":
        loader = [*node.args[1:], *(one.value for one in node.keywords)]
        if [path_of(one, names) for one in loader] != [STRICT.get(where)]:
            yield f"{line}: yaml.load"
    if path.endswith("import_module") and where not in BY_NAME:
        (what,) = node.args
        constants = {"WORK", "LEDGER", "ledger"}
        if not isinstance(what, ast.Constant) and path_of(what, names) not in constants:
            yield f"{line}: imports what a variable names"


def test_no_code_of_ours_loads_what_could_run():
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    assert len(files) > 250
    found = []
    for file in files:
        where = file.relative_to(ROOT).as_posix()
        found += loaders(file.read_text(encoding="utf-8"), where)
    own = [line for line in found if line.startswith(f"{OWN_CODE}:")]
    assert {line.partition("uses ")[2] for line in own} == {
        "importlib.util.spec_from_file_location", "importlib.util.module_from_spec",
    }  # fmt: skip
    assert [line for line in found if line not in own] == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib as j\nj.load('x')",
        "from joblib import load\nload('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "from torch import load as fetch\nfetch('x')",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nopened = np.load",
        "open_it(path, allow_pickle=True)",
        "import pandas as pd\npd.read_pickle('x')",
        "import mlflow\nmlflow.pyfunc.load_model('models:/x/1')",
        "from mlflow.pyfunc import load_model\nflavour.load_model('x')",
        "import yaml\nyaml.load(text, yaml.Loader)",
        "import yaml\nyaml.load(text, Loader=yaml.UnsafeLoader)",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.unsafe_load(text)",
        "eval(text)",
        "exec(text)",
        "from importlib import import_module\nimport_module(name)",
        "import importlib.util\nimportlib.util.spec_from_file_location('x', path)",
        "from importlib.util import module_from_spec\nmodule_from_spec(spec)",
        "from xml.dom import minidom",
        "import xml.etree.ElementTree as ET",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "ZipFile('x').extractall()",
        "from xml.etree import ElementTree\nElementTree.parse(file)",
        "connection.enable_load_extension(True)",
        "from multiprocessing.connection import Listener\nListener()",
    ],
)
def test_each_kind_of_loader_would_be_found(source: str):
    assert list(loaders(source, "somewhere.py"))


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.loads(text)",
        "import yaml\nyaml.safe_load(text)",
        "model.eval()",
        "import re\nre.compile('x')",
        "from importlib import import_module\nimport_module('experiments.x')",
    ],
)
def test_what_is_harmless_is_let_be(source: str):
    assert list(loaders(source, "somewhere.py")) == []


def test_the_one_yaml_loader_makes_plain_values_only():
    import yaml

    from experiments.config_text import _StrictLoader

    assert issubclass(_StrictLoader, yaml.SafeLoader)
    safe = yaml.SafeLoader
    assert _StrictLoader.yaml_constructors.items() <= safe.yaml_constructors.items()
    assert _StrictLoader.yaml_multi_constructors.items() <= safe.yaml_multi_constructors.items()


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """Is there once a trap has shut; after the test it must not be."""
    yield tmp_path / "SHUT"
    assert not (tmp_path / "SHUT").exists(), "something from outside was run"


@pytest.fixture
def trap(marker: Path) -> bytes:
    """A pickle that makes the marker; it is armed, which is tried once."""
    raw = pickle.dumps(Trap(marker))
    pickle.loads(raw)
    assert marker.is_dir()
    marker.rmdir()
    return raw


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A campaign of the test's own, with a store of its own."""
    config = CampaignConfig(name="lab", mlflow=MlflowConfig(folder="mlruns"))
    with Campaign.create(tmp_path / "lab", config, pictures=False, empty=True):
        return tmp_path / "lab"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():  # MLflow on SQLAlchemy 2.1: "noload is deprecated"
        warnings.simplefilter("ignore")
        yield


@pytest.mark.sqlite_file
def test_pickles_in_a_campaign_and_in_its_archive_are_only_files(
    lab: Path, tmp_path: Path, trap: bytes
):
    place = lab / "rounds" / "R01"
    place.mkdir(parents=True)
    with Ledger.open(lab / "ledger.db") as ledger, ledger.transaction() as tx:
        tx.add_round("R01", number=1, seed=0, config={})
    for name in ("model.pkl", "predictions.json", "results.csv", "data.npy", "x.joblib", "x.pt"):
        (place / name).write_bytes(trap)
    with Campaign.open(lab) as campaign:
        freeze(campaign, tmp_path / "lab.zip")
    thaw(tmp_path / "lab.zip", tmp_path / "copy")
    with Campaign.open(tmp_path / "copy") as copy:
        assert copy.verify() == []
        copy.status()
        with pytest.raises(GlassError, match=r"results\.csv"):
            copy.record(place / "results.csv", place / "results.csv")


@pytest.mark.parametrize(
    "line",
    [
        "name: !!python/object/apply:os.mkdir [SHUT]",
        "name: !!python/object/new:os.mkdir [SHUT]",
        "name: lab\nseed: !!python/name:os.mkdir",
    ],
)
def test_a_configuration_makes_no_objects(tmp_path: Path, marker: Path, line: str):
    (tmp_path / "campaign.yaml").write_text(line.replace("SHUT", str(marker)), encoding="utf-8")
    with pytest.raises(CampaignError, match=r"a type named by a tag|not readable as YAML"):
        read_config(tmp_path / "campaign.yaml")


@pytest.mark.parametrize("name", ["results.csv", "results.xlsx"])
def test_a_table_that_is_a_pickle_is_refused(trap: bytes, name: str):
    table = read_table_bytes(name, trap, ("specimen", "property", "value"))
    assert not table.rows
    assert str(table.problems[0]).startswith(name)


@pytest.mark.sqlite_file
def test_a_model_in_mlflow_is_carried_and_never_loaded(
    lab: Path, tmp_path: Path, trap: bytes, marker: Path
):
    with Campaign.open(lab) as campaign:
        with campaign.ledger.transaction() as tx:
            tx.add_round("R01", number=1, seed=0, config={})
        campaign_id = str(campaign.ledger.id)
    store = local_store(lab / "mlruns")
    client = MlflowClient(tracking_uri=store)
    experiment = client.create_experiment(
        "lab", f"file://{lab}/mlruns/artifacts", tags={"glassloop.campaign_id": campaign_id}
    )
    run = client.create_run(
        experiment,
        tags={"glassloop.campaign_id": campaign_id, "glassloop.kind": "round",
              "glassloop.round": "R01"},
    )  # fmt: skip
    model = tmp_path / "surrogates"
    model.mkdir()
    (model / "python_model.pkl").write_bytes(trap)
    (model / "trap.py").write_text(
        f"import os\ndef _load_pyfunc(path):\n    os.mkdir({str(marker)!r})\n", encoding="utf-8"
    )
    (model / "MLmodel").write_text(
        "flavors:\n  python_function:\n    loader_module: trap\n    code: .\n    data: "
        f"python_model.pkl\n    env: {{}}\nrun_id: {run.info.run_id}\n", encoding="utf-8"
    )  # fmt: skip
    client.log_artifacts(run.info.run_id, str(model), "surrogates")
    with Campaign.open(lab) as campaign:
        with campaign.ledger.transaction() as tx:
            close(tx, "R01", campaign.config)
        assert campaign.deliver().error is None
        campaign.status()
        LedgerOutbox(campaign.ledger).describe("R01", campaign.config, lab)
        done = freeze(campaign, tmp_path / "lab.zip")
    assert done.manifest.mlflow.runs >= 1
    thaw(tmp_path / "lab.zip", tmp_path / "copy")
    carried = list((tmp_path / "copy").rglob("python_model.pkl"))
    assert [file.read_bytes() for file in carried] == [trap]
    with Campaign.open(tmp_path / "copy") as copy:
        copy.status()
    assert not marker.exists()
    with pytest.raises(MlflowException, match="predict"):  # after the trap has shut
        mlflow.pyfunc.load_model(str(model))
    assert marker.is_dir(), "the trap was not armed"
    marker.rmdir()


def test_a_frozen_model_names_kinds_and_no_code(tmp_path: Path, trap: bytes):
    file = tmp_path / "surrogates.json"
    file.write_text('{"x": {"kind": "os.mkdir", "path": "SHUT"}}', encoding="utf-8")
    with pytest.raises(ReadingError, match="kind of surrogate must be one of"):
        load_bundle(str(file))
    file.write_bytes(trap)
    with pytest.raises(ValueError, match="utf-8"):
        load_bundle(str(file))


@pytest.mark.usefixtures("optuna_closed")
def test_an_optuna_storage_of_somebody_else_is_written_and_its_pickles_stay_shut(
    lab: Path, tmp_path: Path, trap: bytes
):
    url = f"sqlite:///{tmp_path}/studies.db"
    theirs = optuna.create_study(study_name="theirs", storage=url)
    theirs.add_trial(
        optuna.trial.create_trial(
            value=1.0, system_attrs={"cma:generation": 1, "cma:optimizer": trap.hex()}
        )
    )
    with Campaign.open(lab) as campaign:
        export_studies(campaign, url)
        export_studies(campaign, url, replace=True)
    assert "theirs" in optuna.get_all_study_names(url)


@pytest.mark.sqlite_file
def test_a_ledger_with_a_pickle_where_text_should_be_is_refused(lab: Path, trap: bytes):
    with closing(sqlite3.connect(lab / "ledger.db")) as connection:
        connection.execute(
            "INSERT INTO models (sha256, body, recorded_at) VALUES (?, ?, ?)",
            ("0" * 64, trap, "2026-01-01T00:00:00Z"),
        )
        connection.commit()
    with Ledger.open(lab / "ledger.db") as ledger:
        assert ledger.verify()
