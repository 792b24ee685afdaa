"""YAML files that people write: bounded in size, with mistakes in words and by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

__all__ = ["YamlError", "compose", "construct", "load", "merged", "pairs"]

_MOST_BYTES = 2_000_000
_MOST_NODES = 20_000
"""Keys and values: an instrument's iconfig.yml has a few hundred."""
_DEEPEST = 100


class YamlError(ValueError):
    """Text is no YAML, or is more than anybody writes by hand.

    Parameters
    ----------
    words
        What is wrong.
    line
        Where, counted from 1; None for the whole file.
    """

    def __init__(self, words: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {words}" if line else words)
        self.words = words
        self.line = line


def load(path: Path) -> Any:
    """Return what a YAML file holds; None when that is nothing.

    Raises
    ------
    OSError
        It cannot be read.
    YamlError
        It is no YAML, or too much of it.
    """
    node = compose(path)
    return None if node is None else construct(node)


def compose(path: Path) -> yaml.Node | None:
    """Return the nodes of a YAML file, of which nothing is made yet.

    Raises
    ------
    OSError
        It cannot be read.
    YamlError
        It is no YAML, or too much of it.
    """
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise YamlError(f"more than {_MOST_BYTES // 10**6} MB; is this the right file?")
    text = _decoded(data)
    try:
        loader = _BoundedLoader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"a control character (#x{error.character:04x})", line) from None
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, text) from None


def construct(node: yaml.Node, line: int | None = None) -> Any:
    """Return what a node stands for.

    Parameters
    ----------
    node
        Any node.
    line
        Where it belongs, for a mistake that does not tell its own line.

    Raises
    ------
    YamlError
        A value or tag is not understood, or aliases make it larger than anybody means.
    """
    line = line or node.start_mark.line + 1
    try:
        _check_weight(node, line)
        return yaml.SafeLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, "") from None
    except RecursionError:
        raise YamlError(f"nested deeper than {_DEEPEST} levels", line) from None
    except YamlError:
        raise
    except Exception as error:  # a date with a month of 13, an integer of 5,000 digits
        raise YamlError(f"a value is not understood: {str(error)[:100]}", line) from None


def merged(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return the keys and values of a mapping; merge keys (<<) are filled in, and come first.

    Raises
    ------
    YamlError
        What is to be merged is no mapping, or too large.
    """
    _check_weight(node, node.start_mark.line + 1, merges_only=True)
    try:
        yaml.SafeLoader("").flatten_mapping(node)
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, "") from None
    return pairs(node)


def pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return the keys and values of a mapping as they stand; of anything else, none."""
    return node.value if isinstance(node, yaml.MappingNode) else []


class _BoundedLoader(yaml.SafeLoader):
    """Composes nodes, and stops where there are too many of them."""

    _nodes = 0
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node and those in it."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # yaml has few types
        self._nodes += 1
        self._depth += 1
        if self._nodes > _MOST_NODES:
            raise YamlError(f"more than {_MOST_NODES} keys and values up to here", mark.line + 1)
        if self._depth > _DEEPEST:
            raise YamlError(f"nested deeper than {_DEEPEST} levels", mark.line + 1)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _check_weight(node: yaml.Node, line: int, *, merges_only: bool = False) -> None:
    """Refuse what aliases make endless, or larger than it looks."""
    known: dict[int, int] = {}

    def weight(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in known:
            known[id(node)] = _MOST_NODES + 1  # what holds itself has no end
            known[id(node)] = 1 + sum(map(weight, _children(node)))
        return known[id(node)]

    roots = [value for key, value in pairs(node) if _is_merge(key)] if merges_only else [node]
    if sum(map(weight, roots)) > _MOST_NODES:
        words = (
            f"aliases (*) make more than {_MOST_NODES} keys and values of it, or it holds itself"
        )
        raise YamlError(words, line)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    for child in node.value:
        yield from child if isinstance(child, tuple) else (child,)


def _is_merge(key: yaml.Node) -> bool:
    return bool(key.tag == "tag:yaml.org,2002:merge")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        words = f"a byte that is not UTF-8 (0x{data[error.start]:02x}); save the file as UTF-8"
        raise YamlError(words, line) from None


_QUOTES = "text that begins with {, [, a quote or *, or has ': ' in it, stands in quotes as a whole"

_WORDS = [
    (r"found character '\\t'", "a tab; YAML takes spaces"),
    (r"found character '(.)' that cannot", "text that begins with {0} stands in quotes"),
    (
        r"mapping values are not allowed",
        "a key where none can be: the line is indented further than the one above, which has a "
        "value already or no ':'; or ': ' stands in text that needs quotes",
    ),
    (r"could not find expected ':'", "line {from_line} is neither a key with ':' nor a value"),
    (r"found undefined alias '(.*)'", "*{0}: there is no &{0} above; text with * stands in quotes"),
    (r"but got '", "the {{ or [ of line {from_line} is not closed before this"),
    (r"found unexpected end of stream", "the quote that is opened in line {from_line} has no end"),
    (r"found unknown escape character '(.)'", r"\{0} in double quotes; write single quotes"),
    (r"determine a constructor for the tag '(.*)'", "the tag {0} is not known here"),
    (r"but found another document", "a second document begins (---); put all in one"),
    (r"found duplicate anchor '?([^';]*)", "&{0} stands a second time"),
    (r"found unhashable key", "a key has to be text; " + _QUOTES.replace("{", "{{")),
    (r"for merging", "<< takes a block of keys, such as *name where &name stands before it"),
    (r"sequence entries are not allowed", "a list's '-' stands on a line of its own"),
]


def _in_words(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    """Say what a parser found in a user's words."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    problem = error.problem or error.context or "not understood"
    from_line = error.context_mark.line + 1 if error.context_mark else line
    if problem.startswith("expected <block end>") and mark:
        return YamlError(_behind_or_below(text, mark.line, mark.column, from_line), line)
    for pattern, words in _WORDS:
        if found := re.search(pattern, problem):
            return YamlError(words.format(*found.groups(), from_line=from_line), line)
    return YamlError(problem, line)


def _behind_or_below(text: str, line: int, column: int, from_line: int | None) -> str:
    before = text.splitlines()[line][:column] if line < len(text.splitlines()) else ""
    if before.strip():
        return f"something stands behind a value that has ended; {_QUOTES}"
    return f"the indentation does not fit the lines above, from line {from_line} on"
