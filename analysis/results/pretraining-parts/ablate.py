"""Pretrain `iic` with one part left out: python ablate.py PART SEED [OPTIONS OF train.py]

Writes runs/PART-seedSEED, whose evaluations.csv has in its first row what Q is worth after the pretraining, and then
does one update of the GAN, the fewest that a run can have. In config.json only the command says what was left out.
"""

import sys
from types import SimpleNamespace

from infogan import records
from infogan.cli import one_line_errors
from infogan.commands.train import main
from infogan.data import augmentation
from infogan.pretraining import overclustering


def leave_out(part: str) -> None:
    augment, stroke, affine = augmentation.augment, augmentation.random_stroke, augmentation.random_affine
    if part == "heads":
        overclustering.HEADS = 1
    elif part == "over-clustering":  # nothing is left to merge
        overclustering.CLUSTERS, overclustering.CLUSTERS_PER_CATEGORY = 10, 1
    elif part == "strokes":  # clusters are still merged by them
        overclustering.augmentation = SimpleNamespace(augment=affine, random_stroke=stroke)
    elif part == "merging-by-strokes":  # by the affine maps that the clusters are made with
        overclustering.augmentation = SimpleNamespace(augment=augment, random_stroke=affine)
    elif part != "nothing":
        allowed = "heads, over-clustering, strokes, merging-by-strokes, nothing"
        sys.exit(f"error: there is no part {part!r}; allowed: {allowed}")


if len(sys.argv) < 3:
    sys.exit("error: give a part and a seed, such as heads 2000")
part, seed, *options = sys.argv[1:]
records.provenance()  # before the command line becomes that of train.py
leave_out(part)
sys.argv[1:] = ["iic", "--seed", seed, "--updates", "1", "--run-dir", f"runs/{part}-seed{seed}", *options]
with one_line_errors():
    main()
