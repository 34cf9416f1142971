# %% [markdown]
# # Explore the codes of a trained model
#
# The model on MNIST that comes with the repository (preset `iic`). To see your own run, set `RUN` to its directory, such
# as `runs/mnist-authors-seed0`. `infogan explore RUN` opens a page with sliders.

# %%
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

import infogan
from infogan.records.pictures import tile

RUN = Path(infogan.__file__).parents[1] / "analysis" / "results" / "models" / "mnist-iic"
model = infogan.load(RUN)
print(model.config.dataset, model.code_names)


# %%
def show(images: np.ndarray, rows: int, title: str = "") -> None:
    """A grid of images uint8 [N, H, W, C], N a multiple of rows."""
    plt.figure(figsize=(5, 5))
    plt.imshow(tile(images, rows), cmap="gray", vmin=0, vmax=255)
    plt.title(title)
    plt.axis("off")
    plt.show()


# %% [markdown]
# Every category (rows), with ten draws of noise and of the other codes (columns).

# %%
size = model.latent.categorical_sizes[0]
seeds = np.tile(np.arange(10), size)
show(model.generate(model.codes(10 * size, seeds, category=np.repeat(np.arange(size), 10)), seeds), size)

# %% [markdown]
# Each continuous code from -2 to 2 (columns), a category a row. In training, codes were within -1 and 1.

# %%
values, same = np.tile(np.linspace(-2, 2, 9), size), np.zeros(9 * size, int)
category = np.repeat(np.arange(size), 9)
for name, categories in model.code_names.items():
    if not categories:
        codes = model.codes(9 * size, same, category=category, **{name: values})
        show(model.generate(codes, same), size, f"{name} from -2 to 2")

# %% [markdown]
# Sliders (in a live notebook).

# %%
sliders = {
    name: ipywidgets.IntSlider(0, 0, categories - 1)
    if categories
    else ipywidgets.FloatSlider(0, min=-2, max=2, step=0.1)
    for name, categories in model.code_names.items()
}


def draw(seed: int, **codes: float) -> None:
    show(model.generate(model.codes(1, seed, **codes), seed), 1)


ipywidgets.interactive(draw, seed=ipywidgets.IntSlider(0, 0, 99), **sliders)
