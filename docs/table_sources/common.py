"""What the table functions share: reading committed results, formatting, and the dictionary of tables.

Brackets hold 95 % intervals: Student's t over seeds, where nothing else is said.
"""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from infogan.metrics.clustering import mean_interval

RESULTS = Path(__file__).parents[2] / "analysis" / "results"
TABLES: dict[str, Callable[[], str]] = {}
"""Name of each table, and the function that returns it as Markdown."""


def table(function: Callable[[], str]) -> Callable[[], str]:
    """Enter the function in TABLES, with dashes in its name."""
    TABLES[function.__name__.replace("_", "-")] = function
    return function


def markdown(header: str, rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table. header: the columns' names, joined with |."""
    names = [name.strip() for name in header.split("|")]
    lines = [names, ["---"] * len(names), *([str(cell) for cell in row] for row in rows)]
    assert all(len(line) == len(names) for line in lines), f"a row has not {len(names)} cells"
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def interval(mean: float, low: float, high: float, digits: int = 3) -> str:
    """Such as "0.837 [0.783, 0.890]"; without brackets where there is no interval."""
    if math.isnan(low):
        return f"{mean:z.{digits}f}"
    return f"{mean:z.{digits}f} [{low:z.{digits}f}, {high:z.{digits}f}]"


def over(values: Iterable[float], digits: int = 3) -> str:
    """Mean and interval of values over seeds."""
    return interval(*mean_interval(list(values)), digits)


def share(values: Iterable[float], digits: int = 3) -> str:
    """Mean and interval of values between 0 and 1; the interval is cut there."""
    return within(values, 1.0, digits)


def within(values: Iterable[float], most: float = math.inf, digits: int = 3) -> str:
    """Mean and interval of values from 0 to `most`; the interval is cut there."""
    values = list(values)
    assert 0 <= min(values) and max(values) <= most, f"not from 0 to {most}: {values}"
    mean, low, high = mean_interval(values)
    return interval(mean, max(low, 0.0) if low == low else low, min(high, most) if high == high else high, digits)


def by_seed(values: Iterable[float], digits: int = 3, most: float = 1.0) -> str:
    """Numbers from 0 to `most`: up to three themselves, which a mean would hide; of more the mean and interval."""
    values = list(values)
    return listed(values, f".{digits}f") if len(values) <= 3 else within(values, most, digits)


def listed(values: Iterable[float], form: str = ".2f") -> str:
    """The values themselves, in the order of the seeds."""
    return ", ".join(f"{value:{form}}" for value in values)


def read(path: str) -> dict:
    """A JSON file of the results."""
    return json.loads((RESULTS / path).read_text(encoding="utf-8"))


def csv(path: str) -> pd.DataFrame:
    """A table of the results."""
    return pd.read_csv(RESULTS / path)
