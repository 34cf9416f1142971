# %% [markdown]
# # Train an InfoGAN
#
# An InfoGAN on scikit-learn's 8×8 digits, without labels, in about a minute on one core. G draws an image from a
# category, two continuous codes and noise; D tells generated images from real ones; Q reads the codes back from the image.
# Labels are used only afterwards, to see what the categories mean.

# %%
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import infogan
from infogan import data, training
from infogan.config.presets import begin
from infogan.records.pictures import tile

digits = data.load("digits")
config = replace(begin("authors"), dataset="digits", batch_size=32, updates=1500, seed=0)
print(config.codes, config.noise, digits.train.images.shape)

# %% [markdown]
# The real images: uint8, N×C×H×W.

# %%
plt.imshow(tile(digits.train.images[:40].permute(0, 2, 3, 1).numpy(), 4), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# Training writes a run directory. The same call continues a run that was interrupted.

# %%
run = Path(mkdtemp()) / "first"
result = training.train(config, digits, run, wandb="disabled", progress=False)

# %% [markdown]
# L_I, the lower bound of the information that an image has about its category, rises to its maximum, the entropy
# H(c) = ln 10 = 2.30 nats. It says that Q reads the category back. It does not say that a category is a digit.

# %%
curves = pd.read_csv(run / "metrics.csv")
axes = curves.plot("images", "info_categorical_nats", legend=False, figsize=(5, 3))
axes.axhline(np.log(10), color="grey", linestyle="--")
axes.set(xlabel="real images seen", ylabel="L_I, nats")
plt.show()

# %% [markdown]
# Each row is a category. Images in one column share their noise.

# %%
model = infogan.load(run)
seeds = np.arange(10)
rows = [model.generate(model.codes(10, seeds, category=category), seeds) for category in range(10)]
plt.imshow(tile(np.concatenate(rows), 10), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# What the categories mean: Q's category of each test image against its label. The code-to-label accuracy matches each
# category to one label.

# %%
categories = model.recognise(digits.test.images.permute(0, 2, 3, 1).numpy()).categories[:, 0]
print(f"accuracy {result['accuracy']:.2f}")
pd.crosstab(pd.Series(categories, name="category"), pd.Series(digits.test.labels.numpy(), name="label"))

# %% [markdown]
# Another seed gives another accuracy. Change `seed`, `batch_size`, `lambda_categorical` or `codes` and train again; a
# sweep does that for you (`02_ask_a_study`).
