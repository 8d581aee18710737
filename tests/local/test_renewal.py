"""A renewed certificate is served after a reload, which drops no connection."""

import http.client
import shutil
import ssl
from pathlib import Path

from cryptography import x509

from runtime.local.plan import FOLDERS
from tests.authority import write_certificate
from tests.conftest import run_stack
from tests.stack import HOST, SECURE_PORT
from tests.waiting import until


def connect() -> tuple[http.client.HTTPSConnection, int]:
    """Open a connection; return it and the serial number of the certificate that it received."""
    connection = http.client.HTTPSConnection("localhost", SECURE_PORT, timeout=60, context=ssl._create_unverified_context())
    connection.connect()
    assert isinstance(connection.sock, ssl.SSLSocket)
    certificate = connection.sock.getpeercert(binary_form=True)
    assert certificate
    return connection, x509.load_der_x509_certificate(certificate).serial_number


def status(connection: http.client.HTTPSConnection) -> int:
    connection.request("GET", "/flask/json")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_a_renewal(stack: None) -> None:
    folder = Path(FOLDERS["TLS_FOLDER"])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    kept, first = connect()
    assert status(kept) == 200
    try:
        write_certificate(folder, ["localhost", HOST])
        assert connect()[1] == first  # nothing has changed yet
        reloaded = run_stack("reload")
        assert reloaded.returncode == 0, reloaded.stderr
        socket = kept.sock
        assert status(kept) == 200
        assert kept.sock is socket  # the same connection
        until("new workers serve the new certificate", lambda: connect()[1] != first)
    finally:
        # New files replace those of these names: Nginx keeps its version of a file with the same inode that changes in the same second.
        for path, content in before.items():
            new = path.with_suffix(".new")
            new.write_bytes(content)
            shutil.copymode(path, new)
            new.replace(path)
        run_stack("reload")
        until("new workers serve the certificate of before", lambda: connect()[1] == first)
