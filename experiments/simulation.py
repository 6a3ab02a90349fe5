"""Fills a round's files from a simulated laboratory, as a chemist would."""

import csv
import io
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from experiments.csv_files import csv_text
from experiments.laboratory import Laboratory, MadeJar, MadePiece, Measured
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from features.errors import CampaignError
from features.recipe import GlassRecipe, TrilayerRecipe
from features.stoichiometry import PURE, Assays, masses_for

VIRTUAL: Final = "virtual lab"
"""Operators of simulated specimens begin with this; a lab's files never may."""


SIMULATED: Final = "simulated"
"""Methods of simulated readings begin with this."""


def is_simulated(operator: str) -> bool:
    """Whether an operator's name says that the specimen is simulated."""
    return operator.startswith(VIRTUAL)


class VirtualChemist:
    """Makes and measures a round in a simulated laboratory.

    Args:
        laboratory: Makes and measures.
        past_jar: Recipe of a jar of an earlier round by id, to make it again; the laboratory
            gives the same jar for the same id.
        assays: Assays the masses are weighed with.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        past_jar: Callable[[str], GlassRecipe],
        assays: Assays = PURE,
    ) -> None:
        self.lab = laboratory
        self.operator = f"{VIRTUAL}: {laboratory.source}"
        self._past_jar = past_jar
        self._assays = assays
        self._recipes: dict[str, GlassRecipe] = {}
        self._jars: dict[str, MadeJar] = {}
        self._pellets: dict[str, MadePiece] = {}
        self._cells: dict[str, MadePiece] = {}

    def fill_made(self, text: str, batch_mass_g: float) -> str:
        """``made.csv`` with every blank status filled by making the specimen.

        Raises:
            CampaignError: If a row was filled in by somebody else.
        """
        rows = list(csv.DictReader(io.StringIO(text)))
        make = {"jar": self._make_jar, "pellet": self._press, "cell": self._make_cell}
        for row in rows:
            made = make[row["kind"]](row, batch_mass_g)
            if not row["status"]:
                row |= {"operator": self.operator, **made}
            elif not is_simulated(row["operator"]):
                raise CampaignError(
                    f"made.csv: {row['specimen']} was filled in by a laboratory, got status "
                    f"{row['status']!r}; record it, and simulate in a campaign of its own"
                )
        return csv_text(MADE_COLUMNS, rows)

    def fill_results(
        self, text: str, *, late: Collection[str] = (), without: Collection[str] = ()
    ) -> str:
        """``results.csv`` with every blank value measured.

        Args:
            text: The file.
            late: Properties whose values come later: their rows stay blank.
            without: Properties that nobody measures: their rows say so.
        """
        rows = list(csv.DictReader(io.StringIO(text)))
        for row in rows:
            if row["value"] or row["property"] in late:
                continue
            row |= {"value": "not_measured"} if row["property"] in without else self._measure(row)
        return csv_text(RESULT_COLUMNS, rows)

    def _jar(self, jar_id: str) -> MadeJar:
        if jar_id not in self._jars:
            self._make(jar_id, self._past_jar(jar_id))
        return self._jars[jar_id]

    def _make(self, jar_id: str, recipe: GlassRecipe) -> MadeJar:
        self._recipes[jar_id] = recipe
        self._jars[jar_id] = self.lab.make_jar(jar_id, recipe)
        return self._jars[jar_id]

    def _make_jar(self, row: Mapping[str, Any], batch_mass_g: float) -> dict[str, Any]:
        recipe = GlassRecipe(
            float(row["x"]),
            float(row["milling_time_h"]),
            row["milling_media"],
            float(row["milling_speed_rpm"]),
        )
        jar = self._make(row["specimen"], recipe)
        masses = masses_for(jar.x, batch_mass_g, self._assays)
        return {
            "status": "failed" if jar.failure else "made",
            "reason": jar.failure or "",
            "na2s_mg": round(masses.na2s_mg, 1),
            "p2s5_mg": round(masses.p2s5_mg, 1),
            "p2o5_mg": round(masses.p2o5_mg, 1),
            "recovered_mass_mg": round(1000 * batch_mass_g * jar.recovery, 0),
        }

    def _press(self, row: Mapping[str, Any], batch_mass_g: float) -> dict[str, Any]:
        jar = self._jar(row["jar"])
        if jar.failure:
            return {"status": "not_made", "note": f"jar {row['jar']} failed"}
        pellet = self.lab.press(
            row["specimen"], jar, float(row["pressing_pressure_mpa"]), float(row["mass_mg"])
        )
        self._pellets[row["specimen"]] = pellet
        return {"status": "failed" if pellet.failure else "made", "reason": pellet.failure or ""}

    def _make_cell(self, row: Mapping[str, Any], batch_mass_g: float) -> dict[str, Any]:
        core, skin = self._jar(row["core"]), self._jar(row["skin"])
        if core.failure or skin.failure:
            return {"status": "not_made", "note": "a jar it is built from failed"}
        recipe = TrilayerRecipe(
            core=self._recipes[row["core"]],
            skin=self._recipes[row["skin"]],
            core_mass_mg=float(row["core_mass_mg"]),
            skin_mass_mg=float(row["skin_mass_mg"]),
            precompaction_pressure_mpa=float(row["precompaction_pressure_mpa"]),
            pressing_pressure_mpa=float(row["pressing_pressure_mpa"]),
            stack_pressure_mpa=float(row["stack_pressure_mpa"]),
            temperature_c=float(row["temperature_c"]),
        )
        cell = self._cells[row["specimen"]] = self.lab.make_cell(
            row["specimen"], core, skin, recipe
        )
        return {"status": "failed" if cell.failure else "made", "reason": cell.failure or ""}

    def _measure(self, row: Mapping[str, Any]) -> dict[str, Any]:
        specimen, name = row["specimen"], row["property"]
        measurement: Measured | None = None
        if specimen in self._pellets and not self._pellets[specimen].failure:
            measurement = self.lab.measure(
                self._pellets[specimen], name, float(row["temperature_c"])
            )
        elif specimen in self._cells and not self._cells[specimen].failure:
            measurement = self.lab.measure_cell(self._cells[specimen], name)
        if measurement is None:
            return {"value": "not_measured"}
        return {
            "value": measurement.text,
            "unit": measurement.unit,
            "se": "" if measurement.se is None else f"{measurement.se:.3g}",
            "n": measurement.n,
            "temperature_c": measurement.temperature_c,
            "method": f"{SIMULATED} {measurement.method.removeprefix(SIMULATED).strip()}",
        }
