"""The tables of README.md and docs/: TABLES, filled by the modules of this folder."""

from table_sources import fresh, meaning, mnist, others, presets, scorecard, settings, speckle, speed
from table_sources.common import TABLES

__all__ = ["TABLES", "fresh", "meaning", "mnist", "others", "presets", "scorecard", "settings", "speckle", "speed"]
