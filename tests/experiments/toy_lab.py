"""A user's own simulator, as docs/study.md describes one: a hundred lines less than the shipped."""

from dataclasses import dataclass
from hashlib import sha256
from types import SimpleNamespace

import numpy as np

UNITS = {
    "relative_density": ("", 0.01), "ionic_conductivity": ("S/cm", 0.05),
    "youngs_modulus": ("GPa", 0.03), "electronic_conductivity": ("S/cm", 0.10),
    "charge_transfer_resistance": ("ohm cm2", 0.05), "area_specific_resistance": ("ohm cm2", 0.05),
    "critical_current_density": ("mA/cm2", 0.10),
}  # fmt: skip


def make(seed):
    return ToyLab(seed)


@dataclass(frozen=True)
class ToyLab:
    seed: int
    source: str = "a toy laboratory of the tests"

    def make_jar(self, jar_id, recipe):
        return SimpleNamespace(id=jar_id, recipe=recipe, x=recipe.x, recovery=0.9, failure=None)

    def press(self, pellet_id, jar, pressing_pressure_mpa, mass_mg):
        return SimpleNamespace(
            id=pellet_id, x=jar.x, pressing_pressure_mpa=pressing_pressure_mpa, failure=None
        )

    def make_cell(self, cell_id, core, skin, recipe):
        return SimpleNamespace(id=cell_id, recipe=recipe, failure=None)

    def measure(self, pellet, name, temperature_c):
        return self._read(pellet.id, name, self._pellet(pellet.x, name), temperature_c)

    def measure_cell(self, cell, name):
        truth = self.cell_truth(cell.recipe, name)
        return self._read(cell.id, name, truth, cell.recipe.temperature_c)

    def pellet_truth(self, recipe, name):
        return self._pellet(recipe.glass.x, name)

    def cell_truth(self, recipe, name):
        if name == "area_specific_resistance":
            return 300.0 + 10 * recipe.skin_mass_mg
        return 0.2 + 3.0 * recipe.skin.x

    def _pellet(self, x, name):
        return {
            "relative_density": 0.9 + 0.1 * x,
            "ionic_conductivity": 1e-4 * (1 + x * (0.4 - x) * 10) if x < 0.4 else 8e-5,
            "youngs_modulus": 15 + 8 * x,
            "electronic_conductivity": 10 ** (-8.5 - 2 * x),
            "charge_transfer_resistance": 50 * np.exp(-3 * x),
        }[name]

    def _read(self, specimen, name, truth, temperature_c):
        key = f"{self.seed}|{specimen}|{name}".encode()
        rng = np.random.default_rng(int.from_bytes(sha256(key).digest()[:8], "big"))
        unit, spread = UNITS[name]
        value = truth * np.exp(spread * rng.standard_normal())
        value = min(value, 0.999) if name == "relative_density" else value
        cool = name in ("relative_density", "youngs_modulus")
        return SimpleNamespace(
            text=f"{value:.4g}", unit=unit, se=abs(truth) * spread, n=1,
            temperature_c=25.0 if cool else temperature_c, method="toy",
        )  # fmt: skip
