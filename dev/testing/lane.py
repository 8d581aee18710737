"""Run one suite in this checkout and write its outcome to a file: python -m dev.testing.lane SUITE FILE [copy].

dev/testing/lanes.py starts it. "copy" means that this checkout is a copy, whose lock dev/testing/run.py does not already hold.
"""

import json
import sys
from contextlib import nullcontext
from pathlib import Path

from dev.testing import place as test_place
from dev.testing.suites import Suite
from runtime.docker import stack as runtime_docker


def main() -> None:
    """Run the suite that the first argument describes."""
    suite, result = Suite(**json.loads(sys.argv[1])), Path(sys.argv[2])
    docker = runtime_docker.answers()
    is_copy = sys.argv[3:] == ["copy"]
    with test_place.alone() if is_copy else nullcontext():
        if is_copy:
            test_place.end_earlier_run(docker)
        counts = suite.run(docker)
        if is_copy and docker:
            test_place.remove_images()
    result.write_text(json.dumps(counts))


if __name__ == "__main__":
    main()
