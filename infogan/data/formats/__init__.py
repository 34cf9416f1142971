"""One file per dataset or file format. Each has a function load() that returns a Dataset."""
