"""What in the XML of a workbook takes a reader very long, though no spreadsheet program writes it.

The time openpyxl needs grows with the square of the length of a number format, a formula or a
print area, and in older versions of Python also with that of a comment. A file of a few kilobytes
would keep it busy for minutes. Here a part is read once before: in one go, which takes time in
proportion to its length, and without building anything.
"""

from typing import Final, final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import DefusedXMLParser

MAX_STRETCH: Final = 1_000_000
"""Bytes of a tag, of a text before the next tag, or characters of a comment; cells reach 33,000."""

MAX_FORMAT: Final = 255
"""Characters of a number format, the limit of Excel."""

MAX_STYLES: Final = 65_490
"""Formats of cells, the limit of Excel."""

MAX_FORMULA: Final = 8_192
"""Characters of a formula, the limit of Excel."""

MAX_SPELLED: Final = 5_000_000
"""Characters of all shared formulas, written out for each cell that shares one."""

MAX_AREAS: Final = 10_000
"""Characters of all print areas, print titles and filters."""

_AT_FRONT: Final = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"
"""What may stand before the first tag: blanks and byte order marks."""


def is_xml(raw: bytes) -> bool:
    """Whether a part is read as XML, if it is read; its name says nothing."""
    return raw.lstrip(_AT_FRONT).startswith(b"<")


def lengthy(raw: bytes) -> str:
    """What of a part is longer than any spreadsheet program writes it; empty when nothing is.

    Args:
        raw: XML, damaged or not; whoever reads it later gets no further than this does.
    """
    if max(map(len, raw.split(b"<"))) > MAX_STRETCH:
        return f"a tag or text of more than {MAX_STRETCH:,} bytes"
    look = _Look()
    # What a document type declares is passed over unseen, and may be long.
    parser = DefusedXMLParser(target=look, forbid_dtd=len(raw) > MAX_STRETCH)
    try:
        parser.feed(raw)
        parser.close()
    except DTDForbidden:
        return "a document type"
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        pass  # openpyxl complains of it at the same place, if it reads that part at all
    return look.fault


@final
class _Look:
    """What an XML parser tells of a part, added up.

    Attributes:
        fault: What is too long; empty when nothing is.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._open = ""  # the innermost tag, until it or a tag in it ends
        self._length = 0  # of the text in it
        self._si: str | None = None  # of an open shared formula
        self._shared: dict[str, int] = {}
        self._spelled = self._areas = self._styles = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag begins."""
        self._open = name = tag.rpartition("}")[2]
        self._length = 0
        if name == "f":
            self._begin_formula(attributes)
        elif name == "definedName":
            if not attributes.get("name", "").startswith("_xlnm."):
                self._open = ""
        elif name == "numFmt":
            self._limit(len(attributes.get("formatCode", "")), MAX_FORMAT, "a number format of")
        elif name == "xf":
            self._styles += 1
            self._limit(self._styles, MAX_STYLES, "formats of cells,", of="")

    def end(self, tag: str) -> None:
        """A tag ends."""
        self._open = ""

    def data(self, text: str) -> None:
        """A piece of text."""
        if self._open == "f":
            self._length += len(text)
            self._limit(self._length, MAX_FORMULA, "a formula of")
            if self._si is not None:
                self._shared[self._si] = max(self._shared[self._si], self._length)
        elif self._open == "definedName":
            self._areas += len(text)
            self._limit(self._areas, MAX_AREAS, "print areas of")

    def comment(self, text: str) -> None:
        """A comment, whole."""
        self._limit(len(text), MAX_STRETCH, "a comment of")

    def pi(self, target: str, text: str | None = None) -> None:
        """A processing instruction, whole."""
        self._limit(len(target) + len(text or ""), MAX_STRETCH, "an instruction of")

    def close(self) -> None:
        """Nothing is built, so nothing is given."""

    def _begin_formula(self, attributes: dict[str, str]) -> None:
        self._si = attributes.get("si", "") if attributes.get("t") == "shared" else None
        if self._si is not None:
            self._spelled += self._shared.setdefault(self._si, 0)
            self._limit(self._spelled, MAX_SPELLED, "shared formulas of")

    def _limit(self, length: int, most: int, what: str, *, of: str = " characters") -> None:
        if length > most and not self.fault:
            self.fault = f"{what} more than {most:,}{of}"
