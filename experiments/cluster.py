"""A Dask cluster as joblib's workers: found, checked, and said so when it goes away.

Joblib's own ``dask`` backend waits for ever for a task whose worker died, and splits what runs
inside a task into tasks of its own; this one ends with a sentence, and a task stays whole.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import Any, Final, final

import dask.config
from distributed import Client, Future, KilledWorker
from distributed.comm import CommClosedError
from joblib.parallel import ParallelBackendBase, SequentialBackend
from threadpoolctl import threadpool_limits
from tornado.ioloop import PeriodicCallback

from features.errors import CampaignError

ANSWER_S: Final = 5.0
"""How long a scheduler may take to answer, and to name a worker."""

NO_WORKER_S: Final = 20.0
"""How long a cluster at work may be without any worker: one that is restarted comes back."""

SAME: Final = ("glassloop", "numpy", "scipy", "pandas", "scikit-learn", "torch", "botorch")
"""Packages that workers must have as this machine has them, for the same numbers."""

_HERE_INSTEAD: Final = "or leave --dask out (or add --or-here) to run on this machine"
_LOOK_S: Final = 1.0


@contextmanager
def connected(address: str) -> Iterator["ClusterBackend"]:
    """A backend of joblib on a cluster that is there, has workers, and runs the same code.

    Args:
        address: Of the scheduler, such as ``tcp://host:8786``.

    Yields:
        The backend, for ``joblib.parallel_config``.

    Raises:
        CampaignError: If the scheduler does not answer, has no workers, a worker has other
            versions than this machine, or the scheduler goes away before the end.
    """
    with _client(address) as client:
        quiet = {"distributed.admin.large-graph-warning-threshold": "1 GB"}
        try:
            _check_workers(client, address)
            with dask.config.set(quiet):  # tables go with each task; there are few tasks
                yield ClusterBackend(client, address)
        except CommClosedError as error:
            raise CampaignError(_lost(address)) from error


@final
class ClusterBackend(ParallelBackendBase):  # type: ignore[misc]
    """Sends joblib's tasks to a Dask cluster.

    Every task keeps to one thread of linear algebra, and what would run in parallel inside it
    runs in a row.
    """

    supports_retrieve_callback = True
    default_n_jobs = -1

    def __init__(self, client: Client, address: str) -> None:
        super().__init__(nesting_level=0)
        self._client = client
        self._lost = _lost(address)
        self._waiting: set[Future[Any]] = set()
        self._seen = monotonic()
        self._watch = PeriodicCallback(self._look_for_workers, 1000 * _LOOK_S)
        self._no_workers = _no_workers(address, NO_WORKER_S)

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Threads of all workers; two at least, since joblib would do the work here for one."""
        return max(2, int(sum(self._client.ncores().values())))

    def configure(self, n_jobs: int = 1, parallel: object = None, **_: object) -> int:
        """Joblib asks before each run: the cluster decides how many tasks it takes."""
        return self.effective_n_jobs(n_jobs)

    def get_nested_backend(self) -> tuple[ParallelBackendBase, int]:
        """Inside a task nothing is parallel."""
        return SequentialBackend(nesting_level=1), 1

    def start_call(self) -> None:
        """A run begins: workers are watched."""
        self._seen = monotonic()
        self._client.loop.add_callback(self._watch.start)

    def stop_call(self) -> None:
        """A run has ended."""
        self._client.loop.add_callback(self._watch.stop)

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Any], Any] | None = None
    ) -> "Future[Any]":
        """One task to the cluster; ``callback`` is told when it is done, failed or lost."""
        if self._client.status != "running":
            raise CampaignError(self._lost)
        future = self._client.submit(_one_thread, func, pure=False)
        self._waiting.add(future)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: "Future[Any]") -> Any:
        """The result of a task, its own exception, or what became of the cluster."""
        self._waiting.discard(out)
        try:
            return out.result()
        except KilledWorker as error:
            raise CampaignError(
                "Dask cluster: a task must leave its worker alive, got "
                f"{error.allowed_failures + 1} workers that died of the same one, last "
                f"{error.last_worker.address}; see that worker's log (mostly it is memory), or "
                "leave --dask out to run on this machine"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise CampaignError(self._lost) from error

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Something failed, or the user gave up: what has not begun does not begin."""
        waiting, self._waiting = self._waiting, set()
        if self._client.status == "running":
            self._client.cancel([*waiting], force=True)

    async def _look_for_workers(self) -> None:
        """Without any worker tasks would wait for ever: they are lost after a while."""
        if self._client.status != "running":
            return
        try:
            found = await self._client.scheduler.ncores()
        except OSError:  # the scheduler is gone: the futures learn of it themselves
            return
        if found:
            self._seen = monotonic()
        elif monotonic() - self._seen > NO_WORKER_S:
            self._lost = self._no_workers
            await self._client.cancel([*self._waiting], asynchronous=True, force=True)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    """A client that is closed again."""
    try:
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CampaignError(
            f"Dask scheduler {address}: must answer within {ANSWER_S:g} s, got no answer "
            f"({_reason(error)}); check the address and that 'dask scheduler' runs there, "
            f"{_HERE_INSTEAD}"
        ) from error
    with client:
        yield client


def _check_workers(client: Client, address: str) -> None:
    """Workers there are, and they have this machine's versions."""
    try:
        client.wait_for_workers(1, timeout=ANSWER_S)
    except TimeoutError as error:
        raise CampaignError(_no_workers(address, ANSWER_S)) from error
    for name in SAME:
        wanted = version(name)
        # A function of Python's own, since a worker may lack ours.
        for worker, found in client.run(version, name, on_error="return").items():
            there = None if isinstance(found, PackageNotFoundError) else found
            if there != wanted:
                raise CampaignError(
                    f"Dask scheduler {address}: workers must have {name} {wanted} as this machine "
                    f"has, got {there or 'none'} at {worker}; install the same there, "
                    f"{_HERE_INSTEAD}"
                )


def _one_thread(task: Callable[[], Any]) -> Any:
    """A task on one thread of linear algebra: as on this machine, and for the same numbers."""
    with threadpool_limits(limits=1):
        return task()


def _reason(error: Exception) -> str:
    """The innermost cause in one line."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _no_workers(address: str, waited_s: float) -> str:
    return (
        f"Dask scheduler {address}: must have workers, got none within {waited_s:g} s; start some "
        f"with 'dask worker {address} --nthreads 1', {_HERE_INSTEAD}"
    )


def _lost(address: str) -> str:
    return (
        f"Dask scheduler {address}: must stay until the work is done, got a lost connection; "
        f"start it again and repeat the command, {_HERE_INSTEAD}"
    )
