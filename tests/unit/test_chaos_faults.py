"""The list of faults, and the plain setting, without a Docker engine."""

import json
from pathlib import Path

import pytest

from loadtest.chaos import override
from loadtest.chaos.faults import ORDER, cases, faults
from loadtest.chaos.stack import REPLICAS
from loadtest.cli import main
from loadtest.engine.variants import EngineError
from runtime.compose_file import ROOT


def test_every_fault_says_what_it_does_to_what() -> None:
    for name, fault in faults().items():
        assert fault.name == name
        assert name in ORDER
        assert fault.does.endswith(".")
        assert set(fault.on) <= set(REPLICAS)
        assert set(fault.short) <= set(fault.on)


def test_what_may_be_lost_has_a_reason() -> None:
    for fault in faults().values():
        allowed = fault.allowed
        assert bool(allowed.why) == bool(allowed.in_flight or allowed.kinds or allowed.sockets)
        assert set(allowed.in_flight) <= set(fault.on)
        if fault.graceful:
            assert not allowed.why


def test_only_what_removes_the_only_server_may_lose_a_get() -> None:
    losing = {name for name, fault in faults().items() if "get" in fault.allowed.kinds}
    assert losing == {"kill-nginx", "kill-nginx-worker", "restart-engine"}


def test_the_engine_is_restarted_only_by_name() -> None:
    assert "restart-engine" not in {case.fault.name for case in cases()}
    assert [case.name for case in cases(("restart-engine",))] == ["restart-engine"]


def test_the_short_form_is_a_part() -> None:
    short = cases(short=True)
    assert 0 < len(short) < len(cases())
    assert cases(("hup",), short=True) == cases(("hup",))


def test_a_fault_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F", "kill-worker earthquake")
    with pytest.raises(SystemExit) as ended:
        main(["chaos"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("loadtest: F is 'earthquake'; accepted: one or more of kill-worker, ")


def test_the_configured_setting_changes_nothing_but_the_spool(tmp_path: Path) -> None:
    assert override.document("configured", tmp_path) == {
        "services": {"nginx": {"environment": {"SERVER_NAMES": "~."}}},
        "volumes": {"nginx-spool": override.SPOOL},
    }
    assert not list(tmp_path.iterdir())


def test_the_plain_setting_takes_out_what_it_says(tmp_path: Path) -> None:
    made = json.dumps(override.document("plain", tmp_path))
    assert "max_fails=0" in made
    assert "max_fails=1" not in made
    for file, text, instead in override.NGINX:
        plain = (tmp_path / "nginx" / file).read_text()
        assert text not in plain
        assert instead in plain
        assert text in (ROOT / "nginx" / file).read_text()
    assert "server_class = DrainingServer" not in (tmp_path / "daphne.py").read_text()


def test_a_text_that_is_gone_is_named() -> None:
    with pytest.raises(EngineError, match=r"nginx/nginx.conf has no 'proxy_next_upstream later;' any more"):
        override.replaced("nginx/nginx.conf", "proxy_next_upstream later;", "")
