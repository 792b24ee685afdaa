"""Templates in apstools' form -> rules: pairs of source and target."""

from __future__ import annotations

import json
from typing import Any

from ....errors import ConfigError
from .external import checked, is_external
from .rules import FieldRule, GroupRule, place_of

__all__ = ["parse_template"]


def parse_template(template: Any) -> list[GroupRule]:
    """Return the rules of a template in apstools' form: pairs of source and target.

    ``["/entry/a/b", "/entry/c:NXdata/x"]`` links, ``["/entry/c:NXdata/x=", 42]`` is a constant,
    ``["/entry/c:NXdata/@signal", "x"]`` an attribute, ``["{scan_id}.h5::/a/b", "/entry/c/x"]`` a
    link to another file.

    Raises
    ------
    ConfigError
        It is not such a list, nor the JSON text of one.
    """
    try:
        pairs = json.loads(template) if isinstance(template, str | bytes) else template
    except ValueError as error:
        raise ConfigError(f"not JSON: {error}") from None
    if not isinstance(pairs, list | tuple):
        raise ConfigError(f"found {pairs!r}; a list of pairs [source, target] is needed")
    return [_pair_rule(pair) for pair in pairs]


def _pair_rule(pair: Any) -> GroupRule:
    if not (isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)):
        raise ConfigError(f"found {pair!r}; a pair [source, target] is needed")
    source, target = pair
    where, _, last = source.rpartition("/")
    if last.startswith("@") and len(last) > 1:
        return GroupRule(place_of(where), attributes={last[1:]: target})
    if last.endswith("=") and len(last) > 1:
        value = [target] if isinstance(target, int | float) else target
        return GroupRule(place_of(where), (FieldRule(last[:-1], value=value),))
    if not isinstance(target, str):
        raise ConfigError(f"found {pair!r}; the target of a link is a path")
    where, _, last = target.rpartition("/")
    if not last or ":" in last:
        raise ConfigError(f"found {target!r}; a target ends with the name of the link")
    is_other = is_external(source)
    return GroupRule(
        place_of(where), (FieldRule(last, (checked(source) if is_other else source,)),)
    )
