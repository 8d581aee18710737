"""Console output for the operator: messages, and the addresses of the stack."""

from rich.console import Console

from runtime.messages import fail, say

__all__ = ["console", "fail", "say", "show_addresses"]
console = Console(highlight=False, soft_wrap=True)
WIDTH = 40


def show_addresses(base: str, secure_base: str, answers: dict[str, dict[str, object]]) -> None:
    """Print the result of a start: the page, each service with its address and its description of itself, and a next step."""
    console.print("\n  [bold]" + f"{base}/".ljust(WIDTH - 2) + "open it: the race[/]")
    for name, facts in answers.items():
        slots = facts["slots"]
        held = f"{slots} requests at once" if slots else "an event loop"
        console.print(f"  {base}/{name}/".ljust(WIDTH) + f"{facts['framework']} on {facts['server']}, {facts['interface']}, {held}")
    console.print(f"  {secure_base}/".ljust(WIDTH) + "the same over HTTPS; make trust says how a browser comes to trust it")
    console.print(f"\nNext: make load, which {base}/#live shows")
