"""How well each label-free measure orders the trials of a study: Spearman's correlation with accuracy, and regret."""

from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from scipy import stats

from infogan import records
from infogan.cli import one_line_errors
from infogan.study import load

CANDIDATES = ("certainty", "information", "agreement", "stability")
HERE = Path(__file__).parent


def main(study: tyro.conf.Positional[str], prefix: tyro.conf.Positional[str] = "") -> None:
    """study: its folder; prefix: of the files that are written here."""
    trials = load(study)
    last = [records.Table(Path(run) / "evaluations.csv").rows()[-1] for run in trials.run_dir]
    for name in CANDIDATES:
        trials[name] = [0.0 if row["collapsed"] else row[name] for row in last]
    trials["accuracy"] = [row["accuracy"] for row in last]  # that of Q, also where G has collapsed
    trials.drop(columns="run_dir").to_csv(HERE / f"{prefix}trials.csv", index=False)

    random, rows = np.random.default_rng(0), []
    for name in CANDIDATES:
        rank = stats.spearmanr(trials[name], trials.accuracy).statistic
        samples = (trials.iloc[random.integers(0, len(trials), len(trials))] for _ in range(2000))
        ranks = [stats.spearmanr(part[name], part.accuracy).statistic for part in samples]
        low, high = np.nanquantile(ranks, (0.025, 0.975))
        chosen = trials.loc[trials[name].idxmax()]
        regret = trials.accuracy.max() - chosen.accuracy
        rows.append([name, rank, low, high, int(chosen.trial), chosen.codes, chosen.accuracy, regret])
    columns = ["measure", "spearman", "low", "high", "chosen_trial", "codes", "accuracy", "regret"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(HERE / f"{prefix}indices.csv", index=False)
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main, description=__doc__)
