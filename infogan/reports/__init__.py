"""Tables, figures and pages from runs and studies: one module or package a command, each with main().

claims       the scorecard: which claims of the paper and of the blog post replicate
figures      the figures of the paper and of the blog post
measure      a table of runs, and result folders
settings     what each setting of a preset changes
factors      mutual information of codes and known factors
morphology   what continuous codes change in the shape of digits
study        tables and plots of a study
report       a study, or a run, as one HTML page
choose       one of several seeds, without labels
explore      a page that computes a trained model: sliders for its codes, a pad to draw on
export       weights, ONNX and a model card

runs is the one place that reads runs, as tables; common, page, information, factor_match and effects (what codes
change) are shared by several of them. Drawing libraries and pandas are imported by those that use them.
"""
