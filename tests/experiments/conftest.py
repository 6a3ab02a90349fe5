"""What the tests of the laboratory's side share: glasses as a laboratory would have made them."""

from collections.abc import Callable
from typing import Any

import pytest

from experiments.ledger import Ledger
from experiments.ledger_rows import JarRow, PelletRow, ReadingRow

AddGlass = Callable[..., str]


@pytest.fixture(scope="session")
def add_glass() -> AddGlass:
    """Writes a glass, its pellet and exact readings into a ledger; gives the pellet's id."""

    def add(ledger: Ledger, name: str, *, status: str = "made", **given: Any) -> str:
        glass = {
            "x": 0.15,
            "milling_time_h": 3.0,
            "milling_media": "stainless_steel",
            "milling_speed_rpm": 500.0,
        }
        glass |= {key: given.pop(key) for key in list(given) if key in glass}
        pressure_mpa = given.pop("pressing_pressure_mpa", 450.0)
        recovered_mg = given.pop("recovered_mass_mg", 1700.0)
        pellet = f"{name}-P"
        with ledger.transaction() as tx:
            tx.add_jar(
                JarRow(
                    id=name,
                    origin="lab",
                    status=status,
                    batch_mass_g=2.0,
                    recovered_mass_mg=recovered_mg,
                    **glass,
                )
            )
            tx.add_pellet(
                PelletRow(
                    id=pellet,
                    jar=name,
                    status=status,
                    pressing_pressure_mpa=pressure_mpa,
                    mass_mg=150.0,
                )
            )
            for prop, value in given.items():
                tx.add_reading(
                    ReadingRow(
                        specimen=pellet, property=prop, lower=value, upper=value, temperature_c=60.0
                    )
                )
        return pellet

    return add
