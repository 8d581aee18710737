"""Users for Locust's web page and command line: ``locust -f loadtest/locustfile.py --class-picker``.

A class for each service and workload, such as ``FlaskWait`` and ``FastapiStream``. ``TARGET`` says where the stack is;
``WAIT``, ``WORK``, ``CALLS``, ``CHUNKS`` and ``INTERVAL`` say what a request asks for (parameters.py).
"""

import os

from loadtest.parameters import Parameters
from loadtest.stack import read_target
from loadtest.users import user_class
from loadtest.workloads import TABLE, services_of

parameters = Parameters.read(os.environ)
target = read_target(os.environ)
classes = [user_class(service, workload, parameters, target) for workload in TABLE for service in services_of(workload)]

# Locust takes the user classes that it finds among a locustfile's names.
globals().update({made.__name__: made for made in classes})
