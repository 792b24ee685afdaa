"""Settings of NeXus files, and what they make of content mappings."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field as Setting
from pydantic import PrivateAttr, ValidationInfo, field_validator, model_validator

from ...contract.settings import Seconds, expanded
from ...files.run_paths import check_template
from ...files.templates import check_meaning
from ...files.yamltext import YamlError, load
from ...hdf5.settings import DividedFileSettings
from ...later import later

if TYPE_CHECKING:
    from ...model.run import Field
    from .content import Definition, GroupRule

__all__ = ["NexusSettings"]

# what few settings need, to be checked; and all of it is needed where runs are written
default_rules = later(f"{__package__}.content.rules", "default_rules")
merge = later(f"{__package__}.content.rules", "merge")
parse_template = later(f"{__package__}.content.template", "parse_template")
load_definition = later(f"{__package__}.content.definitions", "load_definition")
check_pint = later(f"{__package__}.units", "check_pint")
unknown_units = later(f"{__package__}.units", "unknown_units")


class NexusSettings(DividedFileSettings):
    """Settings of NeXus files."""

    file_extension: str = Setting("hdf", description="Ending of the files' names, without the dot")
    images: Literal["link", "copy"] = Setting(
        "link",
        description="Link images that are in files of their own, or copy them after the run",
    )
    images_timeout: Seconds = Setting(
        60.0,
        description="Seconds for which image files are waited for after the end of a run",
    )
    master_file: str | None = Setting(
        None,
        description="Template of a file in the directory that links every finished run",
    )
    check_units: bool = Setting(
        False,
        description="Warn, once, of each unit that pint does not know; it is kept as given",
    )
    signal: str | None = Setting(
        None,
        description="Field that the default plot shows; by default the plan's first detector",
    )
    axes: list[str] = Setting(
        [],
        description="Fields that the default plot has as axes; by default what the plan varied",
    )
    content: Mapping[str, Any] = Setting(
        {},
        description="Groups and fields by name, from metadata and baseline; a mapping, or the "
        "path of a YAML file that holds one",
    )
    template: list[Any] = Setting(
        [],
        description="Links, constants and attributes in the form of apstools' nxwriter_template",
    )
    root_attributes: Mapping[str, str | int | float] = Setting(
        {},
        description="Attributes of the root of each file, beside those of NeXus",
    )
    definition: str | None = Setting(
        None,
        description="Application definition that runs are meant for, such as NXsas",
    )
    roles: Mapping[str, str] = Setting(
        {},
        description="What plays the roles of the definition here: role -> field or source",
    )
    warn_missing: bool | Literal["debug", "info", "warning", "error"] = Setting(
        True,
        description="How loud it is told, once, what content or external file is missing",
    )

    _told: set[str] = PrivateAttr(default_factory=set)
    _told_units: set[str] = PrivateAttr(default_factory=set)
    _masters: set[Path] = PrivateAttr(default_factory=set)

    @property
    def rules(self) -> list[GroupRule]:
        """The content that every file gets: what ships with bluescribe, extended.

        Not kept: in Python 3.11 a `cached_property` has one lock for all instances, and a child
        that was forked while a writer's thread held it would wait for it for ever.
        """
        return [*merge(default_rules(), self.content), *parse_template(self.template)]

    @property
    def application(self) -> Definition | None:
        """The application definition that is asked for."""
        return load_definition(self.definition, self.roles) if self.definition else None

    def tell(self, logger: logging.Logger, message: str, *, key: str | None = None) -> None:
        """Log what is missing at the level that the user chose; the same `key` once."""
        if key is not None and key in self._told:
            return
        self._told.add(key or "")
        said = self.warn_missing
        level = ("warning" if said else "debug") if isinstance(said, bool) else said
        logger.log(logging.getLevelNamesMapping()[level.upper()], "nexus: %s", message)

    def tell_of_units(self, logger: logging.Logger, run: str, fields: Iterable[Field]) -> None:
        """Warn of each unit that pint does not know, once."""
        for field, unit in unknown_units(fields) if self.check_units else ():
            if unit not in self._told_units:
                self._told_units.add(unit)
                logger.warning(
                    "nexus: %s: field %r has the unit %r, which pint does not know. It is kept as "
                    "given. Correct it where it comes from, the EGU of the PV or the device's "
                    "describe(), to one such as mm, deg, keV or counts.",
                    run,
                    field,
                    unit,
                )

    def is_first_in(self, master: Path) -> bool:
        """Tell, once, that no run of this writer has been linked in a master file."""
        is_first = master not in self._masters
        self._masters.add(master)
        return is_first

    @field_validator("master_file")
    @classmethod
    def _check_master_file(cls, value: str | None) -> str | None:
        if value is not None:
            check_template(value)
            check_meaning(value)
        return value

    @field_validator("check_units")
    @classmethod
    def _check_units(cls, value: bool) -> bool:
        if value:
            check_pint()
        return value

    @field_validator("content", mode="before")
    @classmethod
    def _read_content(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str | Path):
            folder = (info.context or {}).get("folder", ".")
            value = _read_yaml(Path(folder, expanded(value)))
        return {} if value is None else value

    @field_validator("root_attributes")
    @classmethod
    def _check_root(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if found := sorted({"creator", "default"} & value.keys()):
            raise ValueError(f"{' and '.join(found)} say how the file is to be read, and stay")
        return value

    @field_validator("content")
    @classmethod
    def _check_content(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        merge(default_rules(), value)
        return value

    @field_validator("template", mode="before")
    @classmethod
    def _check_pairs(cls, value: Any) -> Any:
        parse_template(value or [])
        return value or []

    @model_validator(mode="after")
    def _check_definition(self) -> NexusSettings:
        if self.definition:
            load_definition(self.definition, self.roles)
        elif self.roles:
            raise ValueError("roles are those of a definition; set definition too")
        return self


def _read_yaml(path: Path) -> Any:
    try:
        return load(path)
    except OSError as error:
        raise ValueError(f"cannot be read: {error}") from None
    except YamlError as error:
        raise ValueError(f"{path}, {error}" if error.line else f"{path}: {error}") from None
