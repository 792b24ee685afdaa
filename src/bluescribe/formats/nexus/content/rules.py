"""Content mappings -> rules: which groups an entry gets, and from what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ....errors import ConfigError
from ....model.numbers import is_real_or_truth
from ....model.values import as_array
from .external import checked, is_external

__all__ = [
    "FieldRule",
    "GroupRule",
    "Place",
    "default_rules",
    "merge",
    "parse_content",
    "place_of",
]

Place = tuple[tuple[str, str], ...]
"""Path below the entry: a name and a NeXus class (or nothing) for each group."""

TYPES = {"float": "f", "int": "iu", "number": "fiu", "text": "SUO"}
"""Kinds of numpy types that a field may be asked to have."""

_FIELD_KEYS = {"source", "value", "type", "single", "lower", "optional"}
_NEXUS_CLASS = re.compile(r"NX[a-zA-Z]\w*")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MEASURED = ("instrument", "bluesky")
"""Below it stands what was measured and said: no rule may put anything there."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field of a group: the first of `sources` that is there, or a constant."""

    name: str
    sources: tuple[str, ...] = ()
    value: Any = None
    """The constant, where there are no sources."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Constants, or ``{"source": ...}``."""
    type: str = ""
    """One of `TYPES`; a source of another type is passed over."""
    is_single: bool = False
    """Whether it is the one row of a column, which must have no other."""
    is_lower: bool = False
    """Whether text is put in lower case, for words that NeXus wants so."""
    is_optional: bool = False
    """Whether nobody needs to be told when no source is there; a constant that is optional stands
    beside sources that are."""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One group; it is made when something is found for it, or when it is asked for as it is."""

    place: Place
    fields: tuple[FieldRule, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Fields without which there is no group."""
    is_asked_for: bool = False
    """Whether the group is made also when nothing is found for it."""

    def __post_init__(self) -> None:
        """Refuse what would take the place of what was measured, or of the way to it."""
        names = tuple(name for name, _ in self.place)
        places = [names, *((*names, rule.name) for rule in self.fields)]
        is_above = any(place == _MEASURED[: len(place)] for place in places[1:])
        if names[:2] == _MEASURED or is_above:
            raise ConfigError(
                f"/entry/{self.path}: /entry/instrument/bluesky holds what was measured, and stays"
            )

    @property
    def path(self) -> str:
        """Path below the entry, without classes; empty for the entry."""
        return "/".join(name for name, _ in self.place)

    @property
    def placeholder(self) -> str:
        """The name in braces for which each match makes a group, empty where there is none."""
        found = _PLACEHOLDER.search(self.path)
        return found[1] if found else ""

    def filled(self, **names: str) -> GroupRule:
        """Return the rule with names in place of placeholders."""
        place = tuple((_fill(name, names), nx_class) for name, nx_class in self.place)
        fields = tuple(
            replace(f, sources=tuple(_fill(s, names) for s in f.sources)) for f in self.fields
        )
        return replace(self, place=place, fields=fields)


@cache
def default_rules() -> tuple[GroupRule, ...]:
    """Return the mapping that ships with bluescribe."""
    text = files(__package__).joinpath("defaults.yml").read_text(encoding="utf-8")
    return tuple(
        replace(rule, fields=tuple(replace(f, is_optional=True) for f in rule.fields))
        for rule in parse_content(yaml.safe_load(text))
    )


def merge(rules: Sequence[GroupRule], content: Mapping[str, Any]) -> list[GroupRule]:
    """Return `rules` extended by a mapping.

    Fields of the mapping replace those of the same name, null takes a field or a whole group away.

    Raises
    ------
    ConfigError
        The mapping is not one; the message names group, field, and what is allowed.
    """
    removed = {
        _path(key): {name for name, value in (fields or {}).items() if value is None}
        for key, fields in content.items()
        if isinstance(fields, Mapping | None)
    }
    gone = {_path(key) for key, fields in content.items() if fields is None}
    merged = {rule.path: rule for rule in rules if rule.path not in gone}
    for path, names in removed.items():
        if path in merged:
            kept = tuple(f for f in merged[path].fields if f.name not in names)
            merged[path] = replace(merged[path], fields=kept)
    for rule in parse_content(content):
        merged[rule.path] = _extended(merged.get(rule.path), rule)
    return list(merged.values())


def parse_content(content: Mapping[str, Any]) -> list[GroupRule]:
    """Return the rules of a mapping ``{"/entry/group:NXclass": {field: source}}``.

    Raises
    ------
    ConfigError
        As `merge`.
    """
    rules = []
    for key, fields in content.items():
        if fields is None:
            continue
        if not isinstance(fields, Mapping):
            raise ConfigError(f"{key}: found {fields!r}; a mapping of fields is needed")
        rules.append(_group_rule(str(key), fields))
    return rules


def _group_rule(key: str, content: Mapping[str, Any]) -> GroupRule:
    attributes: dict[str, Any] = {}
    needs: tuple[str, ...] = ()
    rules = []
    for name, said in content.items():
        if said is None:
            continue
        try:
            if name == "@needs":
                needs = tuple(_texts(said))
            elif str(name).startswith("@"):
                attributes[str(name)[1:]] = said
            else:
                rules.append(_field_rule(str(name), said))
        except ConfigError as error:
            raise ConfigError(f"{key}: {name}: {error}") from None
    try:
        rule = GroupRule(place_of(key), tuple(rules), attributes, needs, is_asked_for=not content)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None
    if rule.is_asked_for and rule.placeholder:
        raise ConfigError(
            f"{key}: {{}} makes an empty group, and nothing says what {{{rule.placeholder}}} is"
        )
    return rule


def _field_rule(name: str, said: Any) -> FieldRule:
    """Read one field: sources as text or a list of texts, a number, or all that can be said."""
    if "/" in name or name in ("", ".", ".."):
        raise ConfigError("a field's name has no / in it; give the group a line of its own")
    if isinstance(said, bool | int | float):
        return FieldRule(name, value=said)
    if isinstance(said, list) and said and not any(isinstance(item, str) for item in said):
        return FieldRule(name, value=_numbers(said))
    if isinstance(said, str | list):
        return FieldRule(name, tuple(map(_source, _texts(said))))
    if not isinstance(said, Mapping) or ("source" in said) == ("value" in said):
        raise ConfigError(
            f"found {said!r}; a source such as baseline/aps_current is needed, a number or a list "
            "of them, or {value: ...} or {source: ...} with units and attributes"
        )
    wanted = str(said.get("type", ""))
    if wanted and wanted not in TYPES:
        raise ConfigError(f"found type {wanted!r}; allowed are {', '.join(TYPES)}")
    sources = tuple(map(_source, _texts(said["source"]))) if "source" in said else ()
    more = sorted(map(str, said.keys() - {"source", "optional"}))
    if more and (others := [source for source in sources if is_external(source)]):
        raise ConfigError(
            f"{others[0]} is a link to another file, and what it leads to is as it is there: "
            f"leave {', '.join(more)} out"
        )
    return FieldRule(
        name,
        sources,
        said.get("value"),
        {str(k): v for k, v in said.items() if k not in _FIELD_KEYS},
        wanted,
        is_single=bool(said.get("single")),
        is_lower=bool(said.get("lower")),
        is_optional=bool(said.get("optional")),
    )


def _numbers(said: list[Any]) -> list[Any]:
    """Return a list of numbers, or of such lists, that has a shape."""
    array = as_array(said)
    if array is None or not is_real_or_truth(array.dtype):
        raise ConfigError(f"found {said!r}; numbers of one kind are needed, in rows of one length")
    return said


def _source(text: str) -> str:
    if is_external(text):
        return checked(text)
    if "/" not in text and not _PLACEHOLDER.fullmatch(text):
        raise ConfigError(
            f"found {text!r}; a source is stream/field (baseline/{text}), metadata/{text}, "
            f"configuration/device/{text} or a path in the file (/entry/...); a constant is "
            f"{{value: {text}}}"
        )
    return text


def place_of(path: str) -> Place:
    """Read ``/entry/name:NXclass/...``; the leading ``/entry`` may be missing."""
    parts = [part for part in path.split("/") if part]
    if parts and parts[0].partition(":")[0] == "entry":
        parts = parts[1:]
    place = []
    for part in parts:
        name, _, nx_class = part.partition(":")
        if nx_class and not _NEXUS_CLASS.fullmatch(nx_class):
            raise ConfigError(f"found {nx_class!r} in {path!r}; a NeXus class begins with NX")
        if not name or name.strip(".") == "":
            raise ConfigError(f"found {path!r}; a group has no name")
        place.append((name, nx_class))
    if tuple(name for name, _ in place[:2]) == _MEASURED:
        raise ConfigError(
            f"found {path!r}; what was measured stands there and is not to be changed"
        )
    return tuple(place)


def _path(key: Any) -> str:
    return "/".join(name for name, _ in place_of(str(key)))


def _texts(said: Any) -> Iterator[str]:
    for text in [said] if isinstance(said, str) else said:
        if not isinstance(text, str):
            raise ConfigError(f"found {text!r}; text is needed")
        yield text


def _extended(old: GroupRule | None, new: GroupRule) -> GroupRule:
    if old is None:
        return new
    fields = {f.name: f for f in (*old.fields, *new.fields)}
    place = tuple((name, b or a) for (name, a), (_, b) in zip(old.place, new.place, strict=True))
    attributes = {**old.attributes, **new.attributes}
    is_asked_for = old.is_asked_for or new.is_asked_for
    return GroupRule(
        place, tuple(fields.values()), attributes, new.needs or old.needs, is_asked_for
    )


def _fill(text: str, names: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: names.get(found[1], found[0]), text)
