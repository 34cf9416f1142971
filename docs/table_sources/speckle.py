"""Isolated spots in generated digits, by the preset that made them."""

from table_sources.common import by_seed, csv, markdown, over, table

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


def speckle_facts() -> dict[str, list[str]]:
    """Page to phrases, as facts()."""
    found = csv("speckle/speckle.csv")
    found["share"] = found.with_spot / found.images
    of = {name: found[found.of == name].share.reset_index(drop=True) for name in NAMES}
    return {
        "docs/results.md": [
            f"with 2,000 updates the same seeds have more, by {over(of['iic, 2,000 updates'] - of['iic'])}, paired",
            f"In its first form, with D's trunk shared, {of['iic, 2,000 updates, trunk shared'].mean():.2f} of the "
            "images had one",
            f"Of real images {of[REAL][0]:.3f} have one",
        ]
    }
