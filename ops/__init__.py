import runtime  # noqa: F401 - it composes the environment of this process
