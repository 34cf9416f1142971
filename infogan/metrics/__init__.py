"""Metrics, one family a module.

clustering        categories against labels: accuracy, NMI, ARI, with 95 % intervals
disentanglement   codes against known factors: MIG, SAP, DCI, modularity, explicitness, BetaVAE, FactorVAE;
                  models against each other: ModelCentrality
quality           generated images against real ones: Frechet distance, precision, recall
collapse          how much generated images differ, what 8 bits leave of L_I, and the rule for collapse
traversal         how much of a factor one code moves in generated images
factor_estimates  a factor of any images, by a regression on real images where it is known
image_statistics  brightness of images of any kind, and where they are bright
morphometrics     shape of digits (Morpho-MNIST), partial correlation
"""
