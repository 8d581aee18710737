"""Queries to the suite's PostgreSQL, and faults of PostgreSQL and Valkey."""

from collections.abc import Callable, Iterable
from time import monotonic, sleep

from loadtest.chaos.fault import Whole
from loadtest.chaos.stack import START_SECONDS, Stack
from loadtest.engine.docker_look import docker
from loadtest.engine.variants import EngineError

PAUSE_SECONDS = 10.0  # longer than any time-out of a service
ASK_SECONDS = 0.1
POSTGRES = ("pg_isready", "--quiet", "--host=127.0.0.1")
VALKEY = ("valkey-cli", "-e", "--user", "health", "--pass", "any", "--no-auth-warning", "ping")


def sql(stack: Stack, query: str) -> str:
    """Run a query as the superuser and return what psql prints."""
    asking = 'PGPASSWORD=$(cat /run/secrets/postgres_password) exec psql --host=127.0.0.1 --username=postgres --dbname=twogates -qtAc "$0"'
    return docker("exec", stack.replica("postgres").id, "sh", "-c", asking, query)


def messages(stack: Stack, boards: Iterable[int]) -> dict[str, int]:
    """Return the texts of the messages on ``boards``, each with the number of its copies."""
    printed = sql(stack, f"SELECT text, count(*) FROM messages WHERE board_id IN ({', '.join(map(str, boards))}) GROUP BY text")  # noqa: S608
    return {text: int(count) for text, _, count in (line.partition("|") for line in printed.split())}


def killed(name: str, asking: tuple[str, ...]) -> Callable[[Stack, str], Whole]:
    """Return a fault that kills the container ``name``, which Docker restarts. The fault ends when the server answers again."""

    def inflict(stack: Stack, _service: str) -> Whole:
        before = stack.replica(name).restarts
        stack.kill_first(stack.replica(name))
        until(lambda: stack.replica(name).restarts > before)
        until_it_answers(stack, name, asking)
        return stack.whole

    return inflict


def paused(name: str) -> Callable[[Stack, str], Whole]:
    """Return a fault that pauses the container's processes. The kernel still accepts connections, but the server answers none."""

    def inflict(stack: Stack, _service: str) -> Whole:
        container = stack.replica(name)
        docker("pause", container.id)
        try:
            sleep(PAUSE_SECONDS)  # the duration of the fault, not a wait for a condition
        finally:
            docker("unpause", container.id)
        return stack.whole

    return inflict


def until_it_answers(stack: Stack, name: str, asking: tuple[str, ...]) -> None:
    """Wait until the server ``name`` answers commands again."""

    def answers() -> bool:
        try:
            docker("exec", stack.replica(name).id, *asking)
        except EngineError:
            return False
        return True

    until(answers)


def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds. Raise EngineError after START_SECONDS."""
    deadline = monotonic() + START_SECONDS
    while not condition():
        if monotonic() > deadline:
            raise EngineError(f"It was not back after {START_SECONDS:.0f} s.")
        sleep(ASK_SECONDS)
