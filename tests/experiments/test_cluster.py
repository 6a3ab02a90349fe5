"""The same numbers from a Dask cluster as from this machine, and a sentence when it is gone."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import dask
import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_info, threadpool_limits

from experiments import cli, cluster
from experiments.workers import default_jobs, workers
from features.errors import CampaignError, TableError
from models.settings_search import SettingsSearch
from models.tuning import tune
from optimizer import Objective, Optimizer, SearchSpace

pytest_plugins = ["tests.experiments.compared_campaign"]

ROOT = Path(__file__).parents[2]
IN_PROCESS = {
    "processes": False, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"
}  # fmt: skip


@pytest.fixture(scope="module")
def two_workers():
    """Address of a scheduler with two worker processes on this machine."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as local:
        yield local.scheduler_address


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


@pytest.fixture
def at_once(monkeypatch):
    """Patience of a test."""
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)


def process_id(_number):
    time.sleep(0.05)
    return os.getpid()


def threads():
    return max(pool["num_threads"] for pool in threadpool_info())


def ids_inside():
    return Parallel(n_jobs=2)(delayed(process_id)(number) for number in range(2))


def refuses(number):
    raise TableError(f"row {number}: no")


def break_in_between(what):
    results = Parallel(return_as="generator")(delayed(time.sleep)(0.1) for _ in range(300))
    next(results)
    what()
    return list(results)


def test_tasks_run_on_both_workers_and_not_here(two_workers):
    with workers(dask=two_workers) as why_here:
        ids = Parallel()(delayed(process_id)(number) for number in range(20))
    assert why_here is None
    assert len(set(ids)) == 2
    assert os.getpid() not in ids


def test_a_task_stays_whole_on_its_worker(two_workers):
    with workers(dask=two_workers):
        for ids in Parallel()(delayed(ids_inside)() for _ in range(2)):
            assert len(set(ids)) == 1


def test_a_task_keeps_to_one_thread_of_linear_algebra():
    with threadpool_limits(limits=2):
        assert threads() == 2
        assert cluster._one_thread(threads) == 1


def test_results_come_in_order_and_a_run_may_be_left_early(two_workers):
    with workers(dask=two_workers):
        assert Parallel()(delayed(pow)(x, 2) for x in range(30)) == [x**2 for x in range(30)]
        some = Parallel(return_as="generator")(delayed(process_id)(x) for x in range(30))
        next(some)
        with pytest.warns(UserWarning, match="cancelled"):
            some.close()
        assert Parallel()(delayed(abs)(x) for x in (-1, -2)) == [1, 2]


def test_a_task_complains_as_it_would_here(two_workers):
    with workers(dask=two_workers), pytest.raises(TableError, match="row 3: no"):
        Parallel()(delayed(refuses)(3) for _ in range(4))


def test_a_comparison_is_the_same_on_a_cluster(measured, two_workers):
    asked = {"properties": ["ionic_conductivity"], "surrogates": ["random_forest", "gp"]}
    told = []
    here = measured.compare(**asked, n_jobs=1)
    with workers(dask=two_workers):
        there = measured.compare(
            **asked, n_jobs=1, progress=lambda done, total: told.append((done, total))
        )
    here, there = (found.comparisons["ionic_conductivity"] for found in (here, there))
    for table in ("predictions", "scores", "differences", "curves", "data"):
        pd.testing.assert_frame_equal(getattr(there, table), getattr(here, table), check_exact=True)
    assert there.verdict == here.verdict
    assert told == [(done, 30) for done in range(1, 31)]


def test_a_pool_is_scored_the_same_on_a_cluster(two_workers):
    rng = np.random.default_rng(0)
    pool = pd.DataFrame(rng.random((9000, 3)), columns=["a", "b", "c"])
    told = pool.head(12).assign(y=lambda t: t["a"], z=lambda t: t["b"] - t["a"] ** 2)
    objectives = [Objective(name, "maximize", reference=-1.0) for name in ("y", "z")]

    def chosen():
        optimizer = Optimizer(SearchSpace.from_candidates(pool), objectives, seed=0)
        optimizer.tell(told)
        return optimizer.ask(2)

    here = chosen()
    with workers(dask=two_workers):
        pd.testing.assert_frame_equal(chosen(), here)


def test_settings_are_chosen_the_same_on_a_cluster(measured, two_workers):
    knowledge = measured.knowledge()
    search = SettingsSearch(property_id="ionic_conductivity", n_trials=2)
    asked = (search, knowledge.pellets.iloc[:3], knowledge.fitted.iloc[:6])
    here = tune(*asked)
    with workers(dask=two_workers):
        there = tune(*asked)
    assert there.nested_nlpd == here.nested_nlpd
    pd.testing.assert_frame_equal(there.chosen_by_fold, here.chosen_by_fold, check_exact=True)


def test_a_scheduler_that_is_gone_is_one_sentence(nobody, at_once):
    with (
        pytest.raises(
            CampaignError,
            match=rf"Dask scheduler {nobody}: must answer within 0.5 s, .* or leave --dask out",
        ),
        workers(dask=nobody),
    ):
        pytest.fail("nobody is there")


def test_an_address_that_is_none_is_one_sentence():
    with (
        pytest.raises(CampaignError, match=r"must answer .*missing port number"),
        workers(dask="tcp://127.0.0.1"),
    ):
        pytest.fail("nobody is there")


def test_it_falls_back_only_when_told_and_says_so(nobody, at_once):
    with workers(1, nobody, or_here=True) as why_here:
        assert Parallel()(delayed(os.getpid)() for _ in range(2)) == [os.getpid()] * 2
    assert why_here.startswith(f"runs on this machine instead: Dask scheduler {nobody}: must answ")


def test_a_scheduler_without_workers_is_one_sentence(at_once):
    with (
        LocalCluster(n_workers=0, **IN_PROCESS) as local,
        pytest.raises(CampaignError, match=r"must have workers, got none within 0.5 s; start some"),
        workers(dask=local.scheduler_address),
    ):
        pytest.fail("nobody works")


def test_workers_that_go_away_for_good_are_one_sentence(monkeypatch):
    monkeypatch.setattr(cluster, "NO_WORKER_S", 0.5)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, **IN_PROCESS) as local,
        pytest.raises(CampaignError, match=r"must have workers, got none within 0.5 s"),
        workers(dask=local.scheduler_address),
    ):
        break_in_between(lambda: local.scale(0))


def test_a_scheduler_that_dies_at_work_is_one_sentence():
    script = (
        "import sys, time; from distributed import LocalCluster\n"
        f"with LocalCluster(n_workers=1, threads_per_worker=1, **{IN_PROCESS}) as local:\n"
        "    print(local.scheduler_address, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as other:
        address = other.stdout.readline().strip()
        with (
            pytest.raises(CampaignError, match=rf"{address}: must stay until the work is done, "),
            workers(dask=address),
        ):
            break_in_between(other.kill)


def test_a_task_that_kills_its_worker_is_one_sentence():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as local,
        pytest.raises(CampaignError, match="a task must leave its worker alive, got 1 worker"),
        workers(dask=local.scheduler_address),
    ):  # fmt: skip
        Parallel()(delayed(os._exit)(1) for _ in range(2))


@pytest.mark.parametrize(
    ("package", "message"),
    [
        pytest.param("numpy", r"must have numpy 0 as this .* got \d.* at tcp", id="another"),
        pytest.param("only_here", "must have only_here 0 as this .* got none at tcp", id="none"),
    ],
)
def test_workers_with_other_versions_are_refused(
    two_workers, monkeypatch, tmp_path, package, message
):
    known_here = tmp_path / f"{package}-0.dist-info"
    known_here.mkdir()
    (known_here / "METADATA").write_text(f"Name: {package}\nVersion: 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cluster, "SAME", ("glassloop", package))
    with pytest.raises(CampaignError, match=message), workers(dask=two_workers):
        pytest.fail("versions differ")


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "experiments.cluster")
    monkeypatch.delattr("experiments.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CampaignError, match=r"pip install 'glassloop\[dask\]'"), workers(dask="x"):
        pytest.fail("there is none")


def test_here_it_runs_in_as_many_processes_as_said():
    before = get_active_backend()[1]
    with workers(2):
        assert get_active_backend()[1] == 2
        assert os.getpid() not in Parallel()(delayed(os.getpid)() for _ in range(2))
    with workers():
        assert get_active_backend()[1] == default_jobs()
    assert get_active_backend()[1] == before


def test_an_inner_one_leaves_what_was_chosen_outside():
    with parallel_config(backend="threading", n_jobs=3):
        outside, _ = get_active_backend()
        with workers(2):
            assert get_active_backend() == (outside, 3)
    with workers(1):
        with workers():
            assert get_active_backend()[1] == 1
        with workers(2):
            assert get_active_backend()[1] == 2


@pytest.fixture
def command(measured, monkeypatch, capsys):
    """``compare`` in this process; exit code, stdout and stderr."""

    def call(*words):
        asked = ["-c", measured.folder, "-p", "ionic_conductivity", "-s", "ridge", "--no-mlflow"]
        monkeypatch.setattr(sys, "argv", [*map(str, ["glassloop", "compare", *asked, *words])])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_the_command_prints_the_same_numbers_from_a_cluster(command, two_workers):
    objects = []
    for words in ((), ("--dask", two_workers)):
        code, out, err = command("--json", "--jobs", 1, *words)
        assert (code, "warning" in err) == (0, False)
        objects.append({k: v for k, v in json.loads(out).items() if k != "created"})
    assert objects[0] == objects[1]


def test_the_command_refuses_a_scheduler_that_is_gone_unless_told(command, nobody, at_once):
    code, out, err = command("--dask", nobody)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: Dask scheduler {nobody}: must answer")
    assert "--or-here" in err
    assert err.count("\n") == 1
    code, out, err = command("--dask", nobody, "--or-here", "--jobs", 1, "--json")
    assert code == 0
    assert err.startswith(f"warning: runs on this machine instead: Dask scheduler {nobody}")
    assert json.loads(out)["simulated"] is False


def test_help_loads_neither_torch_nor_dask():
    code = (
        "import sys; from experiments import cli\n"
        "try: cli.app(['compare', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'dask', 'distributed', 'joblib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert b"--dask" in done.stdout
    assert done.returncode == 0, done.stderr
