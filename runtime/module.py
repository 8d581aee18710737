"""Run a module as `python -m` does, and end on Ctrl-C without a traceback: python -m runtime.module NAME ARGUMENTS."""

import runpy
import sys

if __name__ == "__main__":
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        sys.exit(130)
