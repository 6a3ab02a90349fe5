"""Texts: values, units, numbers, and what people write behind an option."""

from itertools import pairwise
from math import isclose, isfinite
from typing import Any, Final

from benchmarks.fuzzing.choices import Choices
from benchmarks.fuzzing.lab import CONFIG
from benchmarks.fuzzing.oracle import asked, physical, require, sentences, storable
from experiments.backtest_objectives import objectives_of
from experiments.csv_files import Table, number_in
from experiments.notebook_columns import RECIPE_COLUMNS, mapped, notebook_columns
from experiments.sweep import MOST_ROWS, sweep_recipes
from experiments.targets import Target
from experiments.web.numbers import whole_number
from experiments.web.paging import position
from experiments.web.sliders import cell_sliders, glass_sliders
from features.plausibility import check_property
from features.properties import CATALOGUE
from features.reading import parse_value
from features.units import UNIT_EXAMPLES, to_catalogue_unit, to_unit

PROPERTIES: Final = tuple(CATALOGUE)

UNITS: Final = (
    "S/cm", "mS/cm", "µS/cm", "S/m", "S·cm⁻¹", "S cm-1", "GPa", "MPa", "Pa", "1", "-", "%", "ohm",
    "ohm cm2", "Ω·cm²", "Ωcm²", "kohm cm2", "mA/cm2", "mA cm⁻²", "A/m2", "mA", "kJ/mol", "eV",
    "meV", "h", "min", "s", "d", "mAh/g", "Ah/kg", "HV", "°C", "K", "degC", "degF", "mm", "um",
    "dB", "ppm", "rad", "°", "rpm", "Hz", "cm", "g", "/", "*", "^", "^2", "^-1", "(", ")", "[S/cm]",
    "B", "bit", "Np", "delta", "nS/cm", "ohm*cm^2", "lb", "e", "c", "x", "[", "]",
)  # fmt: skip
VALUES: Final = (
    "2.7e-4", "2,7×10⁻⁴ S/cm", "<1e-10", "> 3", "≤ 0.5", "2.30..2.35", "2.3 – 2.4", "1 to 2",
    "0.81", "81 %", "20.9 GPa", "424", "10^-4", "x", "e", "E", "10", "..", "...", "-", "+", "<",
    ">", "=", "≥", "to", " ", ",", ".", "*", "^", "×", "(", ")", "±", "~", "ca.", "n/a", "nan",
    "not_measured", *UNITS,
)  # fmt: skip


def reading(data: bytes) -> None:
    """A value with a unit, of a property."""
    choices = Choices(data)
    name = choices.pick(PROPERTIES)
    unit = choices.pick(("", None, *UNITS)) if choices.below(2) else choices.text(UNITS, 3)
    if choices.one_in(8):
        text: Any = choices.pick((0.27, -1.0, 0, 10**400, float("nan"), float("inf"), 3, 5e-324))
    else:
        text = choices.text(VALUES, 6)
    interval = asked(parse_value, text, name, unit)
    if interval is None:
        return
    for bound in interval.bounds:
        require(isfinite(bound) and bound >= 0, "no physical value", text, unit, interval)
    verdict = check_property(name, interval)
    sentences([verdict.message] if verdict.message else [])
    if verdict.level != "reject":
        physical(name, interval.lower, interval.upper)


def unit(data: bytes) -> None:
    """A unit, and a number in it."""
    choices = Choices(data)
    name = choices.pick(PROPERTIES)
    text = choices.text(UNITS, 5)
    value = choices.pick((1.0, 3.0, 0.27, 5e-324, 1e-300, 1.7e308, 1e15))
    found = asked(to_catalogue_unit, value, text, name)
    if found is not None:
        require(isfinite(found) and found >= 0, "no number", value, text, found)
        double = asked(to_catalogue_unit, 2 * value, text, name)
        if double is not None and 1e-290 < found < 1e290 and 1e-290 < value < 1e290:
            require(isclose(double, 2 * found, rel_tol=1e-13), "not in proportion", text, found)
    other = choices.pick(UNITS)
    there = asked(to_unit, value, text, other)
    if there is not None:
        require(isfinite(there), "no number", value, text, other)
        back = asked(to_unit, there, other, text)
        if back is not None and 1e-200 < abs(there) < 1e200 and 1e-200 < value < 1e200:
            near = max(abs(value), 1.0) if "deg" in f"{text}{other}" or "C" in text else abs(value)
            require(abs(back - value) <= 1e-9 * max(near, 1.0), "not there and back", text, other,
                    value, there, back)  # fmt: skip


def number(data: bytes) -> None:
    """A plain number, of a cell, of an address, of a slider."""
    choices = Choices(data)
    text = choices.text((",", ".", "-", "−", "e", "E", " ", "+", "mg"), 5)
    found = asked(number_in, text)
    if found is not None:
        require(isfinite(found), "no number", text, found)
        meant = float(text.strip().replace("\u2212", "-").replace(",", "."))
        require(found == meant, "another number", text, found)
        require(("_" not in text and text.strip().isascii()) or "\u2212" in text, "no number", text)
    whole = asked(whole_number, text, "glasses", (1, 50))
    require(whole is None or 1 <= whole <= 50, "beyond the ends", text, whole)
    begin = asked(position, text)
    require(begin is None or 0 <= begin < 10**15, "beyond the ends", text, begin)
    slider = choices.pick((*glass_sliders(CONFIG), *cell_sliders(CONFIG)))
    value, wrong = slider.read(text)
    require((value is None) == bool(wrong), "neither taken nor refused", text, value, wrong)
    sentences([wrong] if wrong else [])
    require(value is None or isfinite(value), "no number", text, value)
    require(value is None or "_" not in text, "no number people write", text, value)


_SWEPT: Final = ("x", "milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa")
_USUAL: Final = {
    "x": "0.15", "milling_time_h": "3", "milling_speed_rpm": "500", "pressing_pressure_mpa": "450",
}  # fmt: skip


def sweep(data: bytes) -> None:
    """Options of ``predict``: a number, or low:high:step."""
    choices = Choices(data)
    texts = dict(_USUAL)
    for name in choices.some(_SWEPT, 3):
        kind = choices.below(3)
        if kind == 0:
            texts[name] = choices.text((":", "0:0.6:0.1", ".", ","), 5)
        else:
            texts[name] = ":".join(choices.number() for _ in range(1 + 2 * (kind - 1)))
    media = choices.pick(("zirconia", "agate", "", "\0"))
    frame = asked(sweep_recipes, texts, media)
    if frame is None:
        return
    require(0 < len(frame) <= MOST_ROWS, "too many rows", texts)
    for name in _SWEPT:
        column = [float(value) for value in frame[name]]
        require(all(map(isfinite, column)), "no number", texts)
        if ":" not in texts[name]:
            meant = float(texts[name].replace(",", ".").replace("\u2212", "-"))
            require(set(column) == {meant}, "another number", texts, column[:3])
        else:
            low, high, _ = (float(p) for p in texts[name].replace(",", ".").split(":"))
            wide = 1e-9 * max(abs(low), abs(high))
            require(column[0] == low or abs(column[0] - low) <= wide, "begins elsewhere", texts)
            require(column[-1] <= high + wide, "goes beyond its end", texts, column[-1])
            require(all(a < b for a, b in pairwise(column)), "does not rise", texts, column[:3])


def condition(data: bytes) -> None:
    """Targets of a plan: conditions on properties."""
    choices = Choices(data)
    words = (*PROPERTIES, "<", ">", "<=", ">=", "≥", " ", "1e-4", "mS/cm", "%", "GPa")
    texts = []
    for _ in range(1 + choices.below(3)):
        if choices.below(2):
            texts.append(choices.text(words, 6))
        else:
            sign, unit_text = choices.pick(("<", ">", "≥")), choices.pick(UNITS)
            texts.append(f"{choices.pick(PROPERTIES)}{sign}{choices.number()} {unit_text}")
    target = asked(Target.of, texts)
    if target is None:
        return
    for one in target.conditions:
        is_log = CATALOGUE[one.property].scale == "log10"
        require(isfinite(one.value) and (one.value > 0 or not is_log), "no bound", texts, one)
    sentences([target.in_words()])


def study(data: bytes) -> None:
    """Options of a study and of a plan: batches, seeds, what is left out."""
    from experiments.plan_options import options_of  # these take seconds to import
    from experiments.study_spec import Batch, StudySpec, numbers_in

    choices = Choices(data)
    words = ("4+2", "+", "-", "0-9", "3", "²", "24", "25", ",", *PROPERTIES)
    text = choices.text(words, 3)
    batch = asked(Batch.of, text)
    if batch is not None:
        require(1 <= batch.glasses <= 24 and 0 <= batch.trilayers <= 24, "too large", text)
    seeds = asked(numbers_in, [text, *choices.some(words, 2)])
    if seeds is not None:
        asked(StudySpec, seeds=seeds[:20_000])
    target = Target.of([f"{choices.pick(('critical_current_density', 'youngs_modulus'))}>1"])
    batches = [choices.text(words, 2) for _ in range(choices.below(3))]
    without = [choices.text(words, 2) for _ in range(choices.below(2))]
    for option in asked(options_of, CONFIG, target, batches=batches, without=without) or ():
        require(option.glasses >= 1, "no glasses", batches)
        sentences([option.label])


def objective(data: bytes) -> None:
    """Objectives of a backtest."""
    choices = Choices(data)
    words = (*PROPERTIES[:4], ":", "maximize", "minimize", "log10", "linear", "a", "1e-6", " ")
    for one in (
        asked(objectives_of, [choices.text(words, 6) for _ in range(choices.below(3))]) or ()
    ):
        require(one.reference is None or isfinite(one.reference), "no reference", one)


def mapping(data: bytes) -> None:
    """``--map`` of a notebook, against a header."""
    choices = Choices(data)
    words = (*RECIPE_COLUMNS, *PROPERTIES, "=", ":", "mS/cm", "se", "sd", "n", "a", "b", "%")
    texts = [choices.text(words, 5) for _ in range(choices.below(5))]
    pairs = asked(mapped, texts)
    if pairs is None:
        return
    header = tuple(dict.fromkeys([*choices.some(words, 6), *pairs]))
    columns, faults = notebook_columns(pairs, Table(columns=header))
    sentences(faults)
    if not faults:
        require(set(columns.properties) <= set(header), "a column that is not there", pairs)
        for name, unit_text in columns.properties.values():
            storable(unit_text)
            require(name in UNIT_EXAMPLES or name in CATALOGUE, "no property", name)
