"""Captions of a report's tables, numbered in the order of the page."""

from typing import Any

from experiments.report_tables import MOST_ROWS


def numbered_tables(told: dict[str, Any]) -> dict[str, Any]:
    """Texts of a page with the captions of the tables that are there.

    Args:
        told: Texts and tables of the page.

    Returns:
        The same with ``tables``: by name, number and text, in the order of the page.
    """
    texts: list[tuple[str, str, bool]] = [
        ("best_glasses", "Glasses made, those most likely beaten by none in everything first: "
         f"what is known of each from all data, at most {MOST_ROWS}; centre, and below it 90 % of "
         "the true value. Unbeaten: probability that no other glass made is better in everything. "
         "Slanted: the property was not read on this specimen.", bool(told["best_glasses"])),
        ("best_cells", "Cells made, in the same way.", bool(told["best_cells"])),
    ]  # fmt: skip
    numbers = iter(range(1, 1000))
    tables = {name: {"number": next(numbers), "text": text} for name, text, is_there in texts
              if is_there}  # fmt: skip
    for part in told["batches"]:
        part["glass_caption"] = {
            "number": next(numbers),
            "text": f"Glasses of {part['round']}: predicted centre, and below it 90 % of a new "
            "reading on a new jar, as frozen when it was proposed.",
        }
        if part["cells"]:
            part["cell_caption"] = {
                "number": next(numbers),
                "text": f"Cells of {part['round']}, in the same way.",
            }
    later = (
        ("surprises", "Readings far from what was predicted of them, and what to check first."),
        ("peaks", "Where along x each objective is best at this processing: median and 90 % over "
         "joint draws of the curve."),
        ("skill", "Size of the errors of the frozen predictions, root mean square on the scale of "
         "the property, beside two simple fits to the same data."),
        ("scatter", "Standard deviation between samples of one recipe with its 90 % range, and the "
         "repeats that tell it. Slanted: not determined by these data, so it is the prior."),
        ("gaps", "What stays open with the specimens made so far, and the experiment that would "
         "close it."),
    )  # fmt: skip
    present = {"scatter": "scatter_table"}
    for name, text in later:
        if told[present.get(name, name)]:
            tables[name] = {"number": next(numbers), "text": text}
    return {**told, "tables": tables}
