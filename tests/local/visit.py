"""One visitor of each service, which performs every action: ``python -m tests.local.visit TARGET`` prints the results as JSON.

It has its own process, since Locust replaces modules with gevent's that pytest's process already uses.
"""

import locust  # noqa: F401  # isort: skip  # first: it patches what is imported after it

import json
import sys

from locust.env import Environment

from loadtest.generator.visitors import MOST_OF_ITS_OWN, visitor_class

if __name__ == "__main__":
    environment = Environment()
    environment.create_local_runner()  # which counts the requests
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
