"""Users for Locust's web page and command line: ``locust -f loadtest/locustfile.py --class-picker``.

A class for each service and workload, such as ``FlaskWait`` and ``FastapiStream``. ``TARGET`` says where the stack is;
``WAIT``, ``WORK``, ``CALLS``, ``CHUNKS`` and ``INTERVAL`` say what a request asks for (parameters.py).
"""

import os

from loadtest.generator.parameters import Parameters
from loadtest.generator.users import user_class
from loadtest.generator.workloads import TABLE, services_of
from loadtest.stack import read_target

parameters = Parameters.read(os.environ)
target = read_target(os.environ)
# Without what only an experiment asks: for an error, and for a file that no service sees.
workloads = [workload for workload in TABLE if workload.status == 200 and not workload.by_proxy]
classes = [user_class(f"/{service}", workload, parameters, target) for workload in workloads for service in services_of(workload)]

# Locust takes the user classes that it finds among a locustfile's names.
globals().update({made.__name__: made for made in classes})
