"""Where parallel work runs: processes of this machine, or a Dask cluster that somebody named."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits

from features.errors import CampaignError


def default_jobs() -> int:
    """Processes used when nobody says: two, or the one there is."""
    return min(2, os.cpu_count() or 1)


@contextmanager
def workers(
    n_jobs: int | None = None, dask: str | None = None, *, or_here: bool = False
) -> Iterator[str | None]:
    """Every ``joblib.Parallel()`` inside runs here in processes, or on a cluster.

    Results do not depend on where. Each process keeps to one thread of linear algebra. Where
    a ``workers`` outside or the caller's ``joblib.parallel_config`` names a cluster or threads, or
    inside a task, another without ``dask`` changes nothing.

    Args:
        n_jobs: Processes on this machine; ``default_jobs`` when left out. A cluster decides
            itself how many tasks it takes.
        dask: Address of a Dask scheduler, such as ``tcp://host:8786``.
        or_here: Run on this machine if that scheduler cannot be used.

    Yields:
        Why it runs here although a cluster was named; ``None`` when nothing of the kind.

    Raises:
        CampaignError: If the cluster cannot be used, or goes away while it works.

    Example:
        >>> from joblib import Parallel, delayed
        >>> with workers(1):
        ...     Parallel()(delayed(pow)(x, 2) for x in (1, 2, 3))
        [1, 4, 9]
    """
    why_here = None
    with ExitStack() as entered:
        entered.enter_context(threadpool_limits(limits=1))
        if dask is not None:
            try:
                _enter_cluster(entered, dask)
            except CampaignError as error:
                if not or_here:
                    raise
                why_here = f"runs on this machine instead: {error}"
                _enter_processes(entered, n_jobs)
        elif not _is_chosen(n_jobs):
            _enter_processes(entered, n_jobs)
        yield why_here


def _enter_cluster(entered: ExitStack, address: str) -> None:
    try:
        from experiments.cluster import connected  # needs the extra, which few have
    except ModuleNotFoundError as error:
        if error.name not in {"dask", "distributed"}:
            raise
        raise CampaignError(
            f"Dask scheduler {address}: dask.distributed must be installed, got no module "
            f"{error.name}; pip install 'glassloop[dask]'"
        ) from error
    backend = entered.enter_context(connected(address))
    entered.enter_context(parallel_config(backend=backend))


def _enter_processes(entered: ExitStack, n_jobs: int | None) -> None:
    jobs = default_jobs() if n_jobs is None else n_jobs
    entered.enter_context(parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1))


def _is_chosen(n_jobs: int | None) -> bool:
    """Whether somebody outside said where to run, or by how many and here nobody says else."""
    backend, _ = get_active_backend()
    if not backend.supports_inner_max_num_threads:  # all but the one joblib has by itself
        return True
    return n_jobs is None and backend.inner_max_num_threads is not None
