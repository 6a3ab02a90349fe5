"""Recipes in, numbers out: stoichiometry, structure, milling, compaction, tri-layers, readings.

The lowest layer. It imports nothing from ``models``, ``optimizer`` or ``experiments``.
"""
