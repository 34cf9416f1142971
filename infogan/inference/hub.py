"""Trained models on the Hugging Face Hub, by the hub's own mixin. Needs huggingface-hub (the extra `hub`).

>>> from infogan.inference.hub import HubModel
>>> HubModel("runs/mnist-authors-seed0").push_to_hub("me/infogan-mnist")
>>> model = HubModel.from_pretrained("me/infogan-mnist")
"""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelHubMixin, snapshot_download
from huggingface_hub.errors import HTTPError

from infogan.data.files import as_input_error
from infogan.inference import Model
from infogan.inference.model_card import write_card
from infogan.utils.errors import InputError


class HubModel(Model, ModelHubMixin, library_name="infogan"):
    """A Model with save_pretrained, push_to_hub and from_pretrained. What it stores `infogan.load` reads as well."""

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """The mixin's. Raises InputError for the model's own directory, whose configuration it would remove first."""
        if Path(save_directory).resolve() == self.directory.resolve():
            raise InputError(f"{save_directory} holds the model itself: choose another directory")
        return super().save_pretrained(save_directory, **options)

    def _save_pretrained(self, save_directory: Path) -> None:
        self.save(save_directory)
        write_card(self, save_directory, onnx={}, half=False)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> "HubModel":
        """The model of a directory, or of a repository on the hub.

        Unlike the mixin's it opens no file that `infogan.load` has not checked. options: of snapshot_download, such as
        revision, cache_dir, token. Raises InputError where nothing is found, or what was found is no model of this
        project.
        """
        name = pretrained_model_name_or_path
        if Path(name).is_dir():
            return cls(name)
        problem, remedy = f"{name} is no directory, and cannot be had from the hub", "give a directory or user/name"
        with as_input_error(problem, remedy, (OSError, ValueError, HTTPError)):
            folder = snapshot_download(str(name), **options)
        return cls(folder)
