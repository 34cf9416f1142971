"""The update: its losses in closed form, what each trains, and the sources' updates transcribed."""

import math
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from conftest import config, moved_by

from infogan import training
from infogan.algorithm import TRAINED_BY_INFORMATION, InfoGAN, discriminator_value, generator_value

PRESETS = ["authors", "paper", "blog", "gan"]


def d_loss(real, fake, reduction="sum") -> float:
    return discriminator_value(SimpleNamespace(d_real=real, d_fake=fake), reduction).value.item()


def g_loss(fake) -> float:
    return generator_value(SimpleNamespace(d_fake=fake)).value.item()


def test_an_undecided_discriminator_has_the_value_minus_two_ln_two():
    zero = torch.zeros(8)
    assert d_loss(zero, zero) == pytest.approx(2 * math.log(2)) and g_loss(zero) == pytest.approx(math.log(2))
    assert d_loss(zero, zero, "mean") == pytest.approx(math.log(2))


def test_losses_are_the_logarithms_of_the_paper():
    real, fake = torch.tensor([0.3, 2.0]), torch.tensor([-1.0, 0.4])
    value = torch.log(real.sigmoid()).mean() + torch.log(1 - fake.sigmoid()).mean()
    assert d_loss(real, fake) == pytest.approx(-value.item(), rel=1e-5)
    assert g_loss(fake) == pytest.approx(-torch.log(fake.sigmoid()).mean().item(), rel=1e-5)


def test_extreme_logits_stay_finite():
    assert math.isfinite(d_loss(torch.tensor([-1e4]), torch.tensor([1e4])))


def test_the_optimal_discriminator_attains_minus_two_ln_two_plus_twice_the_jensen_shannon_divergence():
    # Two distributions on three points; D* = p / (p + q) (Goodfellow et al. 2014, proposition 1 and theorem 1).
    p, q = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.6])
    logit = (p / q).log()
    m = (p + q) / 2
    jsd = 0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum()
    real, fake = (logit.repeat_interleave((1000 * share).round().long()) for share in (p, q))
    assert d_loss(real, fake) == pytest.approx(2 * math.log(2) - 2 * jsd.item(), rel=1e-4)


def test_what_a_step_returns_keeps_no_graph(digits):
    """Thousands of updates lie between two rows of a log."""
    model = training.Learner(config(terms="iic:1+r1:1+contrastive:1"), digits.image_shape)
    computed = model.step(digits.train.images[:32], torch.arange(32))
    assert set(computed) == set(model.metrics) and not any(value.requires_grad for value in computed.values())


VALUE, INFORMATION = {"loss_d", "loss_g"}, {"info_categorical_nats", "info_continuous_nats"}


@pytest.mark.parametrize("q_trunk", ["shared", "own"])
@pytest.mark.parametrize("flow", TRAINED_BY_INFORMATION)
def test_l_i_trains_the_parts_of_the_table_and_no_others(flow, q_trunk, digits):
    table = TRAINED_BY_INFORMATION[flow]
    model = training.Learner(config(info_flow=flow, q_trunk=q_trunk), digits.image_shape)
    expected = {*table["D"], *table["G"]} - ({"trunk"} if q_trunk == "own" else set())
    assert moved_by(INFORMATION, model, digits.train.images[:32]) == expected


@pytest.mark.parametrize("flow", TRAINED_BY_INFORMATION)
def test_the_gan_value_trains_g_and_d_and_never_q(flow, digits):
    for names, parts in ((VALUE, {"generator", "trunk", "d_head"}), ({"loss_g"}, {"generator"})):
        model = training.Learner(config(info_flow=flow), digits.image_shape)
        assert moved_by(names, model, digits.train.images[:32]) == parts


@pytest.mark.parametrize("preset", PRESETS)
def test_losses_share_a_backward_pass_where_their_parts_allow(preset, digits, monkeypatch):
    """Equation 6 and the regular GAN need two in G's step: one loss holds constant what the other trains."""
    passes, backward = [], torch.Tensor.backward
    monkeypatch.setattr(torch.Tensor, "backward", lambda *given, **named: passes.append(1) or backward(*given, **named))
    training.Learner(config(preset), digits.image_shape).step(digits.train.images[:32], torch.arange(32))
    assert len(passes) == 1 + (2 if preset in ("paper", "gan") else 1)


# The sources' updates, transcribed on plain torch functions. What they have besides is stated in docs/differences.md:
# log(p + 1e-8), and TensorFlow's epsilon in Adam.


class Networks:
    """The paper's MNIST networks (appendix C.1) as functions of weights, with batch norm over the batch."""

    def __init__(self, model):
        self.G = [p.detach().clone().requires_grad_() for p in model.generator.parameters()]
        D = model.discriminator
        self.trunk, self.d, self.q = (
            [p.detach().clone().requires_grad_() for p in part.parameters()] for part in (D.trunk, D.d_head, D.q_head)
        )
        self.slope = model.config.leaky_slope

    def generate(self, z):
        w = iter(self.G)
        h = norm(F.linear(z, next(w)), w).relu()
        h = F.linear(h, next(w))
        if len(self.G) == 10:  # the blog: batch norm of the maps, and a last layer without a bias
            h = norm(maps(h), w).relu()
            return F.conv_transpose2d(norm(up(h, w), w).relu(), next(w), stride=2, padding=1).sigmoid()
        h = maps(norm(h, w).relu())
        h = norm(up(h, w), w).relu()
        return F.conv_transpose2d(h, next(w), next(w), stride=2, padding=1).sigmoid()

    def features(self, x):
        w = iter(self.trunk)
        h = F.leaky_relu(F.conv2d(x, next(w), next(w), stride=2, padding=1), self.slope)
        h = F.leaky_relu(norm(F.conv2d(h, next(w), stride=2, padding=1), w), self.slope)
        return F.leaky_relu(norm(F.linear(h.permute(0, 2, 3, 1).flatten(1), next(w)), w), self.slope)

    def judge(self, features):
        return F.linear(features, *self.d).squeeze(1)

    def recognise(self, features):
        w = iter(self.q)
        return F.linear(F.leaky_relu(norm(F.linear(features, next(w)), w), self.slope), next(w), next(w))


def norm(x, w: Iterator):
    return F.batch_norm(x, None, None, next(w), next(w), training=True)


def maps(x):
    return x.unflatten(1, (7, 7, 128)).permute(0, 3, 1, 2)


def up(x, w: Iterator):
    return F.conv_transpose2d(x, next(w), stride=2, padding=1)


def openai(net: Networks, latent, random, images, adam_d, adam_g) -> tuple[float, float]:
    """infogan_mnist_trainer.py of openai/InfoGAN: two runs of the graph, each with a z of its own; the estimate of the
    mutual information is taken from both losses; D's Adam has trunk, D's and Q's layers."""

    def losses():
        z = latent.sample(len(images), random).double()
        fake = net.generate(z)
        f_real, f_fake = net.features(images), net.features(fake)
        real_d, fake_d, q = net.judge(f_real).sigmoid(), net.judge(f_fake).sigmoid(), net.recognise(f_fake)
        discriminator = -(torch.log(real_d) + torch.log(1 - fake_d)).mean()
        generator = -torch.log(fake_d).mean()
        log_q = (z[:, :10] * F.log_softmax(q[:, :10], 1)).sum(1)
        discrete = math.log(10) + log_q.mean()
        epsilon = z[:, 10:12] - q[:, 10:12]  # std fixed to 1
        log_q = (-0.5 * math.log(2 * math.pi) - 0.5 * epsilon**2).sum(1)
        continuous = 2 * math.log(2) + log_q.mean()
        return discriminator - discrete - continuous, generator - discrete - continuous

    adam_d.zero_grad(), adam_g.zero_grad()
    d = losses()[0]
    d.backward()
    adam_d.step()
    adam_d.zero_grad(), adam_g.zero_grad()
    g = losses()[1]
    g.backward()
    adam_g.step()
    return d.item(), g.item()


def notebook(net: Networks, latent, random, images, adam_d, adam_g) -> tuple[float, float]:
    """The notebook of yjang43/InfoGAN: D's loss is the mean of both halves; then G and Q's head by BCE and the
    cross-entropy of the code, of the same images."""
    n = len(images)
    z = latent.sample(n, random).double()
    fake = net.generate(z)
    bce = F.binary_cross_entropy_with_logits
    adam_d.zero_grad()
    real_loss = bce(net.judge(net.features(images)), torch.ones(n).double())
    fake_loss = bce(net.judge(net.features(fake.detach())), torch.zeros(n).double())
    d = (real_loss + fake_loss) / 2
    d.backward()
    adam_d.step()
    adam_g.zero_grad()
    features = net.features(fake)
    g = bce(net.judge(features), torch.ones(n).double())
    g = g + F.cross_entropy(net.recognise(features), z[:, :10].argmax(1))
    g.backward()
    adam_g.step()
    return d.item(), g.item()


def in_float64(model: training.Learner) -> training.Learner:
    model.networks.double()
    for adam in (model.adam_d, model.adam_g):
        adam.means, adam.squares = ([torch.zeros_like(p) for p in adam.parameters] for _ in range(2))
    return model


@pytest.mark.parametrize(("preset", "update"), [("authors", openai), ("blog", notebook)])
def test_the_update_is_the_sources(preset, update):
    """In float64 over five updates: both losses, and every weight's change, to 1e-8 of it."""
    made = config(preset, batch_size=16, dataset="mnist", precision="float32")
    model = in_float64(training.Learner(made, (1, 28, 28)))
    net = Networks(model)
    before = [p.detach().clone() for p in (*net.G, *net.trunk, *net.d, *net.q)]
    of_d = net.trunk + net.d + (net.q if preset == "authors" else [])
    of_g = net.G + (net.q if preset == "blog" else [])
    adam_d, adam_g = (torch.optim.Adam(p, lr, (made.beta1, 0.999)) for p, lr in ((of_d, made.lr_d), (of_g, made.lr_g)))
    twin = training.Learner(made, (1, 28, 28))
    for number in range(5):
        images = torch.randint(256, (16, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(number))
        log = {name: value.item() for name, value in model.step(images, torch.arange(16)).items()}
        real = (images.float() / 255).double()
        d, g = update(net, model.latent, twin.random["codes"], real, adam_d, adam_g)
        information = log["info_categorical_nats"] + log["info_continuous_nats"]
        if preset == "authors":
            assert log["loss_g"] - information == pytest.approx(g, rel=1e-9)
        else:
            assert log["loss_d"] == pytest.approx(d, rel=1e-9)
            assert log["loss_g"] - information + math.log(10) == pytest.approx(g, rel=1e-9)
    D = model.discriminator
    ours = [*model.generator.parameters(), *D.trunk.parameters(), *D.d_head.parameters(), *D.q_head.parameters()]
    for a, b, old in zip(ours, (*net.G, *net.trunk, *net.d, *net.q), before, strict=True):
        assert (a - b).norm() <= 1e-8 * (b - old).norm() and (b - old).norm() > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_plain_torch_computes_what_the_fast_arithmetic_computes(preset, digits):
    """The page by itself, with torch's Adam, beside the learner that is trained with."""
    fast, twin = (in_float64(training.Learner(config(preset), digits.image_shape)) for _ in range(2))
    plain = InfoGAN(twin.generator, twin.discriminator, twin.latent, twin.config, twin.random)
    before = [p.detach().clone() for p in twin.networks.parameters()]
    for number in range(3):
        batch = digits.train.images[32 * number : 32 * (number + 1)], torch.arange(32)
        one, other = fast.step(*batch), plain.step(*batch)
        assert all(torch.allclose(one[name], other[name], rtol=1e-9) for name in one)
    for a, b, old in zip(fast.networks.parameters(), twin.networks.parameters(), before, strict=True):
        assert (a - b).norm() <= 1e-8 * (b - old).norm()
