# %% [markdown]
# # What a grid of settings found
#
# Ten seeds of `authors` on 8×8 digits for each value of one setting, the others as in the preset. To see your own, set
# `SETTINGS` to a folder that `python analysis/settings.py RUNS --out FOLDER` has written. `infogan sweep` writes a report
# of its own, `studies/NAME/report`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

SETTINGS = Path("../results/settings-digits")
trials = pd.read_csv(SETTINGS / "settings.csv")
trials.groupby(["setting", "value"], dropna=False).accuracy.agg(["count", "mean", "min", "max"]).round(3)

# %% [markdown]
# The ten best runs. All saw the same number of images, whatever their batch size. A single run ranks a value roughly:
# compare with the spread of its seeds above.

# %%
trials.sort_values("accuracy", ascending=False)[["run", "setting", "value", "seed", "accuracy", "bound_share"]].head(10)

# %% [markdown]
# The effect of each setting over seeds. `difference` is the difference of the mean accuracy from that with the preset's
# own value.

# %%
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
