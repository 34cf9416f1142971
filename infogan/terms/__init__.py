"""Loss terms of later papers, beside the GAN value and L_I (infogan.algorithm). A file of this folder is a term; its
name is the file's. `base` says what a term is, and infogan.config.terms how a configuration lists them."""
