import runtime  # noqa: F401 - the import sets up the environment of this process
