"""Studies: a search space, the workers that train its trials, and the table of what they reached.

`load` reads a study as a pandas table. `sweep` is the command; `search_space` says what is searched, `objectives` by
which measures trials are compared, `worker` trains them, `trials` and `storage` see to it that none is lost.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def load(name_or_url: str | Path, study: str | None = None) -> "pd.DataFrame":
    """A study as a table, a row a trial: trial, state, its measures, `collapsed`, what was searched, `codes`,
    `updates`, `seconds`, `images_per_second`, `run_dir`, `source` and `error`.

    name_or_url: the study's name under studies/, its folder, or its storage's URL. study: its name there, where the
    storage has several.
    Raises InputError where there is no such study.
    """
    from infogan.study.table import open_study, table

    return table(open_study(name_or_url, study))
