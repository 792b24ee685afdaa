"""Rules -> tree: what is found is linked, constants go along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ....hdf5.names import unique_name
from ....hdf5.objects import printable
from ....hdf5.tree import Dataset, External, Group, HardLink, Node
from ..metadata import value_node
from .rules import TYPES, FieldRule, GroupRule
from .sources import Found, Sources

__all__ = ["Content", "build"]


@dataclass(slots=True)
class Content:
    """A tree below the entry, and what was not found for it."""

    entry: Group = field(default_factory=lambda: Group(""))
    missing: list[str] = field(default_factory=list)
    """For each field without a source: where it was to stand, and what was looked for."""
    links: dict[str, str] = field(default_factory=dict)
    """Where links to other files stand -> the file, as the link has it."""


def build(rule: GroupRule, sources: Sources) -> Content:
    """Return the tree that a rule makes of what is there."""
    content = Content()
    for filled in _filled(rule, sources):
        _add_group(content, filled, sources)
    return content


def _filled(rule: GroupRule, sources: Sources) -> Iterator[GroupRule]:
    """Yield a rule once for each name that its placeholder stands for."""
    if not rule.placeholder:
        yield rule
        return
    patterns = [s for f in rule.fields for s in f.sources if f"{{{rule.placeholder}}}" in s]
    found = dict.fromkeys(n for p in patterns for n in sources.matching(p, rule.placeholder))
    for name in found:
        yield rule.filled(**{rule.placeholder: name})


def _add_group(content: Content, rule: GroupRule, sources: Sources) -> None:
    nodes: dict[str, Node] = {}
    is_known = False
    for wanted in (f for f in rule.fields if f.sources):
        node = _node(wanted, sources)
        if node is not None:
            nodes[wanted.name] = node
            is_known = is_known or wanted.is_optional
        elif not wanted.is_optional:
            place = f"{rule.path}/{wanted.name}"
            content.missing.append(f"{place} (from {' or '.join(wanted.sources)})")
    for constant in (f for f in rule.fields if not f.sources):
        if is_known or not constant.is_optional:  # ours say nothing of a beamline that is not there
            nodes[constant.name] = _constant(constant, sources)
    attributes = _attributes(rule.attributes, sources)
    if (nodes or attributes) and all(name in nodes for name in rule.needs):
        group = _group_at(content.entry, rule)
        group.attrs |= attributes
        group.children |= nodes
        content.links |= {
            f"{rule.path}/{name}": node.file
            for name, node in nodes.items()
            if isinstance(node, External)
        }
    elif rule.is_asked_for:
        _group_at(content.entry, rule)


def _constant(rule: FieldRule, sources: Sources) -> Dataset:
    """Return a constant: numbers in lists as arrays, texts as texts, anything else as YAML."""
    value = rule.value
    if isinstance(value, list | tuple) and value and all(isinstance(v, str) for v in value):
        node = Dataset([printable(text) for text in value])
    else:
        node = value_node(value)
    node.attrs = {**node.attrs, **_attributes(rule.attributes, sources)}
    return node


def _group_at(entry: Group, rule: GroupRule) -> Group:
    """Return the group of a rule in the tree, made with those above it."""
    group = entry
    for said, nx_class in rule.place:
        name = unique_name(said, ())
        child = group.children.setdefault(name, Group(""))
        if not isinstance(child, Group):  # a field of that name: the group takes its place
            child = group.children[name] = Group("")
        child.nx_class = nx_class or child.nx_class
        group = child
    return group


def _node(rule: FieldRule, sources: Sources) -> Node | None:
    for source in rule.sources:
        found = sources.find(source)
        if found is not None and found.external is not None:
            return found.external
        if found is None or (rule.type and sources.kind(found) not in TYPES[rule.type]):
            continue
        if rule.is_single and sources.rows(found) != 1:
            continue
        if found.path and not (rule.attributes or rule.is_lower or rule.is_single):
            return HardLink(found.path)
        return _copy(rule, found, sources)
    return None


def _copy(rule: FieldRule, found: Found, sources: Sources) -> Dataset:
    """Return a value with attributes of its own: those of a link would change the original's."""
    value = sources.value(found)[0] if rule.is_single else sources.value(found)
    if rule.is_lower and isinstance(value, str):
        value = value.lower()
    own = _attributes(rule.attributes, sources)
    return Dataset(value, sources.attributes(found) | own)


def _attributes(attributes: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """Return attributes with the values of those that name a source; one not found is left out."""
    values = {key: _attribute(said, sources) for key, said in attributes.items()}
    return {key: value for key, value in values.items() if value is not None}


def _attribute(said: Any, sources: Sources) -> Any:
    if not (isinstance(said, Mapping) and "source" in said):
        return said
    found = sources.find(str(said["source"]))
    value = None if found is None else sources.value(found)
    return value.lower() if said.get("lower") and isinstance(value, str) else value
