"""Which readings share their luck: those of pellets and cells of one jar."""

from collections.abc import Iterable, Mapping

import pandas as pd

from experiments.ledger import Ledger


def clusters_of(ledger: Ledger) -> dict[str, str]:
    """Cluster of every specimen: a jar, with all that was made of it.

    A cell is made of two jars and joins them, and through them everything made of either.

    Args:
        ledger: The campaign's ledger.

    Returns:
        By specimen, one jar that stands for its cluster.
    """
    return joined_jars(ledger.jars().index, ledger.pellets()["jar"], ledger.cells())


def joined_jars(
    jars: Iterable[object], pellets: "Mapping[str, str] | pd.Series[str]", cells: pd.DataFrame
) -> dict[str, str]:
    """The same from tables.

    Args:
        jars: Ids.
        pellets: Jar of each pellet.
        cells: Columns core and skin, index specimen.

    Returns:
        By specimen, the first jar of its cluster.

    Examples:
        >>> cells = pd.DataFrame({"core": ["G2"], "skin": ["G1"]}, index=["C1"])
        >>> joined_jars(["G1", "G2", "G3"], {"G2-P1": "G2"}, cells)["G2-P1"]
        'G1'
    """
    head = {str(jar): str(jar) for jar in jars}
    members = {jar: [jar] for jar in head}
    for core, skin in zip(cells["core"], cells["skin"], strict=True):
        keep, gone = sorted([head[str(core)], head[str(skin)]])
        if keep != gone:
            head |= dict.fromkeys(members[gone], keep)
            members[keep] += members.pop(gone)
    found = dict(head)
    found |= {str(name): head[str(jar)] for name, jar in pellets.items()}
    return found | {str(name): head[str(core)] for name, core in cells["core"].items()}
