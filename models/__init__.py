"""Surrogates: fit readings, predict properties of recipes with honest intervals."""
