"""Draw docs/images/traversal.gif, the README's animation, after a change of the model: python docs/traversal.py"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # so that a checkout that is not installed works

from infogan.reports.figures.animation import Traversal  # noqa: E402

if __name__ == "__main__":
    model = ROOT / "analysis" / "results" / "models" / "mnist-iic"
    Traversal(model, ROOT / "docs" / "images" / "traversal.gif").draw()
