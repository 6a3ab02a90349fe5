"""The pictures of a study's folder."""

from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from experiments.study_plot import chance_figure, volume_figure
from experiments.study_spec import StudySpec


def write_pictures(folder: Path, campaigns: pd.DataFrame, spec: StudySpec) -> list[Path]:
    """Draw a study.

    Args:
        folder: Where to.
        campaigns: As ``Study.campaigns`` gives them.
        spec: The study.

    Returns:
        PNG files: ``cells``, ``glasses`` and ``chance``.
    """
    figures = {
        "cells": volume_figure(campaigns, spec, "cells"),
        "glasses": volume_figure(campaigns, spec, "glasses"),
        "chance": chance_figure(campaigns, spec),
    }
    paths = []
    for name, figure in figures.items():
        FigureCanvasAgg(figure)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=110)
        paths.append(path)
    return paths
