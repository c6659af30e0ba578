"""The table of what of SAM is supported knows every property that AWS knows."""

import inspect
import pathlib
import re

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samtranslator.model import sam_resources
from samtranslator.model.eventsources import cloudwatchlogs, pull, push, scheduler

TABLE = pathlib.Path(__file__).parents[2] / "crates" / "sam" / "src" / "support.txt"
SAM = "AWS::Serverless::"


def table() -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for line in TABLE.read_text().splitlines():
        if heading := re.match(r"\[(.+?)\]", line):
            kinds[heading[1]] = properties = set()
        elif line and not line.startswith("#"):
            properties.add(line.split()[0])
    return kinds


def of_translator(*modules) -> dict[str, set[str]]:
    found = {}
    for module in modules:
        for _, kind in inspect.getmembers(module, inspect.isclass):
            name, properties = getattr(kind, "resource_type", None), getattr(kind, "property_types", None)
            if name and properties and kind.__module__ == module.__name__:
                found[name] = {it for it in properties if not it.startswith("__")}
    return found


def test_every_property_of_sams_types_and_events_is_in_the_table():
    known = table()
    sam = of_translator(sam_resources)
    expected = {name: properties for name, properties in sam.items() if name.startswith(SAM)}
    events = of_translator(push, pull, cloudwatchlogs, scheduler)
    expected |= {f"Event {name}": properties for name, properties in events.items()}
    assert len(expected) > 25
    ours = {name: known[name] for name in known if name.startswith((SAM, "Event "))}
    assert ours == expected


def raw() -> list[str]:
    return [name for name in table() if not name.startswith((SAM, "Event "))]


@pytest.mark.parametrize("kind", raw())
def test_every_property_of_a_type_of_awss_is_in_the_table(kind):
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    only_read = {path.split("/")[2] for path in schema.get("readOnlyProperties", []) if path.count("/") == 2}
    assert table()[kind] == set(schema["properties"]) - only_read


def test_every_type_of_api_gateway_is_in_the_table():
    kinds = PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1")
    assert {kind for kind in kinds if kind.startswith("AWS::ApiGateway")} <= set(raw())
