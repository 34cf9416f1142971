"""The published scores on dSprites, from infogan/reports/dsprites.py."""

from infogan.reports.dsprites import PUBLISHED, SCORES
from table_sources.common import markdown, table


@table
def dsprites_published() -> str:
    """Scores of other work on dSprites."""
    rows = [[method, *(_spaced(cell) for cell in row.split("|"))] for method, row in PUBLISHED.items()]
    return markdown(" | ".join(["", *SCORES.values()]), rows)


def _spaced(cell: str) -> str:
    return cell.strip().replace("±", " ± ")
