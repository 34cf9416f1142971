"""Fields of a command line."""

from typing import Annotated, TypeVar

import tyro

T = TypeVar("T")
Unset = Annotated[T | None, tyro.conf.arg(help_behavior_hint="")]
"""An option whose default, None, its own text explains: without "(default: None)" in the help."""
