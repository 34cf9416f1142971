"""The tables of README.md and docs/: TABLES, filled by the modules of this folder."""

from table_sources import meaning, mnist, others, presets, scorecard, settings, speed
from table_sources.common import TABLES

__all__ = ["TABLES", "meaning", "mnist", "others", "presets", "scorecard", "settings", "speed"]
