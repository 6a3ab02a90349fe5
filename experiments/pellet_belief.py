"""What is known of pellets, made and to be made, and how one more reading would move it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.progress import objectives_of
from features.properties import property_of
from models.interval_rows import interval_rows
from optimizer.knowledge_gradient import reading_shifts
from optimizer.objectives import Objective

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PropertyBelief:
    """One property of N pellets, and at R readings of their jars, on the property's scale.

    Attributes:
        mean: Shape (N,), of the pellets' recipes.
        covariance: Shape (N + R, N + R), of recipes, then of recipes as they were read.
        jar: Jar of the N pellets, then of the R readings.
        pellet: Pellet likewise.
        error_sd: Shape (R,), of the readings there are.
        jar_sd: Scatter between jars of one recipe.
        pellet_sd: Scatter between pellets of one jar.
        reading_sd: Error of a reading to come.
    """

    mean: Array
    covariance: Array
    jar: NDArray[np.str_]
    pellet: NDArray[np.str_]
    error_sd: Array
    jar_sd: float
    pellet_sd: float
    reading_sd: float

    @classmethod
    def of(
        cls,
        knowledge: Knowledge,
        config: CampaignConfig,
        name: str,
        pellets: pd.DataFrame,
        *,
        unread: bool = False,
    ) -> "PropertyBelief":
        """The belief after all that was read.

        Args:
            knowledge: Readings and the fitted surrogate.
            config: Reference temperature.
            name: Catalogue id of a pellet's property.
            pellets: N pellets with recipe and ``jar``, index specimen.
            unread: Whether only pellets of new jars are to be read, so that the readings there
                are need not be held.
        """
        model, entry = knowledge.layers[name], property_of(name)
        read = knowledge.pellets.loc[knowledge.pellets["jar"].isin(pellets["jar"])]
        read = read.iloc[:0] if unread else read
        own = knowledge.fitted["specimen"].isin(read.index)
        rows = interval_rows(knowledge.fitted.loc[own], entry)
        # of a bound nobody can say how much of it was luck
        exact = np.flatnonzero(rows.low == rows.high)
        specimens = [rows.specimen[row] for row in exact]
        as_read = read.loc[specimens]
        temperature = rows.temperature_c[exact]
        columns = list(GLASS_COLUMNS)
        asked = pd.concat(
            [
                pellets[columns].assign(temperature_c=config.temperature_c),
                as_read[columns].assign(
                    temperature_c=np.where(np.isnan(temperature), config.temperature_c, temperature)
                ),
            ],
            ignore_index=True,
        )
        mean, covariance = model.joint(asked)
        sd = {level.level: level.sd for level in model.scatter()}
        stated = rows.noise_sd[exact]
        return cls(
            mean=mean[: len(pellets)],
            covariance=covariance,
            jar=np.array([*pellets["jar"], *as_read["jar"]], dtype=str),
            pellet=np.array([*pellets.index, *specimens], dtype=str),
            error_sd=np.where(np.isnan(stated), sd["reading"], stated),
            jar_sd=sd["jar"],
            pellet_sd=sd["pellet"],
            reading_sd=sd["reading"],
        )

    def shift(self, row: int) -> Array:
        """How far a reading one standard deviation above expectation moves the N means.

        What jar and pellet have of their own is shared by all their readings: those that were
        taken tell part of it, so a second reading of a pellet tells less than the first.

        Args:
            row: Position of the pellet.

        Returns:
            Shape (N,).
        """
        n = len(self.mean)
        siblings = n + np.flatnonzero(self.jar[n:] == self.jar[row])
        same_pellet = self.pellet[siblings] == self.pellet[row]
        luck = self.jar_sd**2 + self.pellet_sd**2
        with_new = self.jar_sd**2 + self.pellet_sd**2 * same_pellet
        among = self.jar_sd**2 + self.pellet_sd**2 * (
            self.pellet[siblings][:, None] == self.pellet[siblings][None, :]
        )
        among = among + np.diag(self.error_sd[siblings - n] ** 2)
        share = np.linalg.solve(among, with_new)
        weights = np.zeros(len(self.jar))
        weights[row] = 1.0
        weights[siblings] -= share
        left = max(0.0, luck - float(share @ with_new))
        noise_sd = (left + self.reading_sd**2) ** 0.5
        return np.asarray(reading_shifts(self.covariance, weights[None], [noise_sd])[0, :n])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PelletBelief:
    """All objectives of N pellets in utilities; the properties are independent of each other.

    Attributes:
        pellets: N rows, index specimen.
        objectives: m objectives.
        parts: The belief of each.
    """

    pellets: pd.DataFrame
    objectives: Sequence[Objective]
    parts: Sequence[PropertyBelief]

    @classmethod
    def of(
        cls,
        knowledge: Knowledge,
        config: CampaignConfig,
        pellets: pd.DataFrame,
        *,
        unread: bool = False,
    ) -> "PelletBelief":
        """What is known of these pellets.

        Args:
            knowledge: Readings and fitted surrogates.
            config: Objectives and reference temperature.
            pellets: N pellets, made or not, with recipe and ``jar``, index specimen.
            unread: As for ``PropertyBelief.of``.
        """
        objectives = objectives_of(config.glasses.objectives)
        parts = [
            PropertyBelief.of(knowledge, config, o.name, pellets, unread=unread) for o in objectives
        ]
        return cls(pellets=pellets, objectives=objectives, parts=parts)

    @property
    def means(self) -> Array:
        """Posterior means, shape (N, m), utilities."""
        columns = [
            o.sign * part.mean / o.width
            for o, part in zip(self.objectives, self.parts, strict=True)
        ]
        return np.stack(columns, axis=1)

    def shifts(self, specimen: str, properties: Collection[str]) -> Array:
        """How far readings of one pellet move the means.

        Args:
            specimen: Pellet among the N.
            properties: k of the objectives.

        Returns:
            Shape (k, N, m), utilities.
        """
        row = list(self.pellets.index).index(specimen)
        moved = []
        for position, (objective, part) in enumerate(zip(self.objectives, self.parts, strict=True)):
            if objective.name in properties:
                one = np.zeros((len(self.pellets), len(self.objectives)))
                one[:, position] = objective.sign * part.shift(row) / objective.width
                moved.append(one)
        return np.stack(moved)
