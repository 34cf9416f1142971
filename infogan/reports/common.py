"""What several reports share. Importing this needs neither pandas nor a drawing library."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infogan import records
from infogan.config import Config
from infogan.errors import InputError, printable
from infogan.presets import describe
from infogan.records.files import RESTORED

if TYPE_CHECKING:
    import pandas as pd

    from infogan import data

PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg")
REAL = "the real dataset"
SMOOTHING = 50
"""Updates over which L_I is averaged (centred) before it is compared with H(c)."""


def load_dataset(data_dir: Path | None, *directories: Path) -> "data.Dataset":
    """The dataset that these runs were trained on, all of one name. data_dir: see infogan.data.load.

    Raises InputError where it cannot be read, or is other data under the same name.
    """
    from infogan import data
    from infogan.data import fingerprint

    dataset = data.load(records.read_config(directories[0]).dataset, data_dir)
    for directory in directories:
        fingerprint.check(records.read_json(directory / "config.json").get("data"), dataset, directory)
    return dataset


ORIGIN = ("started", "hardware", "commit")
"""Names of what `run_origin` says."""


def run_origin(directory: Path, config: Config) -> dict[str, str]:
    """When a run was started (UTC), on which hardware as far as it was recorded, and from which commit."""
    made = records.read_json(directory / "config.json").get("provenance", {})
    host = made.get("host", {})
    processor = host.get("processor", f"{host.get('cpus', '?')} cores of {host.get('platform', 'an unknown platform')}")
    hardware = host.get("gpu", processor) if config.device.startswith("cuda") else processor
    return dict(zip(ORIGIN, (made.get("time") or "", hardware, made.get("commit") or ""), strict=True))


def read_metrics(directory: Path) -> "pd.DataFrame":
    """metrics.csv of a run directory. Raises InputError where there is none, or it is damaged or empty."""
    path = directory / "metrics.csv"
    if not path.exists():
        raise InputError(f"there is no {path}: give the directory of a run")
    if (table := records.Table(path).frame()).empty:
        raise InputError(f"{path} is damaged (it has no rows): {RESTORED}")
    return table


def read_evaluations(directory: Path) -> "pd.DataFrame":
    """evaluations.csv of a run directory; empty where there is none."""
    return records.Table(directory / "evaluations.csv").frame()


def check_picture(path: Path) -> None:
    """Raises InputError where the file's name is not that of a picture that can be drawn."""
    if path.suffix.lower() not in PICTURES:
        raise InputError(f"{path} is no name of a picture; give one that ends with {', '.join(PICTURES)}")


def smoothed_bound(metrics: "pd.DataFrame", log_every: int) -> "pd.Series":
    """L_I of the categorical codes (nats), a running mean over SMOOTHING updates, for each row of metrics.csv."""
    rows = max(1, SMOOTHING // log_every)
    return metrics.info_categorical_nats.rolling(rows, min_periods=1, center=True).mean()


def figures_folder(directory: Path) -> Path:
    """Where a run's figures go without --out: RUN/figures; of a committed result figures/RUN."""
    kept = Path(__file__).parents[2] / "analysis" / "results"
    if directory.resolve().is_relative_to(kept):
        return Path("figures") / directory.resolve().name
    return directory / "figures"


def run_title(config: Config) -> str:
    """A run in a few printable words: dataset, preset with what was changed in it, and seed."""
    return printable(f"{Path(config.dataset).stem}, preset {describe(config)}, seed {config.seed}")


def origin_of_images(dataset: str) -> str:
    """Where a dataset's images are from, in a few words. dataset: its name in a configuration."""
    from infogan import data

    if dataset.partition("@")[0] in data.SYNTHETIC:
        return "a stand-in rendered here"
    if dataset in ("digits", *data.TORCHVISION, *data.ARCHIVES):
        return REAL
    return "images of a file"


def origin() -> dict[str, Any]:
    """The command and the commit that made a result, for its JSON file."""
    source = records.provenance()
    return {"command": source["command"], "commit": source["commit"]}


def as_text(table: "pd.DataFrame", number: str = "{:.3f}", missing: str = "NaN") -> str:
    """A table as aligned text without its index. number: format of floats; missing: stands for NaN."""
    shown = table.map(lambda value: printable(value) if isinstance(value, str) else value)
    return shown.to_string(index=False, float_format=number.format, na_rep=missing)


def data_url(png: bytes) -> str:
    """A PNG file as the address of an image, for a page that needs no other files."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
