# %% [markdown]
# # Generated digits by their codes
#
# Loads a trained model: here the one on MNIST that comes with the repository (preset `iic`). To see your own run,
# set `RUN` to its directory, such as `runs/mnist-authors-seed0`. `infogan explore RUN` opens a page with such sliders.

# %%
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

import infogan
from infogan.inference import Codes
from infogan.records.pictures import tile

RUN = Path(infogan.__file__).parents[1] / "analysis" / "results" / "models" / "mnist-iic"
model = infogan.load(RUN)
print(f"{model.config.dataset}, codes {model.latent}, {model.step:,} updates")

# %% [markdown]
# Every category (rows) of the first code, with ten draws of noise and of the other codes (columns).

# %%
some = model.sample(10, seed=1)
size = model.latent.categorical_sizes[0]
grid = Codes(np.repeat(some.categories[None], size, 0), np.repeat(some.continuous[None], size, 0))
grid.categories[:, :, 0] = np.arange(size)[:, None]
images = model.generate(Codes(*(part.reshape(size * 10, -1) for part in grid)), seed=np.tile(np.arange(10), size))
plt.figure(figsize=(5, 5))
plt.imshow(tile(images, size), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# Each continuous code from -2 to 2 (columns), one category a row. In training, codes were within -1 and 1.

# %%
values = np.linspace(-2, 2, 9)
for code in range(some.continuous.shape[1]):
    codes = Codes(
        np.repeat(np.arange(size), 9)[:, None] * np.ones((1, some.categories.shape[1]), int),
        np.zeros((size * 9, some.continuous.shape[1])),
    )
    codes.continuous[:, code] = np.tile(values, size)
    plt.figure(figsize=(4.5, 5))
    plt.imshow(tile(model.generate(codes, seed=np.zeros(size * 9, int)), size), cmap="gray")
    plt.title(f"continuous code {code + 1}, -2 to 2")
    plt.axis("off")
    plt.show()

# %% [markdown]
# Sliders (in a live notebook).


# %%
def show(category: int, seed: int, **continuous: float) -> None:
    categories = np.full((1, len(model.latent.categorical_sizes)), category)
    image = model.generate(Codes(categories, np.array([list(continuous.values())])), seed)
    plt.figure(figsize=(2.5, 2.5))
    plt.imshow(image[0], cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.show()


sliders = {f"code_{i + 1}": ipywidgets.FloatSlider(0, min=-2, max=2, step=0.1) for i in range(some.continuous.shape[1])}
ipywidgets.interactive(
    show, category=ipywidgets.IntSlider(0, min=0, max=size - 1), seed=ipywidgets.IntSlider(0, min=0, max=99), **sliders
)
