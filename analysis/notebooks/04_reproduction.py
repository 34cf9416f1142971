# %% [markdown]
# # Which of the sources' claims replicate on MNIST
#
# Every number here is read from `analysis/results`; its README files name the commands. To see your own runs, set
# `FOLDERS` to a folder that `python analysis/measure.py runs/* --out FOLDER`,
# `python analysis/figures.py figure1 runs/* --out FOLDER/figure1.png` and
# `python analysis/claims.py runs/* --out FOLDER` have written, and `SCORECARD` and `FIGURE1` to its files.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from IPython.display import Image

import infogan
from infogan.records import read_json
from infogan.reports.runs import read_runs

RESULTS = Path(infogan.__file__).parents[1] / "analysis" / "results"
FOLDERS = [RESULTS / "authors-mnist", RESULTS / "mnist", RESULTS / "mnist-blog", RESULTS / "iic-mnist"]
SCORECARD, FIGURE1 = RESULTS / "scorecard.csv", RESULTS / "mnist" / "figure1.json"
runs = read_runs(FOLDERS)
runs.groupby("preset", sort=False).accuracy.agg(["count", "mean", "min", "max"]).round(3)

# %% [markdown]
# ## The scorecard
# Each claim is checked by a stated rule; the table is `scorecard.csv`.

# %%
Image(SCORECARD.with_suffix(".png"), width=900)

# %% [markdown]
# ## C3: c1 used as a classifier errs on 5 % of the test images
# Accuracy with categories matched one-to-one to digits; a point is a seed.

# %%
axes = seaborn.stripplot(runs, x="accuracy", y="preset", hue="preset", size=9, alpha=0.6, jitter=False, legend=False)
axes.axvline(0.95, color="grey", linestyle="--")
axes.annotate("the paper's 95 %", (0.94, 0.02), xycoords=("data", "axes fraction"), ha="right", va="bottom")
axes.set(xlim=(0, 1), xlabel="code-to-label accuracy, test images", ylabel="")
plt.show()

# %% [markdown]
# The mean of no source's preset reaches it. The one run of `iic` does, by its clustering pretraining. L_I at its maximum
# (below) does not imply that categories match digits.
#
# For C4, that c1 of a regular GAN means nothing, see the row of `gan`.
#
# ## C1 and C2: the bound rises to H(c), and stays low in a regular GAN

# %%
bounds = pd.DataFrame(read_json(FIGURE1)["runs"])
preset = bounds.run.str.split("-").str[1].rename("preset")
bounds.groupby(preset, sort=False)[["highest_info_nats", "updates_to_99_percent"]].median().round(3)
