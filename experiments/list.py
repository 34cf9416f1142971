"""The runs below a folder, as a table: what each is, how far it came, how well its codes tell the labels.

Examples:
  python experiments/list.py                       # runs/ and studies/
  python experiments/list.py studies/digits --csv trials.csv
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from infogan.cli import run_script
from infogan.config import InputError

USUAL = (Path("runs"), Path("studies"))


@dataclass(frozen=True)
class Options:
    folders: tyro.conf.Positional[tuple[Path, ...]] = USUAL
    """Folders to look in, at any depth."""
    csv: Path | None = None
    """Also write the table here."""


def row(directory: Path) -> dict:
    """What is known of a run, from its small files alone; a damaged one is listed as such."""
    from infogan import records

    try:
        config = records.read_json(directory / "config.json")["config"]
        out = {"run": str(directory), **{name: config[name] for name in ("dataset", "preset", "codes", "seed")}}
        out["dataset"] = Path(out["dataset"]).stem
        status = (
            records.read_json(directory / "status.json")
            if (directory / "status.json").exists()
            else {"status": "new", "step": 0}
        )
        out |= {"status": status["status"], "updates": f"{status['step']:,} of {config['updates']:,}"}
        measured = (
            records.Table(directory / "evaluations.csv").rows() if (directory / "evaluations.csv").exists() else []
        )
        if measured and measured[-1].get("accuracy"):
            out["validation"] = f"{float(measured[-1]['accuracy']):.3f}"
        if (directory / "evaluation.json").exists():
            final = records.read_json(directory / "evaluation.json")
            out["test"] = f"{final['accuracy']:.3f}" if "accuracy" in final else ""
    except (InputError, KeyError, TypeError, ValueError) as error:
        return {"run": str(directory), "status": f"unreadable: {error}"}
    return out


def main() -> None:
    options = tyro.cli(Options, description=__doc__)

    import pandas as pd

    for folder in options.folders:
        if not folder.is_dir() and options.folders != USUAL:
            raise InputError(f"there is no folder {folder}: give one that holds runs, such as runs")
    found = sorted(
        path.parent
        for folder in options.folders
        for path in folder.rglob("config.json")
        if (path.parent / "metrics.csv").exists()
    )
    if not found:
        raise InputError(
            f"no run in {', '.join(map(str, options.folders))}: python experiments/train.py authors --dataset digits makes one"
        )
    table = pd.DataFrame([row(directory) for directory in found], dtype=object).fillna("")
    print(table.to_string(index=False))
    if options.csv is not None:
        from infogan import records

        records.write_atomic(options.csv, table.to_csv(index=False))
        print(f"wrote {options.csv}")


if __name__ == "__main__":
    run_script(main)
