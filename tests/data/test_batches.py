import pytest
import torch

from infogan import data
from infogan.errors import InputError


def test_every_epoch_shows_every_image_once_in_a_new_order():
    images = torch.arange(50, dtype=torch.uint8).reshape(50, 1, 1, 1)
    batches = data.Batches(images, 20, seed=3)
    stream = torch.cat([batches.at(i).flatten() for i in range(10)])  # 200 images: four epochs, cut across batches
    epochs = stream.reshape(4, 50)
    assert all(sorted(epoch.tolist()) == list(range(50)) for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])
    jump = data.Batches(images, 20, seed=3).at(7)
    assert torch.equal(jump, batches.at(7)), "a resumed run must draw what it would have drawn"
    assert not torch.equal(data.Batches(images, 20, seed=4).at(0), batches.at(0))
    with pytest.raises(InputError, match="batch_size is 51"):
        data.Batches(images, 51, seed=0)
