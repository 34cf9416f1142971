# %% [markdown]
# # Ask a study three questions
#
# The default study on 8×8 digits, as `infogan sweep` made it: 20 trials of 80,000 images. A study reads as a pandas
# table, a row a trial. To ask your own, set `STUDY` to its name, its folder, or its storage's URL.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import infogan.study

STUDY = Path(infogan.__file__).parents[1] / "analysis" / "results" / "sweep-digits"
trials = infogan.study.load(STUDY)
trials.state.value_counts()

# %% [markdown]
# **Which trials are the best?** A trial is one run, and ranks a setting roughly: the study trained its two best again
# with five fresh seeds each (`winner.csv` beside the study).

# %%
columns = ["trial", "accuracy", "collapsed", "recipe", "codes", "lambda_categorical", "batch_size", "seconds"]
trials.sort_values("accuracy", ascending=False)[columns].head(5).round(3)

# %% [markdown]
# **Which batch size?** All trials see the same number of images, so that a small batch has more updates. `pruned` are
# the trials that were ended early; their accuracy is that of the moment.

# %%
trials.assign(pruned=trials.state == "pruned").groupby("batch_size").agg(
    trials=("trial", "count"), pruned=("pruned", "sum"), best=("accuracy", "max"), seconds=("seconds", "median")
).round(3)

# %% [markdown]
# **Which λ?** Trials are few, and other settings vary with it: a picture says no more than that.

# %%
figure, axes = plt.subplots(figsize=(5, 3.4))
for state, part in trials.groupby("state"):
    axes.scatter(part.lambda_categorical, part.accuracy, label=state)
axes.set(xscale="log", xlabel="λ of the categorical code", ylabel="validation accuracy", ylim=(0, 1))
axes.legend()
plt.show()
