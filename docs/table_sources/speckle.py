"""Isolated spots in generated digits, by the preset that made them."""

from table_sources.common import by_seed, csv, markdown, table

REAL = "MNIST's test images"
NAMES = {
    REAL: "real test images",
    "iic": "`iic`, seeds 2000 to 2009",
    "iic, fresh seeds": "`iic`, seeds 3000 to 3004",
    "iic, 2,000 updates": "`iic --updates 2000`",
    "iic, 2,000 updates, trunk shared": "`iic --updates 2000` with the trunk shared",
    "authors": "`authors`",
    "blog": "`blog`",
    "gan": "`gan`",
    "paper": "`paper`",
}
LEVELS = ("with_spot", "with_spot_128")


@table
def speckle() -> str:
    """Share of images with an isolated spot: mean over grids, each of another seed."""
    found, rows = csv("speckle/speckle.csv"), []
    for name, shown in NAMES.items():
        grids = found[found.of == name]
        cells = [by_seed(grids[level] / grids.images) for level in LEVELS]
        rows.append((shown, "" if name == REAL else len(grids), f"{grids.images.sum():,}", *cells))
    return markdown("images of | seeds | images | with a spot | with a spot of half brightness", rows)
