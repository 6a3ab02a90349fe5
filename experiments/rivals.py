"""The plain fits whose errors the surrogates are compared with, as they are called."""

from typing import Final

RIVALS: Final = {"mean": "plain mean", "linear": "linear fit"}
