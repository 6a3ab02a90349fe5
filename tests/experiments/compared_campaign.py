"""A small campaign with exact readings and bounds, and its comparison of two quick surrogates.

Test modules that need it name it in ``pytest_plugins``; PYTEST_DONT_REWRITE, since by then the
search for doctests has imported it.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from experiments.campaign import Campaign
from experiments.comparison import CampaignComparison
from experiments.config import CampaignConfig, MlflowConfig
from experiments.ledger import Ledger
from experiments.ledger_rows import JarRow, PelletRow, ReadingRow

N_GLASSES = 9
FLOOR_S_CM = 1e-10


def fill(ledger: Ledger) -> None:
    """Nine glasses: all conductivities, a third of the electronic ones below the floor."""
    rng = np.random.default_rng(0)
    with ledger.transaction() as tx:
        for number, x in enumerate(np.linspace(0.0, 0.6, N_GLASSES)):
            jar, pellet = f"J{number}", f"J{number}-P"
            tx.add_jar(
                JarRow(
                    id=jar,
                    origin="lab" if number % 2 else "history",
                    x=round(float(x), 3),
                    milling_time_h=3.0,
                    milling_media="stainless_steel" if number % 3 else "zirconia",
                    milling_speed_rpm=500.0,
                    batch_mass_g=2.0,
                    recovered_mass_mg=1700.0,
                )
            )
            tx.add_pellet(PelletRow(id=pellet, jar=jar, pressing_pressure_mpa=450.0, mass_mg=150.0))
            ionic = float(10 ** (-3.6 - 1.2 * x + 0.06 * rng.standard_normal()))
            leak = float(10 ** (-9.2 - 2.0 * x + 0.1 * rng.standard_normal()))
            below = leak < FLOOR_S_CM
            for name, low, high in (
                ("ionic_conductivity", ionic, ionic),
                (
                    "electronic_conductivity",
                    None if below else leak,
                    FLOOR_S_CM if below else leak,
                ),
            ):
                tx.add_reading(
                    ReadingRow(
                        specimen=pellet, property=name, lower=low, upper=high, temperature_c=60.0
                    )
                )
        tx.add_reading(
            ReadingRow(
                specimen="J0-P",
                property="youngs_modulus",
                lower=18.0,
                upper=18.0,
                temperature_c=25.0,
            )
        )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """The campaign, open."""
    folder = tmp_path_factory.mktemp("compared") / "glasses"
    config = CampaignConfig(name="glasses", mlflow=MlflowConfig(folder="../mlruns"))
    with Campaign.create(folder, config, empty=True) as campaign:
        fill(campaign.ledger)
        yield campaign


@pytest.fixture(scope="module")
def compared(measured: Campaign) -> CampaignComparison:
    """The mean and ridge compared on it."""
    return measured.compare(surrogates=["ridge"], n_jobs=1)
