"""The layers of the source tree: which module may import which (pyproject.toml has the contracts; make lint checks them)."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.conftest import ROOT

PACKAGES = ("twogates", "runtime", "ops", "loadtest", "dev")
OUTSIDE = {"runtime", "ops", "dev", "loadtest", "tests"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_no_two_modules_import_each_other(graph: grimp.ImportGraph) -> None:
    modules = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(modules) > 300
    TopologicalSorter(modules).prepare()  # raises CycleError with the names of the modules


@pytest.mark.parametrize("path", sorted((ROOT / "services").glob("*/")), ids=lambda path: path.name)
def test_a_service_imports_nothing_of_what_starts_it(path: Path) -> None:
    """Services are programs and not packages, so import-linter does not check them."""
    imports = [node for file in path.rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    found = {name.name.split(".")[0] for node in imports if isinstance(node, ast.Import) for name in node.names}
    found |= {(node.module or "").split(".")[0] for node in imports if isinstance(node, ast.ImportFrom)}
    assert not found & OUTSIDE
