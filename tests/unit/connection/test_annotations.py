"""asyncssh without the types of its annotations."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from backend.connection.ssh.annotations import _ONLY_SAID


def _sources() -> list[Path]:
    spec = find_spec("asyncssh")
    assert spec is not None and spec.origin is not None
    return sorted(Path(spec.origin).parent.rglob("*.py"))


class _Reader(ast.NodeVisitor):
    """Notes where one of them is more than a part of some type that is spelt out."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in _ONLY_SAID:
            self.found.append(f"{node.id}, line {node.lineno}")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.value, ast.Name):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        is_cast = isinstance(node.func, ast.Name) and node.func.id == "cast"
        for part in node.args[1:] if is_cast else ast.iter_child_nodes(node):
            self.visit(part)

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (node.args, *node.decorator_list, *node.body):
            self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.found += [
            f"a base of {node.name}"
            for base in node.bases
            if isinstance(base, ast.Subscript) and isinstance(base.value, ast.Name) and base.value.id in _ONLY_SAID
        ]
        self.generic_visit(node)


@pytest.mark.parametrize("source", _sources(), ids=lambda path: path.stem)
def test_they_are_used_for_nothing_but_annotations(source: Path) -> None:
    """A base class, or the second argument of `isinstance`, has to be the real one."""
    reader = _Reader()
    reader.visit(ast.parse(source.read_text()))
    assert reader.found == []


def test_it_works_as_ever_and_others_keep_theirs() -> None:
    program = """
import asyncio, sys, typing
before = list(sys.meta_path)
from backend.connection.ssh.loading import LINK, loaded
asyncio.run(loaded(LINK))
import asyncssh, asyncssh.connection
assert sys.meta_path == before
assert asyncssh.connection.Optional is not typing.Optional
assert asyncssh.connection.cast is typing.cast and asyncssh.session.Generic is typing.Generic
assert sys.modules["typing"] is typing
from backend.connection.ssh import link
assert link.__builtins__ is not asyncssh.__builtins__
key = asyncssh.generate_private_key("ssh-ed25519")
assert asyncssh.import_private_key(key.export_private_key()).public_data == key.public_data
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
