"""The user of Nginx's workers, if root starts Nginx."""

import os
import pwd
from pathlib import Path

import pytest

from runtime import proc
from runtime.local import nginx as nginx_local
from runtime.local import supervisor
from runtime.local.plan import RUN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_workers_of_roots_nginx_are_nobody_where_he_can_read_what_they_serve(stack: None, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert nginx_local.worker_user(tmp_path) == "root"
    running = supervisor.connect().getProcessInfo("nginx")["pid"]
    users = {Path(f"/proc/{pid}").stat().st_uid for pid in proc.tree(running)[1:]}
    wanted = nginx_local.worker_user(RUN / "nginx").split()[0]
    assert users == {pwd.getpwnam(wanted).pw_uid}
