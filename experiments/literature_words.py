"""What literature does, in plain words for the terminal."""

from collections.abc import Mapping
from typing import Any

from features.properties import property_of


def in_words(report: Mapping[str, Any]) -> list[str]:
    """Sentences of a literature report; none when the ledger holds no literature.

    Args:
        report: ``use``, ``n_values``, ``sources`` and ``properties`` of ``literature_report``.

    Returns:
        One sentence each.
    """
    if not report["n_values"]:
        return []
    n_values, n_sources = report["n_values"], len(report["sources"])
    held = f"{_count(n_values, 'value')} of {_count(n_sources, 'source')}"
    if not report["use"]:
        return [f"{held}, off: set literature.use to true in campaign.yaml to learn from them"]
    return [f"{held}, on: each source may be off by a bias of its own"] + [
        sentence
        for name, found in report["properties"].items()
        for sentence in _of_property(name, found)
    ]


def _of_property(name: str, found: Mapping[str, Any]) -> list[str]:
    label = property_of(name).label
    shift = found["largest_shift"]
    sentences = [
        f"{label}: {_count(found['n_values'], 'value')}; along x of the reference recipe the "
        f"prediction shifts by at most {shift['shift_in_sd']:+.2f} of its sd (x = {shift['x']:g}), "
        f"which was {shift['sd_without']:.2g} {found['unit']} there and is "
        f"{shift['sd_with']:.2g} now",
        f"{label}: {_scatter_in_words(found)}",
    ]
    sentences += [f"{label}: {_offset_in_words(part, found['unit'])}" for part in found["offsets"]]
    helps = found["helps"]
    own, sources = helps["own_glasses"], helps["sources"]
    agreeing = (
        f"; {sources['agreeing']} of {_count(sources['n_values'], 'value')} "
        f"{'agrees' if sources['n_values'] == 1 else 'agree'} with what our own data alone predict "
        "(90 % range of a new reading)"
    )
    return [
        *sentences,
        f"{label}: does it help to predict our own glasses? {_answer(own, 'glass', 'glasses')}",
        f"{label}: does it help to predict a source left out? "
        f"{_answer(sources, 'source', 'sources')}{agreeing if sources['n_values'] else ''}",
    ]


def _offset_in_words(part: Mapping[str, Any], unit: str) -> str:
    source = part["source"]
    if part["offset"] is None:
        return f"{source} gives only bounds: whether it is off cannot be seen"
    way = "above" if part["offset"] > 0 else "below"
    return (
        f"{source} lies {abs(part['offset']):.2g} {unit} {way} what is now believed of its recipes "
        f"(90 %: {part['lower']:+.2g} to {part['upper']:+.2g}; {_count(part['n_exact'], 'value')})"
    )


def _scatter_in_words(found: Mapping[str, Any]) -> str:
    """How far sources are off, and their jars beyond that."""
    source, jar = found["scatter"]["source"], found["scatter"]["foreign_jar"]
    told = "learned" if source["determined"] else "not determined by these data, nearly the prior"
    return (
        f"a source is taken to be off by about {source['sd']:.2g} {found['unit']} (90 %: "
        f"{source['lower']:.2g} to {source['upper']:.2g}; {told}), and each of its jars by "
        f"{jar['sd']:.2g} besides"
    )


def _answer(helps: Mapping[str, Any], one: str, many: str) -> str:
    n = helps["n"]
    if helps["difference"] is None:
        return f"{n} {one if n == 1 else many}: too few to say ({helps['needed']} needed)"
    interval = (
        f"NLPD {helps['difference']:+.2f} (95 % {helps['lower']:+.2f} to {helps['upper']:+.2f} "
        f"over {n} {many}; below zero it helps)"
    )
    if helps["upper"] < 0:
        return f"yes: {interval}"
    if helps["lower"] > 0:
        return f"no, it harms: {interval}"
    return f"these data cannot tell: {interval}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
