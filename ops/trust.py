"""How to trust the development certificate, and how to stop: python3 runtime/venv.py runtime -m ops.trust.

Changes nothing on this machine: only its owner decides what a browser or the system trusts.
"""

import hashlib
import ssl
from pathlib import Path

from runtime.compose_file import ROOT
from runtime.console import console, fail
from runtime.docker import stack as runtime_docker
from runtime.docker.compose import compose
from runtime.local import stack as runtime_local
from runtime.local.plan import FOLDERS, RUN, make_plan

NAME = "authority.pem"
HOW = """\
The authority of this checkout's certificates: {path}
  SHA-256 {digest}
It can sign for the names of this stack and for no others, so trusting it opens nothing else.

One command         curl --cacert {path} {url}
One program         SSL_CERT_FILE={path} python3 program.py
Chromium on Linux   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n two-gates -i {path}
                    undo: certutil -d sql:$HOME/.pki/nssdb -D -n two-gates
Firefox             Settings, Certificates, Authorities, Import
macOS               security add-trusted-cert -k ~/Library/Keychains/login.keychain-db {path}
                    undo: security remove-trusted-cert {path}
Windows             certutil -user -addstore Root {path}
                    undo: certutil -user -delstore Root "Two Gates development authority"

make clean removes the authority. Then stop trusting it, and trust the next one."""


def authority() -> Path:
    """Return the authority's certificate file, copied out of its volume if the stack runs on Docker."""
    if runtime_local.is_up():
        return Path(FOLDERS["TLS_FOLDER"]) / NAME
    if not runtime_docker.is_up():
        fail("The stack is not running. Start it with: make up")
    RUN.mkdir(exist_ok=True)
    copied = compose("cp", f"nginx:/tls/{NAME}", str(RUN / NAME), quiet=True)
    if copied.returncode:
        fail(f"There is no authority to trust: {copied.stderr.strip()}")
    return RUN / NAME


def main() -> None:
    path = authority()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()
    colons = ":".join(digest[at : at + 2] for at in range(0, 64, 2)).upper()
    console.print(HOW.format(path=path.relative_to(ROOT), digest=colons, url=f"{make_plan().secure_base}/"), markup=False)


if __name__ == "__main__":
    main()
