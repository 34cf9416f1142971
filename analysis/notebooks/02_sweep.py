# %% [markdown]
# # What a sweep found
#
# Reads a study's report. To see your own, set `REPORT` to `studies/NAME/report`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn

from infogan.metrics.clustering import mean_interval

REPORT = Path("../results/digits-study")
trials = pd.read_csv(REPORT / "trials.csv")
trials.state.value_counts()

# %% [markdown]
# The trials, best first. All saw the same number of images, whatever their batch size.

# %%
columns = [
    "trial",
    "state",
    "validation accuracy",
    "recipe",
    "codes",
    "noise",
    "lambda_categorical",
    "lambda_continuous",
    "batch_size",
]
trials.sort_values("validation accuracy", ascending=False)[columns].round(3)

# %%
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), sharey=True, layout="constrained")
for ax, name in zip(axes, ("lambda_categorical", "lambda_continuous", "batch_size")):
    seaborn.scatterplot(
        trials, x=name, y="validation accuracy", hue="recipe", style="state", ax=ax, s=60, legend=name == "batch_size"
    )
    ax.set_xscale("log")
axes[-1].set_xticks(sizes := sorted(trials.batch_size.unique()), sizes)
axes[-1].minorticks_off()
seaborn.move_legend(axes[-1], "upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# Which parameter matters: importances (fANOVA), as shares of the variance of accuracy. From few trials they vary much.

# %%
importances = pd.read_csv(REPORT / "importances.csv")
importances.pivot_table(index="parameter", columns="among", values="importance").sort_values(
    "all trials", ascending=False
).round(3)

# %% [markdown]
# A single run ranks a configuration roughly. The best configurations were trained again with fresh seeds:

# %%
confirmed = pd.read_csv(REPORT / "confirmation.csv")
rows = []
for trial, part in confirmed.groupby("trial"):
    mean, low, high = mean_interval(list(part["test accuracy"]))
    rows.append(
        {
            "trial": trial,
            "codes": trials.set_index("trial").codes[trial],
            "seeds": len(part),
            "test accuracy": mean,
            "low": low,
            "high": high,
        }
    )
pd.DataFrame(rows).round(3)

# %% [markdown]
# The effect of each setting, with the others as in the preset, over seeds (`analysis/settings.py`). `difference` is the
# difference of the mean accuracy from that with the preset's own value.

# %%
SETTINGS = Path("../results/digits-settings")
values = pd.read_csv(SETTINGS / "settings-values.csv")
values.drop(columns=["majority_accuracy"]).round(3)

# %%
names = values.setting.unique()
figure, axes = plt.subplots(1, len(names), figsize=(3.6 * len(names), 3.6), sharey=True, layout="constrained")
for ax, (name, part) in zip(axes, values.groupby("setting", sort=False)):
    ax.errorbar(part.value, part.accuracy, [part.accuracy - part.low, part.high - part.accuracy], fmt="o", capsize=3)
    ax.plot(part.value[part.own], part.accuracy[part.own], "o", color="tab:orange", label="the preset's own")
    ax.set(xlabel=name, ylim=(0, 1))
    ax.tick_params(axis="x", rotation=45)
axes[0].set_ylabel("accuracy on test images")
axes[0].legend()
plt.show()
