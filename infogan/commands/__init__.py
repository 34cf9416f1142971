"""Commands on single runs. Each module has a main(), which infogan.cli and the scripts of experiments/ call."""
