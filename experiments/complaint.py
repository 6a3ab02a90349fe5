"""A sentence about a file that still knows its place, and values as sentences repeat them."""

import reprlib
from typing import Any, Final, Self

_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80
_SHORT.maxlevel = 2  # six parts of six parts; of YAML's aliases six levels are a book


def got(value: Any) -> str:
    r"""A refused value as a sentence repeats it: one line, and not long however much it holds.

    Args:
        value: Plain data, nested at will.

    Examples:
        >>> got("a\nb"), got(True), got([[1]])
        ("'a\\nb'", 'True', '[[1]]')
    """
    try:
        return _SHORT.repr(value)
    except ValueError:  # more digits than Python writes
        return "a number of thousands of digits"


def one_line(text: str) -> str:
    r"""A text as it stands in a sentence: line breaks and tabs are blanks, nothing unseen acts.

    Examples:
        >>> one_line("sigma\n(S/cm)")
        'sigma (S/cm)'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text).strip()


class Complaint(str):
    """A sentence for people that tells a program where it points to.

    It is an ordinary ``str``: the whole sentence, place included.

    Attributes:
        said: The sentence without its place.
        file: Name of the file.
        row: Row of the spreadsheet, the header being row 1; ``None`` when it is of no single row.
        column: What the file calls the column, if it is of one.
        specimen: Whose row it is; empty when the row does not say.

    Examples:
        >>> found = Complaint(
        ...     "made.csv, row 2, column x: is blank", said="is blank", row=2, column="x"
        ... )
        >>> print(found, found.row, found.column)
        made.csv, row 2, column x: is blank 2 x
    """

    said: str
    file: str
    row: int | None
    column: str | None
    specimen: str

    def __new__(
        cls,
        sentence: str,
        *,
        said: str = "",
        file: str = "",
        row: int | None = None,
        column: str | None = None,
        specimen: str = "",
    ) -> Self:
        """A sentence and its place.

        Args:
            sentence: All of it, as people read it.
            said: The sentence without its place.
            file: Name of the file.
            row: Row of the spreadsheet.
            column: What the file calls the column.
            specimen: Whose row it is.
        """
        complaint = super().__new__(cls, sentence)
        complaint.said = said or sentence
        complaint.file = file
        complaint.row = row
        complaint.column = column
        complaint.specimen = specimen
        return complaint

    def rewritten(self, sentence: str) -> "Complaint":
        """Another sentence about the same place, such as one that names more places."""
        return Complaint(
            sentence,
            said=self.said,
            file=self.file,
            row=self.row,
            column=self.column,
            specimen=self.specimen,
        )


class Overtaken(Complaint):
    """A sentence about something that somebody else changed meanwhile.

    Attributes:
        version: What it is now; who has read the sentence knows it.
    """

    version: int

    @classmethod
    def of(cls, complaint: Complaint, version: int) -> "Overtaken":
        """The same sentence, with the version it tells of."""
        found = cls(
            complaint,
            said=complaint.said,
            file=complaint.file,
            row=complaint.row,
            column=complaint.column,
            specimen=complaint.specimen,
        )
        found.version = version
        return found
