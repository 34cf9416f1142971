"""R2 (Mescheder et al. 2018, equation 10): the penalty of R1 at generated images."""

from infogan.terms.base import Settings, Term
from infogan.terms.r1 import R1


class R2(R1):
    """R1's penalty, of generated images, which are constant. In D's step."""

    name, metrics, images = "r2", ("r2_penalty",), "fake"


def build(settings: Settings, weight: float) -> list[Term]:
    return [R2(weight)]
