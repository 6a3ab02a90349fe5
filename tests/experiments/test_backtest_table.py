"""Tables of any laboratory: read as meant, refused with file, row and column."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.backtest_objectives import objective_of
from experiments.backtest_table import read_history
from features.errors import SpaceError, TableError

LINES = [
    "date;temp;medium;sigma;leak",
    "2024-03-01;200;steel;1,5e-5;<1e-9",
    "2024-02-01;250;agate;2e-5;2e-9",
    "2024-03-01;300;agate;>3e-5;",
    "2024-04-01;200;steel;2,5e-5;1e-9..3e-9",
    "2024-05-01;;steel;2e-5;",
    "2024-06-01;400;steel;;",
]


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "lab.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


class TestReading:
    def test_recipes_come_in_the_order_made_with_ties_by_row(self, tmp_path):
        history = read_history(
            written(tmp_path, LINES),
            features=["temp", "medium"],
            objectives=["sigma:maximize:log10"],
            order="date",
        )
        assert history.recipes["temp"].tolist() == [250.0, 200.0, 300.0]
        assert history.recipes["medium"].tolist() == ["agate", "steel", "agate"]
        assert history.row_numbers.tolist() == [3, 2, 4]
        assert history.moments.tolist() == [0, 1, 1]

    def test_without_a_column_of_order_the_rows_are_the_order(self, tmp_path):
        history = read_history(
            written(tmp_path, LINES), features=["temp"], objectives=["sigma:maximize"]
        )
        assert history.row_numbers.tolist() == [2, 3, 4]
        assert history.moments.tolist() == [0, 1, 2]

    def test_a_recipe_made_twice_is_one_candidate_that_tells_both_readings(self, tmp_path):
        history = read_history(
            written(tmp_path, LINES),
            features=["temp", "medium"],
            objectives=["sigma:maximize:log10"],
        )
        assert history.size == 3
        assert history.told([0])["sigma"].tolist() == [1.5e-5, 2.5e-5]
        assert history.values[0, 0] == pytest.approx(np.log10([1.5e-5, 2.5e-5]).mean())
        assert any("1 row repeats an earlier recipe: one candidate" in n for n in history.notes)

    def test_rows_that_cannot_be_used_are_named(self, tmp_path):
        history = read_history(
            written(tmp_path, LINES), features=["temp"], objectives=["sigma:maximize"]
        )
        assert history.notes[:2] == (
            "1 row left out of every order since a feature is empty: 6.",
            "1 row left out of every order since nothing was measured: 7.",
        )

    def test_bounds_count_as_what_they_promise_and_are_told_as_bounds(self, tmp_path):
        history = read_history(
            written(tmp_path, LINES),
            features=["temp"],
            objectives=["sigma:maximize:1e-6", "leak:minimize:log10:1e-7"],
        )
        assert history.told([2])["sigma"].tolist() == [">3e-05"]
        assert history.told([0])["leak"].tolist() == ["<1e-09", "1e-09..3e-09"]
        assert history.values[2].tolist() == [3e-5, pytest.approx(np.nan, nan_ok=True)]
        assert history.values[0, 1] == pytest.approx(-np.log10([1e-9, 3e-9]).mean())

    def test_a_catalogue_property_is_read_with_its_unit(self, tmp_path):
        path = written(tmp_path, ["x,ionic_conductivity", "0.1,0.27 mS/cm", "0.2,2×10⁻⁴"])
        history = read_history(path, features=["x"], objectives=["ionic_conductivity"])
        assert history.rows["ionic_conductivity"].tolist() == [pytest.approx(2.7e-4), 2e-4]
        assert history.objectives[0].reference == 1e-6

    def test_features_may_be_named_by_a_pattern_and_constant_ones_do_not_count(self, tmp_path):
        path = written(tmp_path, ["x_a,x_b,x_c,y", "1,5,0,1", "2,5,1,2", "3,5,0,3"])
        history = read_history(path, features=["x_*"], objectives=["y:maximize"])
        assert list(history.recipes.columns) == ["x_a", "x_c"]
        assert history.notes == ("The same in all rows, so not a feature: x_b.",)

    def test_numbers_that_are_names_are_categories_when_told_so(self, tmp_path):
        path = written(tmp_path, ["lot,y", "1,1", "2,2", "1b,3"])
        history = read_history(path, features=["lot:category"], objectives=["y:maximize"])
        assert history.recipes["lot"].tolist() == ["1", "2", "1b"]

    @pytest.mark.parametrize(
        ("cells", "places"),
        [
            (["2003", "1999", "2003"], [1, 0, 2]),
            (["2024-01-31 15:00", "2024-01-31 09:00", "2023-12-01"], [2, 1, 0]),
            (["3.1.2024", "31.12.2023", "4.1.2024"], [1, 0, 2]),
        ],
        ids=["years", "with time", "with points"],
    )
    def test_years_and_dates_sort(self, tmp_path, cells, places):
        lines = [f"{i},{i},{cell}" for i, cell in enumerate(cells)]
        path = written(tmp_path, ["a,y,when", *lines])
        history = read_history(path, features=["a"], objectives=["y:maximize"], order="when")
        assert history.recipes["a"].tolist() == places

    def test_the_literature_tables_are_read(self):
        folder = Path(__file__).parents[2] / "experiments" / "data" / "sciglass"
        path = folder / "sciglass_alkali_sulfide_sigma20_Tg.csv"
        history = read_history(
            path, features=["x_*"], objectives=["log_sigma:maximize"], order="year"
        )
        years = pd.read_csv(path)["year"].iloc[history.row_numbers - 2].to_numpy()
        assert history.recipes.shape == (180, 25)
        assert (np.diff(years) >= 0).all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ([], r"^lab.csv: is empty; expected a header"),
            (["temp,sigma"], r"^lab.csv: needs rows below its header, got none; add"),
            (["temp,sigma", "1,", "2,nan"], r"lab.csv, column sigma: needs at least one value, g"),
            (["tmep,sigma", "1,2"], r"^lab.csv: lacks the column temp; is it tmep\?; got tmep, s"),
            (["temp,sigma", "1,2", "2,high"], r"lab.csv, row 3, column sigma: .*got 'high'"),
            (["temp,sigma", "1,2", "hot,3"], r"lab.csv, row 3, column temp: .*got 'hot'.*:catego"),
            (["temp,sigma", "1,2", "2,2"], r"lab.csv, column sigma: must differ .* all 2; there"),
            (["temp,sigma", "1,2", "1,3"], r"features must differ .* same recipe in all 2; name"),
            (["temp,sigma", "1,<2", "2,<3"], r"only bounds on the wrong side to maximize; check"),
            (["temp,sigma", "1,", ",3"], r"rows with every feature and a reading, got none of 2"),
            (["temp,sigma", "1,3..2", "2,3"], r"row 2, column sigma: a range must run from low"),
        ],
        ids=[
            "empty", "header only", "all NaN", "column missing", "no number", "feature", "constant",
            "one recipe", "bounds", "nothing left", "range",
        ],
    )  # fmt: skip
    def test_a_table_that_cannot_be_replayed_is_refused(self, tmp_path, lines, message):
        with pytest.raises(TableError, match=message):
            read_history(written(tmp_path, lines), features=["temp"], objectives=["sigma:maximize"])

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"features": []}, TableError, "needs at least one feature, got none"),
            ({"features": ["q_*"]}, TableError, r"no column is like q_\*, got date, temp"),
            ({"objectives": []}, SpaceError, "need at least one and each column once, got none"),
            ({"objectives": ["sigma:up"]}, SpaceError, "maximize or minimize, got up; write"),
            ({"objectives": ["sigma"]}, SpaceError, "maximize or minimize, got none; write"),
            ({"objectives": ["sigma:maximize:ln"]}, SpaceError, "log10 and a reference, got 'ln'"),
            ({"objectives": ["sigma:maximize", "leak:minimize"]}, SpaceError, "needs a reference"),
            ({"objectives": ["temp:maximize"]}, SpaceError, "feature or an objective, got both"),
            ({"order": "medium"}, TableError, "row 2, column medium: needs a date, .*got 'steel'"),
            ({"order": "dates"}, TableError, r"lacks the column dates; is it date\?"),
        ],
        ids=[
            "no feature", "pattern", "no objective", "direction", "no direction", "scale",
            "reference", "both", "order", "order missing",
        ],
    )  # fmt: skip
    def test_a_mapping_that_does_not_fit_is_refused(self, tmp_path, options, error, message):
        usual = {"features": ["temp"], "objectives": ["sigma:maximize"]}
        with pytest.raises(error, match=message):
            read_history(written(tmp_path, LINES), **(usual | options))

    def test_zero_has_no_logarithm(self, tmp_path):
        path = written(tmp_path, ["a,y", "1,0", "2,1"])
        with pytest.raises(TableError, match="row 2, column y: must be above 0 on a log10 scale"):
            read_history(path, features=["a"], objectives=["y:maximize:log10"])

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(TableError, match=r"none.csv: no such file"):
            read_history(tmp_path / "none.csv", features=["a"], objectives=["y:maximize"])


def test_a_column_may_have_colons_and_the_catalogue_fills_in():
    assert objective_of("a:b:minimize:log10").name == "a:b"
    stated = objective_of("ionic_conductivity:maximize:1e-7")
    assert (stated.reference, stated.scale, stated.best) == (1e-7, "log10", None)
    assert objective_of("electronic_conductivity").direction == "minimize"
