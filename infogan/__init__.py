"""InfoGAN (Chen et al. 2016): trained, measured, and ready to use.

>>> from infogan import load
>>> model = load("runs/mnist-authors-seed0")
>>> codes, images = model.recognise(digits), model.generate(model.recognise(digits))
"""


def load(directory):
    """The trained model of a run directory, or of what analysis/export.py wrote: an infogan.inference.Model.

    Raises infogan.config.InputError, one line, where the directory is missing, incomplete or damaged.
    """
    from infogan.inference import Model  # here, so that `import infogan` stays instant

    return Model(directory)
