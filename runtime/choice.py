"""Choose the runtime: Docker, or plain local processes."""

from types import ModuleType

from runtime.compose_file import variables
from runtime.console import fail
from runtime.docker import engine as docker_engine
from runtime.docker import stack as runtime_docker
from runtime.local import stack as runtime_local

RUNTIMES: dict[str, ModuleType] = {"docker": runtime_docker, "local": runtime_local}


def asked_runtime() -> str | None:
    """Return the value of RUNTIME, ``None`` if it is unset. An unknown value, or Docker without a usable engine, ends the program."""
    asked = variables().get("RUNTIME")
    if asked and asked not in RUNTIMES:
        fail(f"RUNTIME is {asked!r}; accepted: docker or local", 2)
    if asked == "docker" and (found := docker_engine.look()).trouble:
        fail(f"RUNTIME=docker, but {found.trouble}. {found.fix}. Or: make up RUNTIME=local")
    return asked


def choose_runtime() -> tuple[ModuleType, str]:
    """Return the runtime to start the stack with, and the reason for this choice."""
    asked = asked_runtime()
    if asked:
        return RUNTIMES[asked], "as RUNTIME says"
    if runtime_local.is_up():
        return runtime_local, "as it runs already"
    if trouble := docker_engine.look().trouble:
        return runtime_local, f"since {trouble} (make doctor says how to mend that)"
    missing = runtime_docker.missing_image()
    if missing:
        return runtime_local, f"since the image {missing} is not here and cannot be pulled"
    return runtime_docker, "since a Docker engine answers"


def running() -> list[ModuleType]:
    """Return the runtimes in which the stack, or a part of it, is up."""
    asked = asked_runtime()
    return [runtime for name, runtime in RUNTIMES.items() if (not asked or asked == name) and runtime.is_up()]
