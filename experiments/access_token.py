"""The text of an access token: shown once when made, afterwards known by its hash only."""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from features.errors import AccessError

TOKEN: Final = re.compile(r"glt_(?P<id>[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
LENGTH: Final = 56

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token in parts: the id may be shown, the secret may not, so ``repr`` leaves it out.

    Attributes:
        id: 8 hexadecimal digits; the store finds the token by them.
        secret: 43 characters that hold 256 random bits.
    """

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "Token":
        """A token nobody has yet, from the system's randomness."""
        return cls(secrets.token_hex(4), secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "Token":
        """The token somebody shows; blanks around it come from copying and are dropped.

        Raises:
            AccessError: If it does not look like one. The text is not repeated: messages end in
                logs, and it may be a token with one character too many.
        """
        found = TOKEN.fullmatch(text.strip())
        if found is None:
            raise AccessError(
                f"an access token is glt_, 8 hexadecimal digits, _ and a secret, {LENGTH} "
                f"characters in all, got {len(text.strip())} characters that are none; copy it "
                "whole, as 'glassloop token add' printed it"
            )
        return cls(found["id"], found["secret"])

    @property
    def text(self) -> str:
        """What its owner keeps.

        Examples:
            >>> len(Token.new().text) == LENGTH
            True
        """
        return f"glt_{self.id}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the secret: all that is stored.

        Slow, salted hashes are for passwords, which can be guessed. A secret of 256 random bits
        cannot, so one round of SHA-256 gives nothing away, and checking it on every request is
        cheap.
        """
        return sha256(self.secret.encode("ascii")).digest()
