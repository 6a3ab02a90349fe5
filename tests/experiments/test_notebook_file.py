"""A lab's old table as history, whatever its columns are called."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.campaign import Campaign
from experiments.recording import Report
from features.errors import InputError

pytest_plugins = ["tests.experiments.planned_round"]

GERMAN = (
    "Probe;O-Gehalt;Mahlzeit h;Becher;Druck MPa;sigma mS/cm;T °C;E GPa;Bemerkung\r\n"
    'A1;0,15;20;agate;450;"0,25";60;19,5;;;\r\n'
    "A2;0,30;20;Stainless Steel;450;<0,01;60;;gelb;;\r\n"
)
MAPPING = {
    "Probe": "specimen",
    "O-Gehalt": "x",
    "Mahlzeit h": "milling_time_h",
    "Becher": "milling_media",
    "Druck MPa": "pressing_pressure_mpa",
    "sigma mS/cm": "ionic_conductivity:mS/cm",
    "T °C": "temperature_c",
    "E GPa": "youngs_modulus",
    "Bemerkung": "note",
}


def notebook(lab: Any, text: str, encoding: str = "cp1252") -> Path:
    path = Path(lab.folder / "notebook.csv")
    path.write_bytes(text.encode(encoding))
    return path


def record(
    lab: Any, text: str, mapping: Mapping[str, str] | None = None, encoding: str = "cp1252"
) -> Report:
    with Campaign.open(lab.folder) as campaign:
        return campaign.record_notebook(
            notebook(lab, text, encoding), MAPPING if mapping is None else mapping, by="me"
        )


def refused(lab: Any, text: str, mapping: Mapping[str, str] | None = None) -> tuple[str, ...]:
    before = lab.content()
    with pytest.raises(InputError, match="nothing was written") as caught:
        record(lab, text, mapping)
    assert lab.content() == before
    return caught.value.problems


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig"])
def test_a_german_notebook_becomes_history(lab: Any, encoding: str) -> None:
    report = record(lab, GERMAN, encoding=encoding)
    assert (report.specimens, report.readings_added) == (4, 3)
    assert report.warnings == (
        "notebook.csv: has no column for milling_speed_rpm; 500 rpm is assumed",
    )
    ledger = lab.ledger
    jar, pellet = ledger.jar("A1"), ledger.pellet("A2-P")
    assert (jar.origin, jar.x, jar.milling_media, jar.milling_speed_rpm) == (
        "history", 0.15, "agate", 500.0,
    )  # fmt: skip
    assert (pellet.jar, pellet.note, pellet.mass_mg) == ("A2", "gelb", None)
    own = ledger.readings().query("specimen in ('A1-P', 'A2-P')")
    assert list(own["property"]) == ["ionic_conductivity", "youngs_modulus", "ionic_conductivity"]
    assert list(own["upper"]) == [2.5e-4, 19.5, 1e-5]
    assert list(own["lower"].isna()) == [False, False, True]
    assert set(own["temperature_c"]) == {60.0}


def test_recording_a_notebook_again_changes_nothing(lab: Any) -> None:
    record(lab, GERMAN)
    before = lab.content()
    again = record(lab, GERMAN)
    assert (again.specimens, again.readings_added, again.unchanged) == (0, 0, 7)
    assert lab.content() == before


def test_columns_named_as_ours_need_no_mapping(lab: Any) -> None:
    text = (
        "specimen,x,milling_time_h,milling_media,milling_speed_rpm,pressing_pressure_mpa,"
        "relative_density\nB1,0,3,zirconia,400,300,0.85\n"
    )
    report = record(lab, text, {})
    assert (report.specimens, report.readings_added, report.warnings) == (2, 1, ())
    assert lab.ledger.jar("B1").milling_speed_rpm == 400.0


def test_a_row_without_a_name_is_named_after_the_file_and_row(lab: Any) -> None:
    record(lab, GERMAN.replace("A1;", ";"))
    assert lab.ledger.pellet("notebook-2-P").jar == "notebook-2"


def test_one_specimen_read_at_two_temperatures_is_one_specimen(lab: Any) -> None:
    extra = 'A1;0,15;20;agate;450;"0,05";25;;\r\n'
    report = record(lab, GERMAN + extra)
    assert (report.specimens, report.readings_added) == (4, 4)


def test_two_columns_of_one_property_are_two_readings(lab: Any) -> None:
    text = GERMAN.replace("E GPa", "sigma 2").replace("19,5", "0,25")
    mapping = {
        **{k: v for k, v in MAPPING.items() if k != "E GPa"},
        "sigma 2": "ionic_conductivity:mS/cm",
    }
    assert record(lab, text, mapping).readings_added == 3
    own = lab.ledger.readings().query("specimen == 'A1-P'")
    assert list(own["method"]) == ["column sigma mS/cm", "column sigma 2"]


def test_history_is_no_stock(lab: Any) -> None:
    record(lab, GERMAN)
    assert "A1" not in set(lab.ledger.stock()["jar"])


def test_every_bad_cell_is_named_by_the_notebook_s_own_column(lab: Any) -> None:
    bad = (
        GERMAN.replace("A1;0,15;20;agate;450", "A1;15;zwanzig;Glas;900")
        .replace('"0,25";60', '"0,25";333')
        .replace("<0,01", "250")
    )
    assert [problem.partition(":")[0] for problem in refused(lab, bad)] == [
        "notebook.csv, row 2, column O-Gehalt (A1)",
        "notebook.csv, row 2, column Mahlzeit h (A1)",
        "notebook.csv, row 2, column Becher (A1)",
        "notebook.csv, row 2, column Druck MPa (A1-P)",
        "notebook.csv, row 2, column T °C (A1-P)",
        "notebook.csv, row 2, column T °C (A1-P)",
        "notebook.csv, row 3, column sigma mS/cm (A2-P)",
    ]


REFUSED = {
    "unknown target": (
        {"Probe": "sample"},
        r"mapping of column 'Probe': there is no 'sample'; use one of specimen, jar, x",
    ),
    "misspelled target": (
        {"E GPa": "young_modulus"},
        r"mapping of column 'E GPa': there is no 'young_modulus'; did you mean youngs_modulus\?",
    ),
    "no such column": (
        {"Sigma": "ionic_conductivity"},
        r"notebook\.csv: lacks the column Sigma; got Probe, O-Gehalt",
    ),
    "unit of something else": (
        {"E GPa": "youngs_modulus:S/cm"},
        r"mapping of column 'E GPa': Young's modulus: the unit must .*got 'S/cm'",
    ),
    "unit of a recipe column": (
        {"O-Gehalt": "x:%"},
        r"mapping of column 'O-Gehalt': x takes no unit, got '%'; the unit is in the name",
    ),
    "two columns for one": (
        {"E GPa": "x"},
        r"mapping of columns 'O-Gehalt', 'E GPa': all are x; map one",
    ),
}


@pytest.mark.parametrize(("entry", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_mapping_that_cannot_be_meant_is_refused(
    lab: Any, entry: dict[str, str], message: str
) -> None:
    problems = refused(lab, GERMAN, {**MAPPING, **entry})
    with pytest.raises(InputError, match=message):
        raise InputError(problems)


def test_all_faults_of_a_mapping_come_at_once(lab: Any) -> None:
    entries = {"Probe": "sample", "E GPa": "youngs_modulus:S/cm"}
    assert len(refused(lab, GERMAN, {**MAPPING, **entries})) == 2


def test_what_no_column_tells_is_asked_for_once(lab: Any) -> None:
    rest = {k: v for k, v in MAPPING.items() if k not in {"Becher", "T °C"}}
    media, temperature = refused(lab, GERMAN, rest)
    assert media.startswith(
        "notebook.csv: no column tells milling_media; name one with --map "
        "'its column=milling_media', or add it; got Probe, O-Gehalt"
    )
    assert "no column tells temperature_c" in temperature


def test_a_notebook_without_rows_is_refused(lab: Any) -> None:
    header = GERMAN.partition("\r\n")[0]
    (problem,) = refused(lab, header + "\r\n")
    assert problem == "notebook.csv: has a header, but no rows; add a row for each specimen"


def test_two_recipes_under_one_name_are_refused(lab: Any) -> None:
    problems = refused(lab, GERMAN.replace("A2;", "A1;"))
    assert "notebook.csv, row 3, column Probe (A1): stands in row 2 already" in problems[0]
    assert "another O-Gehalt, Becher, Bemerkung" in problems[0]


class TestJars:
    """Pellets of one jar."""

    TEXT = (
        "name,jar,x,milling_time_h,milling_media,milling_speed_rpm,pressing_pressure_mpa,"
        "relative_density,status,reason,note\n"
        "a,J1,0.15,20,Stainless Steel,400,450,0.85,,,\n"
        "b,J1,0.150,20,stainless_steel,400,300,0.80,,,pressed softly\n"
        "c,J2,0.30,20,agate,400,450,0.83,,,\n"
        "d,,0.30,20,agate,400,450,0.82,,,\n"
    )

    def record(self, lab: Any, text: str = TEXT) -> Report:
        return record(lab, text, {"name": "specimen"})

    def test_pellets_with_one_label_share_a_jar(self, lab: Any) -> None:
        report = self.record(lab)
        assert (report.specimens, report.readings_added, report.warnings) == (7, 4, ())
        ledger = lab.ledger
        pellets = ledger.pellets().loc[["a-P", "b-P", "c-P", "d-P"]]
        assert list(pellets["jar"]) == ["J1", "J1", "J2", "d"]
        assert list(pellets["pressing_pressure_mpa"]) == [450, 300, 450, 450]
        jar = ledger.jar("J1")
        assert (jar.x, jar.milling_media, jar.milling_speed_rpm) == (0.15, "stainless_steel", 400)
        assert (jar.origin, jar.note) == ("history", "")

    def test_recording_them_again_changes_nothing(self, lab: Any) -> None:
        self.record(lab)
        before = lab.content()
        assert self.record(lab).specimens == 0
        assert lab.content() == before

    def test_a_recipe_need_only_stand_in_the_first_row_of_a_jar(self, lab: Any) -> None:
        text = self.TEXT.replace("b,J1,0.150,20,stainless_steel,400", "b,J1,,,,")
        assert self.record(lab, text).specimens == 7
        assert lab.ledger.pellet("b-P").jar == "J1"

    @pytest.mark.parametrize(
        ("old", "new", "column", "got"),
        [
            ("J1,0.150", "J1,0.3", "x", "'0.3', but row 2 of the same jar has '0.15'"),
            ("0.150,20", "0.150,3", "milling_time_h", "'3', but row 2 of the same jar has '20'"),
            ("20,stainless_steel", "20,agate", "milling_media", "'agate', but row 2"),
            ("stainless_steel,400", "stainless_steel,500", "milling_speed_rpm", "'500', but row 2"),
            (
                "Stainless Steel,400",
                "Stainless Steel,",
                "milling_speed_rpm",
                "the same jar is blank",
            ),
        ],
        ids=["x", "time", "medium", "speed", "a blank in the first row"],
    )
    def test_rows_of_one_jar_must_agree(
        self, lab: Any, old: str, new: str, column: str, got: str
    ) -> None:
        assert old in self.TEXT
        before = lab.content()
        with pytest.raises(InputError, match="1 problem found, nothing was written") as caught:
            self.record(lab, self.TEXT.replace(old, new))
        (problem,) = caught.value.problems
        assert problem.startswith(f"notebook.csv, row 3, column {column} (J1): got '")
        assert got in problem
        assert problem.endswith("; give both the same, or two jars")
        assert lab.content() == before

    def test_a_fault_of_a_jar_is_named_once_by_the_notebook_s_own_column(self, lab: Any) -> None:
        text = self.TEXT.replace(",jar,x,", ",Becher,O,").replace(",0.15,", ",15,")
        with pytest.raises(InputError, match="2 problems found, nothing was written") as caught:
            record(lab, text, {"name": "specimen", "Becher": "jar", "O": "x"})
        clash, fault = caught.value.problems
        assert clash.startswith("notebook.csv, row 3, column O (J1): got '0.150', but row 2")
        assert fault.startswith("notebook.csv, row 2, column O (J1): ")

    def test_one_pellet_is_not_of_two_jars(self, lab: Any) -> None:
        with pytest.raises(
            InputError, match=r"row 4, column name .*row 3 already with another jar"
        ):
            self.record(lab, self.TEXT.replace("c,J2", "b,J2"))

    @pytest.mark.parametrize(
        ("first", "second", "jar"),
        [
            ("made,", "failed,unreacted", ("made", "")),
            ("failed,unreacted", "failed,Unreacted", ("failed", "unreacted")),
            ("not_made,", "failed,caked", ("failed", "caked")),
            ("failed,cracked", "failed,cracked", ("made", "")),
            ("not_made,", "not_made,", ("not_made", "")),
        ],
        ids=["one good", "both bad", "one pressed", "both cracked", "none pressed"],
    )
    def test_a_jar_fares_as_its_pellets_do(
        self, lab: Any, first: str, second: str, jar: tuple[str, str]
    ) -> None:
        text = self.TEXT.replace("0.85,,", f",{first}").replace("0.80,,", f",{second}")
        self.record(lab, text)
        assert (lab.ledger.jar("J1").status, lab.ledger.jar("J1").reason) == jar

    def test_a_pellet_that_cracked_came_from_a_jar_that_was_made(self, lab: Any) -> None:
        self.record(lab, self.TEXT.replace("0.82,,", ",failed,cracked"))
        assert (lab.ledger.jar("d").status, lab.ledger.pellet("d-P").status) == ("made", "failed")


class TestErrors:
    """Errors of values."""

    HEAD = "x,milling_time_h,milling_media,milling_speed_rpm,pressing_pressure_mpa,T,sigma,E,u,N\n"
    TEXT = HEAD + "0.15,20,agate,400,450,60,0.25,,0.03,9\n0.30,20,agate,400,450,60,0.16,,,\n"
    SIGMA: Mapping[str, str] = {"T": "temperature_c", "sigma": "ionic_conductivity:mS/cm"}

    def errors(self, lab: Any, mapping: Mapping[str, str], text: str = TEXT) -> list[Any]:
        record(lab, text, {**self.SIGMA, **mapping})
        own = lab.ledger.readings().query("specimen in ('notebook-2-P', 'notebook-3-P')")
        return [None if se != se else se for se in own["se"]]

    def test_a_standard_error_is_in_the_unit_of_its_property(self, lab: Any) -> None:
        assert self.errors(lab, {"u": "se"}) == [pytest.approx(3e-5), None]

    def test_a_standard_deviation_with_its_number_becomes_a_standard_error(self, lab: Any) -> None:
        assert self.errors(lab, {"u": "sd", "N": "n"}) == [pytest.approx(1e-5), None]
        counts = lab.ledger.readings().query("specimen == 'notebook-2-P'")["n"]
        assert list(counts) == [9]

    def test_columns_named_as_ours_need_no_mapping(self, lab: Any) -> None:
        text = self.TEXT.replace("u,N", "sd,n")
        assert self.errors(lab, {}, text) == [pytest.approx(1e-5), None]

    def test_a_column_n_without_an_sd_is_not_read(self, lab: Any) -> None:
        text = self.TEXT.replace(",N", ",n").replace(",0.03,9", ",0.03,first")
        assert self.errors(lab, {"u": "se"}, text) == [pytest.approx(3e-5), None]

    def test_of_several_properties_the_one_meant_is_named(self, lab: Any) -> None:
        text = self.TEXT.replace("0.25,,", "0.25,19.5,")
        mapping = {"E": "youngs_modulus", "u": "se:youngs_modulus"}
        assert self.errors(lab, mapping, text) == [None, pytest.approx(0.03), None]

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            (
                {"u": "se", "E": "youngs_modulus"},
                "mapping of column 'u': it is not clear which value this is the se of; map "
                "se:ionic_conductivity or se:youngs_modulus",
            ),
            (
                {"u": "se:mS/cm"},
                "mapping of column 'u': se takes a property, got 'mS/cm', and has the unit of its "
                "column; map se:ionic_conductivity",
            ),
            (
                {"u": "se:hardness"},
                "mapping of column 'u': no column is hardness; map se:ionic_conductivity",
            ),
            (
                {"u": "sd"},
                "mapping of column 'u': an sd needs n, the number of measurements; map its column "
                "to n:ionic_conductivity, or a standard error to se:ionic_conductivity",
            ),
            (
                {"u": "se", "N": "se"},
                "mapping of columns 'u', 'N': all are se; map one",
            ),
            (
                {"u": "se:ionic_conductivity", "E": "ionic_conductivity"},
                "mapping of column 'u': 2 columns are ionic_conductivity, so it is not clear which "
                "this is the se of; give each value a row of its own",
            ),
        ],
        ids=["whose", "a unit", "not there", "no n", "two of them", "two values"],
    )
    def test_an_error_that_is_not_clear_is_refused(
        self, lab: Any, mapping: dict[str, str], message: str
    ) -> None:
        assert refused(lab, self.TEXT, {**self.SIGMA, **mapping}) == (message,)

    def test_an_error_without_any_property_is_refused(self, lab: Any) -> None:
        (problem,) = refused(lab, self.TEXT, {"u": "se"})
        assert problem.endswith("the se of; map a property as well")

    @pytest.mark.parametrize(
        ("cells", "column", "rule"),
        [
            ("0.03,", "u", "an sd needs n, got sd 0.03 alone"),
            ("0.03,0", "N", "counts measurements, got 0"),
            ("30,9", "u", "above the value itself"),
            ("much,9", "u", "needs a number, got 'much'"),
        ],
        ids=["no n", "none counted", "too large", "a word"],
    )
    def test_a_bad_cell_is_named_by_row_and_column(
        self, lab: Any, cells: str, column: str, rule: str
    ) -> None:
        text = self.TEXT.replace("0.03,9", cells)
        (problem,) = refused(lab, text, {**self.SIGMA, "u": "sd", "N": "n"})
        assert problem.startswith(f"notebook.csv, row 2, column {column} (notebook-2-P): ")
        assert rule in problem
