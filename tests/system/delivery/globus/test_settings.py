"""The settings of GLOBUS: mistakes are told before any beam is used."""

from __future__ import annotations

import json
import sys
from textwrap import dedent

import pytest
from bluesky import RunEngine

from bluescribe import subscribe_writers
from bluescribe.errors import ConfigError
from tests import warm
from tests.system.delivery.globus.sessions import iconfig_for


@pytest.mark.parametrize(
    ("formats", "keys", "message"),
    [
        ((), {}, "GLOBUS.ENABLE: found True; there are no files to send; switched on are: none"),
        (["csv"], {"FORMATS": ["nexus"]}, "GLOBUS.FORMATS: found 'nexus'; not written; switched"),
        (["csv"], {"SOURCE_ENDPOINT": "-"}, "GLOBUS.SOURCE_ENDPOINT: found nothing; needed: UUID"),
        (["csv"], {"SOURCE_ENDPOINT": "aps"}, "GLOBUS.SOURCE_ENDPOINT: found 'aps'; input should"),
        (["csv"], {"LOCAL_ROOT": "data"}, "GLOBUS.LOCAL_ROOT: found 'data'; an absolute folde"),
        (["csv"], {"DESTINATION_PATH": "x"}, "GLOBUS.DESTINATION_PATH: found 'x'; a folder that"),
        (["csv"], {"DESTINATION_PATH": "/x/../y"}, "GLOBUS.DESTINATION_PATH: found '/x/../y'; a"),
        (["csv"], {"DESTINATION_PATH": "/{0}{"}, "GLOBUS.DESTINATION_PATH: found '/{0}{'; not a"),
        (["csv"], {"LABEL": " "}, "GLOBUS.LABEL: found ' '; it must not be empty"),
        (["csv"], {"SYNC_LEVEL": "sum"}, "GLOBUS.SYNC_LEVEL: found 'sum'; input should be 'exist"),
        (["csv"], {"NOTIFI": "all"}, "GLOBUS.NOTIFI: unknown key; did you mean NOTIFY? Allowed "),
        (["csv"], {"ENABLE": "yes"}, "GLOBUS.ENABLE: found 'yes'; allowed are true and false"),
    ],
)
def test_mistakes_are_told(tmp_path, formats, keys, message):
    with pytest.raises(ConfigError) as caught:
        subscribe_writers(RunEngine(), iconfig_for(tmp_path, formats, **keys))
    assert str(caught.value).startswith(f"iconfig: {message}")


@pytest.mark.parametrize("key", ["CLIENT_SECRET", "TOKEN", "REFRESH_TOKENS", "PASSWORD", "api_key"])
@pytest.mark.parametrize("enable", [True, False])
def test_a_secret_is_refused_and_not_repeated(tmp_path, key, enable):
    with pytest.raises(ConfigError) as caught:
        subscribe_writers(
            RunEngine(), iconfig_for(tmp_path, ["csv"], ENABLE=enable, **{key: "hunter2"})
        )
    assert "Credentials come from the environment (GLOBUS_CLIENT_ID" in str(caught.value)
    assert key.upper() in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_sdk_is_not_imported_before_it_is_needed(tmp_path):
    program = """
        import json, sys
        from bluesky import RunEngine
        from bluescribe import subscribe_writers
        import bluescribe.formats
        for name in bluescribe.formats.format_names():
            bluescribe.formats.load_format(name)
        iconfig = json.loads(sys.argv[1])
        iconfig["GLOBUS"]["ENABLE"] = False
        subscribe_writers(RunEngine(), iconfig).close()
        print("globus_sdk" in sys.modules)
        iconfig["GLOBUS"]["ENABLE"] = True
        writers = subscribe_writers(RunEngine(), iconfig)
        print("globus_sdk.services.transfer" in sys.modules, "requests" in sys.modules)
        sys.modules["globus_sdk"] = None
        try:
            subscribe_writers(RunEngine(), iconfig)
        except ImportError as error:
            print(error)
    """
    arguments = [json.dumps(iconfig_for(tmp_path, ["csv"]))]
    done = warm.run(
        [sys.executable, "-c", dedent(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    off, on, missing = done.stdout.splitlines()
    assert (off, on) == ("False", "True True")
    command = "pip install 'bluescribe[globus]'"
    assert missing == f"GLOBUS needs globus_sdk, which is not installed: {command}"
