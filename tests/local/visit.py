"""One visitor of each service, who does everything once: ``python -m tests.local.visit TARGET`` prints what came of it as JSON.

A process of its own, since Locust puts gevent in place of what pytest's process uses already.
"""

import locust  # noqa: F401  # isort: skip  # first: it patches what is imported after it

import json
import sys

from locust.env import Environment

from loadtest.generator.visitors import MOST_OF_ITS_OWN, visitor_class

if __name__ == "__main__":
    environment = Environment()
    environment.create_local_runner()  # which counts
    for service in ("flask", "fastapi", "django"):
        visitor = visitor_class(service, sys.argv[1], 0.0)(environment)
        visitor.on_start()
        for do in (visitor.read, visitor.search, visitor.post, visitor.edit, visitor.edit, visitor.take_down):
            do()
        for _ in range(MOST_OF_ITS_OWN + 1):
            visitor.post()
        visitor.on_stop()
    asked = {f"{method} {name}": entry.num_requests for (name, method), entry in environment.stats.entries.items()}
    print(json.dumps({"asked": asked, "errors": [error.to_dict() for error in environment.stats.errors.values()]}))
