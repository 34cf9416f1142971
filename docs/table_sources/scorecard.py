"""The scorecard's tables: the committed numbers, and the rules as the code has them."""

from infogan.reports.claims.rules import CLAIMS
from table_sources.common import RESULTS, markdown, table


@table
def scorecard() -> str:
    """The committed scorecard; a claim is named in the first of its rows."""
    lines = (RESULTS / "scorecard.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    for row, above in reversed(list(zip(rows[1:], rows, strict=False))):
        if row[:2] == above[:2]:
            row[:2] = "", ""
    return markdown("claim | what it says | run | measured | holds in | result", rows)


@table
def rules() -> str:
    """Each claim's rule, as the code has it."""
    found = {("C9 to C12" if claim.figure else claim.claim, claim.rule): None for claim in CLAIMS}
    return markdown("claims | rule", found)
