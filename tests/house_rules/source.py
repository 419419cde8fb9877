"""The source as the house rules read it: files that are kept, modules of the rooms, and what they say."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("commerce", "inventory", "pricing", "customers", "orders")


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        """The dotted name; a package's is that of its folder."""
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    @property
    def is_pure(self) -> bool:
        """Whether a paragraph of the docstring ends with the mark of pure modules."""
        return bool(re.search(r"\[pure\](\n\n|\Z)", self.docstring))

    def imports(self) -> Iterator[str]:
        """Yield what the file imports, as dotted names, wherever in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def texts(self) -> Iterator[str]:
        """Yield every text in the code that is no docstring, the fixed parts of f-strings joined."""
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        inside = set[int]()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.JoinedStr):
                inside.update(id(part) for part in node.values)
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in inside | documentation
            ):
                yield node.value


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the rooms, migrations left out."""
    files = (file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py")))
    return tuple(Module(file) for file in files if "migrations" not in file.parts)


@cache
def migrations() -> tuple[Module, ...]:
    """Return every migration."""
    return tuple(Module(file) for room in ROOMS for file in sorted((ROOT / room / "migrations").glob("[0-9]*.py")))


@cache
def kept() -> tuple[Path, ...]:
    """Return every file that is kept in the repository, or will be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(file for name in listed.stdout.split("\0") if name and (file := ROOT / name).is_file())


def readme() -> str:
    return (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """Return the text of a section of the README."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", readme(), re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def first_column(text: str, column: int = 0) -> set[str]:
    """Return what stands in backticks in one column of a table."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {name for row in rows if len(row) > column for name in re.findall(r"`([^`]+)`", row[column])}
