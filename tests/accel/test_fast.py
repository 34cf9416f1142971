"""The fast path computes what the plain float32 step computes."""

import pytest
import torch
import torch.nn.functional as F
from conftest import config, update
from torch.utils._python_dispatch import TorchDispatchMode

from infogan import data, training
from infogan.accel import adam, products

MNIST = (1, 28, 28)
INDEX = torch.arange(64)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(256, (64, *MNIST), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_bfloat16_follows_float32(digits):
    reference, quick = (training.Learner(config(precision=p), digits.image_shape) for p in ("float32", "bfloat16"))
    batches = data.Batches(digits.train.images, 128, seed=0)
    rows = [
        torch.stack([update(model, batches.at(i), batches.index(i)) for i in range(10)]) for model in (reference, quick)
    ]
    assert torch.allclose(*rows, atol=0.05)


def gradients(preset: str, images: torch.Tensor, precision: str, autocast: bool = False) -> list[torch.Tensor | None]:
    """What one step computes for each parameter, taken where the optimisers would use it."""
    model, taken = training.Learner(config(preset, precision=precision), MNIST), {}

    class Recorder:
        def __init__(self, adam):
            self.parameters = adam.parameters

        def step(self):
            for p in self.parameters:
                leaf = model.bf16_copies.get(p, p)
                taken[p], leaf.grad = leaf.grad.float(), None

        def zero_grad(self):
            pass

    model.adam_d, model.adam_g = Recorder(model.adam_d), Recorder(model.adam_g)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        model.step(images, INDEX)
    return [taken.get(p) for p in (*model.generator.parameters(), *model.discriminator.parameters())]


@pytest.mark.parametrize("preset", ["authors", "paper", "blog", "gan"])
def test_gradients_are_as_near_those_of_float32_as_autocasts(preset, images):
    """Each path rounds in its own order, and processors without bfloat16 round otherwise: so the two are compared with
    float32, and not with each other."""
    quick = gradients(preset, images, "bfloat16")
    autocast, reference = gradients(preset, images, "float32", autocast=True), gradients(preset, images, "float32")
    for ours, casts, plain in zip(quick, autocast, reference, strict=True):
        assert (ours is None) == (plain is None), "the two move different parameters"
        if ours is not None:
            ours, casts, plain = (g.flatten() for g in (ours, casts, plain))
            # D's last bias alone has one number: what is left of about 1/2 for real images less as much for generated
            # ones.
            margin = 0.02 * plain.norm() + (0.005 if len(ours) == 1 else 0.0)
            assert (ours - plain).norm() <= 1.25 * (casts - plain).norm() + margin
    assert sum(g is not None for g in quick) > 20


def test_copies_follow_their_weights_and_evaluation_reads_the_weights(images):
    model = training.Learner(config("paper", precision="bfloat16"), MNIST)
    for _ in range(2):
        model.step(images, INDEX)
    assert len(model.bf16_copies) == 10
    for weight, copy in model.bf16_copies.items():
        assert torch.equal(copy, weight.to(torch.bfloat16)) and copy.grad is None and weight.grad is None
    evaluated = model.discriminator.eval()(images / 255)
    for module in model.discriminator.modules():
        if hasattr(module, "bf16_copy"):
            module.bf16_copy = None
    assert all(torch.equal(a, b) for a, b in zip(evaluated, model.discriminator(images / 255)))


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolutions_are_torchs(transposed, biased, channels, monkeypatch):
    """Value and gradients, to and from images and maps, for more images than are taken at once."""
    monkeypatch.setattr(products, "CHUNK", 2)
    generator = torch.Generator().manual_seed(0)
    shapes = ((5, 6, 8, 12), (6, channels, 4, 4)) if transposed else ((5, channels, 8, 12), (6, channels, 4, 4))
    shapes += ((channels if transposed else 6,),) if biased else ()
    given = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    plain = (F.conv_transpose2d if transposed else F.conv2d)(
        *given, **{} if biased else {"bias": None}, stride=2, padding=1
    )
    upstream = torch.randn(plain.shape, generator=generator)
    expected = torch.autograd.grad(plain, given, upstream)
    ours = products.Convolve.apply(*given, *() if biased else (None,), transposed)
    way_of_our_own = transposed and (channels <= products.FEW or biased)
    assert torch.allclose(ours, plain, atol=1e-5) if way_of_our_own else torch.equal(ours, plain)
    for got, wanted in zip(torch.autograd.grad(ours, given, upstream), expected, strict=True):
        assert torch.allclose(got, wanted, atol=1e-4)


@pytest.mark.parametrize("rows", [5, products.NARROW + 1])
@pytest.mark.parametrize("shape", [(6, 40), (40, 6)])
def test_products_are_torchs_and_their_gradient_lies_as_the_weight_does(shape, rows):
    generator = torch.Generator().manual_seed(0)
    weight = products.match_layout(torch.randn(shape, generator=generator)).requires_grad_()
    x = torch.randn(rows, shape[1], generator=generator, requires_grad=True)
    upstream = torch.randn(rows, shape[0], generator=generator)
    product, plain = products.Multiply.apply(x, weight), F.linear(x, weight)
    assert torch.allclose(product, plain, atol=1e-5) and product.is_contiguous()
    got, expected = (torch.autograd.grad(value, (x, weight), upstream) for value in (product, plain))
    assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(got, expected, strict=True))
    # As it comes: a weight's .grad would be laid anew by torch.
    assert got[1].stride() == weight.stride() and min(weight.stride()) == 1


class Products(TorchDispatchMode):
    """Counts the matrix products and convolutions that are computed."""

    count = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        self.count += any(name in str(function) for name in ("aten.mm", "aten.convolution"))
        return function(*arguments, **(named or {}))


@pytest.mark.parametrize("layer", ["convolution", "transposed", "product"])
def test_a_gradient_that_nobody_asks_for_is_not_computed(layer):
    """As in G's step, which goes through D and moves no weight of D."""
    maps = () if layer == "product" else (4, 4)
    weight, x = torch.randn(8, 8, *maps, requires_grad=True), torch.randn(2, 8, *maps, requires_grad=True)
    for asked, other in ((x, weight), (weight, x)):
        if layer == "product":
            value = products.Multiply.apply(x * 2, weight).sum()
        else:
            value = products.Convolve.apply(x * 2, weight, None, layer == "transposed").sum()
        with Products() as counted:
            value.backward(inputs=[asked])
        assert counted.count == 1
        assert asked.grad is not None and other.grad is None
        asked.grad = None


@pytest.mark.parametrize("compiler", [True, False])
def test_adam_is_torchs(compiler, monkeypatch, capsys):
    """Large weights (compiled, or without a compiler), however they lie, and a small one, against torch's Adam on the
    same gradients."""
    if not compiler:
        monkeypatch.setattr(adam, "_compiled_update", lambda: 1 / 0)
    monkeypatch.setattr(adam, "LARGE", 1000)
    generator = torch.Generator().manual_seed(0)
    by_rows, by_columns, maps, small = (
        torch.randn(shape, generator=generator) for shape in ((40, 50), (50, 40), (8, 16, 4, 4), (7, 9))
    )
    lying = (by_rows, products.match_layout(by_columns), maps.to(memory_format=torch.channels_last), small)
    weights = [torch.nn.Parameter(weight) for weight in lying]
    copies = {w: w.detach().to(torch.bfloat16).requires_grad_() for w in weights}
    plain = [torch.nn.Parameter(w.detach().clone()) for w in weights]
    ours, torchs = adam.Adam(weights, 1e-2, 0.5, copies), torch.optim.Adam(plain, 1e-2, betas=(0.5, 0.999))
    for _ in range(20):
        for weight, twin in zip(weights, plain):
            copies[weight].grad = torch.randn(weight.shape, generator=generator).to(torch.bfloat16)
            twin.grad = copies[weight].grad.float()
        ours.step()
        torchs.step()
    for weight, twin in zip(weights, plain):
        assert torch.allclose(weight, twin, atol=1e-5) and torch.equal(copies[weight], weight.to(torch.bfloat16))
    kept = ours.tensors("adam")
    for i, twin in enumerate(plain):
        for name in ("exp_avg", "exp_avg_sq", "step"):
            assert torch.allclose(kept[f"adam.{i}.{name}"], torchs.state[twin][name], atol=1e-6)
    message = capsys.readouterr().err
    assert ("torch.compile cannot be used here" in message) == (not compiler) and message.count("\n") <= 1
