"""The seeds of `iic` on MNIST that had no part in any choice, and the rules stated for them before."""

from table_sources.common import by_seed, markdown, over, seeds_of, table

MEASURES = {"accuracy": 4, "frechet_distance": 2, "sample_recall": 2, "generator_accuracy": 4}


@table
def fresh_seeds() -> str:
    """Each seed, and their mean."""
    runs = seeds_of("iic-variants/fresh.csv")
    rows = [(int(run.seed), *(f"{run[one]:.{digits}f}" for one, digits in MEASURES.items())) for run in runs.iloc]
    means = [(over if one == "frechet_distance" else by_seed)(runs[one], digits) for one, digits in MEASURES.items()]
    header = "seed | test accuracy | Fréchet distance | recall | G shows the category's digit"
    return markdown(header, [*rows, ("mean", *means)])
