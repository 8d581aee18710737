"""The formulas on a lesson's page: numbers, variables of its command, and measured numbers such as ``"Flask".p50``.

A name in quotes is a cell of the results, or the beginning of exactly one cell's name.
"""

import ast
import operator
from collections.abc import Callable, Mapping

from loadtest.judging.bounds import Bounds
from tests.lessons.page import Claim

Seen = Mapping[str, Mapping[str, float]]
OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def wrong(claim: Claim, seen: Seen, variables: Mapping[str, float]) -> str | None:
    """Return how the numbers contradict a claim, or ``None`` if it holds."""
    left, right = (value(ast.parse(text, mode="eval").body, seen, variables) for text in (claim.left, claim.right))
    if claim.operator == "in":  # the range that make load predicted, from the wait and the cost of a request (judging/bounds.py)
        found = Bounds(value(ast.parse(f"{claim.right}_low", mode="eval").body, seen, variables), right)
        return None if found.contain(left, claim.within) else f"{claim}: {left:.4g} is not in {found.low:.4g} to {found.high:.4g}"
    holds = {"=": abs(left / right - 1) <= claim.within, "<": left < right, ">": left > right}
    return None if holds[claim.operator] else f"{claim}: {left:.4g} {claim.operator} {right:.4g} is not so"


def value(node: ast.expr, seen: Seen, variables: Mapping[str, float]) -> float:
    """Return the value of an expression."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return variables[name]
        case ast.Attribute(value=ast.Constant(value=str() as name), attr=metric):
            return cell(seen, name)[metric]
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](value(left, seen, variables), value(right, seen, variables))
    raise ValueError(f"not a formula of a lesson: {ast.unparse(node)}")


def names(name: str, key: str) -> bool:
    """Return whether a name stands for a cell."""
    return key == name or key.startswith((f"{name},", f"{name} "))


def cell(seen: Seen, name: str) -> Mapping[str, float]:
    """Return the one cell of that name, or the only one that begins with it."""
    found = [name] if name in seen else [key for key in seen if names(name, key)]
    assert len(found) == 1, f"{name!r} is {found or 'none'} of {list(seen)}"
    return seen[found[0]]
