"""CPU time and memory of real processes, as make bench reads them."""

import os
import subprocess
import sys
import time

import pytest

from runtime import proc

pytestmark = pytest.mark.skipif(not proc.SUPPORTED, reason="reads Linux's /proc")

# Uses 0.3 s of CPU time in three threads that end, reports it, and keeps running.
THREADS = """
import sys, threading, time
def burn():
    start = time.thread_time()
    while time.thread_time() - start < 0.1:
        pass
for _ in range(3):
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()
print("done", flush=True)
sys.stdin.read()
"""
# A child that has its own child. The inner one reports when it is running.
FAMILY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"


def start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def end(process: subprocess.Popen[bytes]) -> None:
    process.communicate(b"\n", timeout=60)


def test_cpu_time_of_threads_that_ended_counts() -> None:
    process = start(THREADS)
    try:
        assert process.stdout and process.stdout.readline() == b"done\n"
        meter, name = proc.choose_meter()
        assert "clock" in name
        assert 0.3 <= meter([process.pid]) < 1
        assert proc.seconds_by_ticks([process.pid]) == pytest.approx(meter([process.pid]), abs=0.03)
    finally:
        end(process)


def test_an_idle_process_uses_no_cpu_time() -> None:
    process = start(THREADS)
    try:
        assert process.stdout and process.stdout.readline()
        meter, _ = proc.choose_meter()
        before = meter([process.pid])
        own = time.process_time()
        while time.process_time() - own < 0.1:  # CPU time of this process must not count for the other
            pass
        assert meter([process.pid]) - before < 0.01
    finally:
        end(process)


def test_a_tree_is_a_process_and_all_below_it() -> None:
    process = start(FAMILY)
    try:
        assert process.stdout and process.stdout.readline()
        tree = proc.tree(process.pid)
        assert tree[0] == process.pid
        assert len(tree) == 2
        assert int(proc.stat_fields(tree[1])[1]) == process.pid
        assert set(tree) < set(proc.tree(os.getpid()))
    finally:
        end(process)


def test_memory_grows_by_what_a_process_takes() -> None:
    taken = 64
    process = start(f"import sys; held = b'x' * ({taken} << 20); print(1, flush=True); sys.stdin.read()")
    empty = start("import sys; print(1, flush=True); sys.stdin.read()")
    try:
        assert process.stdout and process.stdout.readline() and empty.stdout and empty.stdout.readline()
        assert proc.pss_mib([process.pid]) - proc.pss_mib([empty.pid]) == pytest.approx(taken, abs=4)
        assert proc.pss_mib([process.pid, empty.pid]) > proc.pss_mib([process.pid])
    finally:
        end(process)
        end(empty)


# Like Nginx at a reload: starts a child that uses CPU time, lets it end on request, and keeps running.
REPLACES = """
import subprocess, sys
burn = "import time; print(1, flush=True)\\nwhile time.process_time() < 0.3: pass\\nprint(2, flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline(), child.stdout.readline()
print("burnt", flush=True)
sys.stdin.readline()
child.communicate(b"\\n")
print("ended", flush=True)
sys.stdin.readline()
"""


def test_a_child_that_ends_between_two_readings_is_not_lost() -> None:
    with subprocess.Popen([sys.executable, "-c", REPLACES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "burnt\n"
        before = proc.seconds_with_ended(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ended\n"
        after = proc.seconds_with_ended(process.pid)
        process.stdin.write("\n")
    assert before >= 0.3
    assert after >= before - 2 / proc.TICKS  # user and system time, each in whole ticks
