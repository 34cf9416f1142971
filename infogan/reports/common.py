"""What several reports share. Importing this needs neither pandas nor a drawing library."""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infogan import records
from infogan.config import Config
from infogan.config.presets import describe
from infogan.inference import Model
from infogan.utils.errors import InputError, printable

if TYPE_CHECKING:
    import pandas as pd

    from infogan import data

PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg")
REAL = "the real dataset"


def load_dataset(data_dir: Path | None, *directories: Path) -> "data.Dataset":
    """The dataset that these runs were trained on. data_dir: see infogan.data.load.

    Raises InputError where they are of several, it cannot be read, or is other data under the same name.
    """
    from infogan import data
    from infogan.data import fingerprint

    if len(names := {records.read_config(directory).dataset for directory in directories}) > 1:
        raise InputError(f"the runs are of different datasets, {', '.join(sorted(names))}: give those of one")
    dataset = data.load(names.pop(), data_dir)
    for directory in directories:
        fingerprint.check(records.read_json(directory / "config.json").get("data"), dataset, directory)
    return dataset


def check_picture(path: Path) -> None:
    """Raises InputError where the file's name is not that of a picture that can be drawn."""
    if path.suffix.lower() not in PICTURES:
        raise InputError(f"{path} is no name of a picture; give one that ends with {', '.join(PICTURES)}")


def run_title(config: Config) -> str:
    """A run in a few printable words: dataset, preset with what was changed in it, and seed."""
    return printable(f"{Path(config.dataset).stem}, preset {describe(config)}, seed {config.seed}")


def about_run(run: Model) -> dict:
    """What identifies a run in a figure's JSON file."""
    config = run.config
    return {
        "run": run.directory.name,
        "dataset": config.dataset,
        "preset": config.preset,
        "recipe": describe(config),
        "seed": config.seed,
        "updates": run.step,
        "precision": config.precision,
    }


def origin_of_images(dataset: str) -> str:
    """Where a dataset's images are from, in a few words. dataset: its name in a configuration."""
    from infogan import data

    if dataset.partition("@")[0] in data.SYNTHETIC:
        return "a stand-in rendered here"
    if dataset in data.LOADERS:
        return REAL
    return "images of a file" if dataset.endswith(".npz") else "images of a folder"


def origin() -> dict[str, Any]:
    """The command and the commit that made a result, for its JSON file."""
    source = records.provenance()
    return {"command": source["command"], "commit": source["commit"]}


def as_text(table: "pd.DataFrame", number: str = "{:.3f}", missing: str = "NaN") -> str:
    """A table as aligned text without its index. number: format of floats; missing: stands for NaN."""
    shown = table.map(lambda value: printable(value) if isinstance(value, str) else value)
    return shown.to_string(index=False, float_format=number.format, na_rep=missing)


def as_rows(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """A table's rows for a JSON file, which has null for what is missing."""
    return json.loads(table.to_json(orient="records", double_precision=15))


def data_url(png: bytes) -> str:
    """A PNG file as the address of an image, for a page that needs no other files."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
