"""Decisions drawn from bytes: the same bytes give the same case, whoever made them up."""

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

NUMBERS: Final = (
    "0", "1", "-1", "3", "60", "0.15", "0,15", "450", "1e-10", "2.6e-4", "-0", "+5", ".5", "5.",
    "1e400", "-1e400", "1e-400", "5e-324", "1.7976931348623157e308", "9007199254740993",
    "2147483648", "9223372036854775808", "1" * 40, "9" * 4301, "1_0", "1.234.567", "0x10", "1e",
    "nan", "NaN", "inf", "-inf", "Infinity", "1,000.5", "1'000", "٣", "²", "１２", "½", "١٢",
)  # fmt: skip
"""Numbers people and programs write, and what only looks like one."""

ODDITIES: Final = (
    "\0", "\ud800", "\udfff", "\x1b[31m", "\u202e", "\ufeff", "\u200b", "\u00a0", "\ufffd", "\n",
    "\r", "\r\n", "\t", " ", '"', "'", ",", ";", "=", "=1+1", "@x", "+(1)", "%", "{", "}", "[",
    "]", "\\", "/", "../", "<", ">", "≤", "..", "...", "-", "–", "±", "~", "(", ")", "é", "µ",
    "μ", "Ω", "\u2126", "°", "𝟙", "\U0010ffff", "x" * 2001, "a" * 300, "\x85", "\u2028", "#", "&a",
    "*a", "|", "!", ":", "?", "·", "×10⁻⁴", "^", "**", "\x7f",
)  # fmt: skip
"""What no honest file holds, and what a parser gives a meaning to."""


class Choices:
    """A stream of decisions; when the bytes are spent every decision is the first choice."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        number = 0
        for _ in range((max(n - 1, 1).bit_length() + 7) // 8):
            byte = self._data[self._at] if self._at < len(self._data) else 0
            number, self._at = number << 8 | byte, self._at + 1
        return number % n

    def one_in(self, n: int) -> bool:
        """Whether something happens that does once in n times."""
        return self.below(n) == n - 1

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[self.below(len(choices))]

    def some(self, choices: Sequence[T], most: int) -> list[T]:
        """Up to ``most`` of several, repeats allowed."""
        return [self.pick(choices) for _ in range(self.below(most + 1))]

    def raw(self, most: int) -> bytes:
        """Up to ``most`` bytes as they come."""
        n = self.below(most + 1)
        taken, self._at = self._data[self._at : self._at + n], self._at + n
        return taken

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self._data[self._at :]

    def number(self) -> str:
        """The text of a number, or of what is nearly one."""
        kind = self.below(8)
        if kind < 3:
            return self.pick(NUMBERS)
        digits = str(self.below(1 << 16))
        if kind < 5:
            return f"{digits[:-2] or 0}.{digits[-2:]}"
        sign = self.pick(("", "-", "+"))
        return f"{sign}{digits}{self.pick(('', '.', ',5'))}e{self.below(700) - 350}"

    def text(self, words: Sequence[str], most: int = 4) -> str:
        """A text of words that mean something, numbers, and what does not belong there."""
        parts = []
        for _ in range(1 + self.below(most)):
            kind = self.below(16)
            if kind < 8:
                parts.append(self.pick(words))
            elif kind < 12:
                parts.append(self.number())
            elif kind < 14:
                parts.append(self.pick(ODDITIES))
            elif kind == 14:
                parts.append(chr(self.below(0x110000)))
            else:
                parts.append(self.raw(8).decode("latin-1"))
        return "".join(parts)

    def cell(self, usual: str, words: Sequence[str]) -> str:
        """A cell that is mostly as usual."""
        kind = self.below(16)
        if kind < 11:
            return usual
        if kind == 11:
            return ""
        if kind == 12:
            return self.number()
        if kind == 13:
            return self.pick(words)
        return self.text(words)

    def mutated(self, seed: bytes, words: Sequence[bytes] = ()) -> bytes:
        """Bytes of a good file with a few of them changed, left out, doubled or put in."""
        raw = bytearray(seed)
        for _ in range(1 + self.below(6)):
            at = self.below(len(raw) + 1)
            span = 1 + self.below(16)
            kind = self.below(6)
            if kind == 0:
                raw[at : at + 1] = bytes([self.below(256)])
            elif kind == 1:
                del raw[at : at + span]
            elif kind == 2:
                raw[at:at] = raw[at : at + span] * (1 + self.below(4))
            elif kind == 3 and words:
                raw[at:at] = self.pick(words)
            elif kind == 4 and words:
                word = self.pick(words)
                raw[at : at + len(word)] = word
            else:
                raw[at:at] = self.raw(16)
        return bytes(raw)
