"""Names that users of apstools' NXWriter and SpecWriterCallback know, and what they are here."""

from __future__ import annotations

__all__ = ["ATTRIBUTES", "HOOKS"]

_DIRECTORY = (
    "the folder is the setting directory (DIRECTORY in iconfig.yml), which may hold {keys} of RE.md"
)
_FILE_NAME = (
    "the name is the setting file_name (FILE_NAME in iconfig.yml), a template with {keys} of the "
    "start document, or the hook file_name(run) of the file's class"
)
_CONTENT = "the setting content (CONTENT in iconfig.yml) says what stands in which group"
_SWITCH = "set enabled of the writer to False or True, for the next runs; or ENABLE in iconfig.yml"
_START = "accepts(run) and open(run) of the file's class take the start document"

ATTRIBUTES = {
    "file_path": _DIRECTORY,
    "file_name": _FILE_NAME,
    "file_extension": "the ending is the setting file_extension (FILE_EXTENSION in iconfig.yml)",
    "output_nexus_file": "status().last_file names the file that was written last",
    "spec_filename": "newfile(title) and usefile(path) choose the SPEC file",
    "warn_on_missing_content": "it is the setting warn_missing (WARN_MISSING in iconfig.yml)",
    "nxdata_signal": "it is the setting signal (SIGNAL in iconfig.yml)",
    "nxdata_signal_axes": "it is the setting axes (AXES in iconfig.yml)",
    "instrument_name": _CONTENT,
    "nexus_release": "the file tells the version of its definitions itself",
    "template_key": "the pairs of nxwriter_template are the setting template (TEMPLATE)",
    "auto_write": "runs are written while they go on",
    "reset_scan_id": "newfile(title, scan_id=0, RE=RE) sets the scan number",
    "_external_file_read_timeout": "it is the setting images_timeout (IMAGES_TIMEOUT)",
    "_external_file_read_retry_delay": "it is the setting images_timeout (IMAGES_TIMEOUT)",
    "enable": _SWITCH,
}
"""What is assigned to a writer there, and what does it here."""

HOOKS = {
    "make_file_name": _FILE_NAME,
    "make_default_filename": _FILE_NAME,
    "get_sample_title": "the hook title(run) of NexusFile, or title in the setting content",
    "get_hklpy_configurations": "diffractometers are written as they come",
    "getResourceFile": "the hook resource_path(path) of the file's class, or the setting path_map",
    "get_stream_link": _CONTENT,
    "assign_signal_type": "the settings signal and axes decide the default plot",
    "wait_writer": "a file is complete when RE(...) returns",
    "wait_writer_plan_stub": "a file is complete when RE(...) returns",
    "writer": "close(stop) of the file's class is called at the end of a run",
    "clear": "there is one object of the file's class a run: its open(run) begins anew",
    "start": _START,
    "descriptor": "add_descriptor(stream, descriptor) of the file's class takes descriptors",
    "event": "write_events(stream, page) of the file's class takes events",
    "bulk_events": "write_events(stream, page) of the file's class takes events",
    "resource": "link_assets(stream, field, asset, frames) of the file's class takes them",
    "datum": "link_assets(stream, field, asset, frames) of the file's class takes them",
    "stop": "close(stop) of the file's class takes the stop document",
    "write_root": "the hook extend(entry, run) of NexusFile; entry.file is the root",
    "write_entry": "the hook extend(entry, run) of NexusFile adds to what was written",
    "write_templates": "the pairs of nxwriter_template are the setting template (TEMPLATE)",
    **dict.fromkeys(
        (
            "write_data",
            "write_detector",
            "write_instrument",
            "write_metadata",
            "write_monochromator",
            "write_positioner",
            "write_sample",
            "write_slits",
            "write_source",
            "write_stream_external",
            "write_stream_internal",
            "write_streams",
            "write_undulator",
            "write_user",
        ),
        f"{_CONTENT}, and the hook extend(entry, run) of NexusFile adds to it",
    ),
    **dict.fromkeys(
        (
            "prepare_scan_contents",
            "write_file_header",
            "write_header",
            "write_scan",
            "write_scan_data_row",
            "write_scan_end",
            "write_scan_header",
        ),
        "SpecFile writes a scan while it goes on, and comment(text) of SpecWriter adds lines",
    ),
}
"""What a subclass overrides there, and what takes its place here."""
