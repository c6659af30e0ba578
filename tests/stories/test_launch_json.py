"""The editor's entries, merged into a file that belongs to the developer."""

import json
import xml.etree.ElementTree

from harness import Project, tether
from harness.tools import needs

EXISTING = """\
{
    // My own configurations: do not touch.
    "version": "0.2.0",
    "configurations": [
        { "name": "mine", "type": "debugpy", "request": "launch", "program": "x.py" }, // short
        /* a comment at the end */
    ],
    "compounds": [
        { "name": "both", "configurations": ["mine"] }, // mine, too
    ],
    "inputs": []   // trailing
}
"""


def launch_json(project, *flags):
    process = tether("launch-json", *flags, cwd=project.folder)
    assert process.code == 0, process.stderr
    return process


def without_comments(text):
    lines = [line.split("//")[0] for line in text.splitlines()]
    return json.loads("\n".join(lines))


def test_a_new_file_has_an_entry_for_every_function(tmp_path):
    handler = "def handler(event, context):\n    return 1\n"
    project = Project.of(tmp_path / "project", {"First": handler, "Second": handler})
    launch_json(project)
    written = json.loads(project.path(".vscode/launch.json").read_text())
    entries = {it["name"]: it for it in written["configurations"]}
    assert list(entries) == ["tether: First", "tether: Second"]
    assert entries["tether: Second"] == {
        "name": "tether: Second",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": 5679},
    }


def test_an_existing_file_keeps_every_line_and_comment(working_copy):
    path = working_copy.write(".vscode/launch.json", EXISTING)
    launch_json(working_copy)
    merged = path.read_text()
    kept = iter(merged.splitlines())
    for line in EXISTING.splitlines():
        # In their order, each of them: only our entry stands between, and a comma before it.
        bare = line.replace(",", "")
        assert any(it.replace(",", "") == bare for it in kept), f"{line!r} is lost: {merged}"
    assert '"name": "tether: HelloFunction"' in merged


def test_a_second_run_changes_nothing(working_copy):
    path = working_copy.write(".vscode/launch.json", EXISTING)
    launch_json(working_copy)
    first = path.read_bytes()
    launch_json(working_copy)
    assert path.read_bytes() == first


def test_another_port_updates_the_entry_and_keeps_what_was_added_to_it(working_copy):
    launch_json(working_copy)
    path = working_copy.path(".vscode/launch.json")
    own = '"request": "attach", "justMyCode": false, // mine\n'
    working_copy.edit(".vscode/launch.json", '"request": "attach",\n', own)
    launch_json(working_copy, "--debug-port", "7000")
    (entry,) = without_comments(path.read_text())["configurations"]
    assert entry["connect"]["port"] == 7000
    assert entry["justMyCode"] is False
    assert "// mine" in path.read_text()


def test_a_file_that_cannot_be_read_is_said_with_its_place_and_left_alone(working_copy):
    broken = '{\n  "configurations": [\n    {"name": }\n  ]\n}\n'
    path = working_copy.write(".vscode/launch.json", broken)
    process = tether("launch-json", cwd=working_copy.folder)
    assert process.code == 2
    (line,) = process.errors
    assert ".vscode/launch.json" in line and "line 3" in line
    assert path.read_text() == broken
    assert [it.name for it in path.parent.iterdir()] == ["launch.json"]


def test_f5_starts_tether_and_attaches_to_every_function(tmp_path):
    handler = "def handler(event, context):\n    return 1\n"
    project = Project.of(tmp_path / "project", {"First": handler, "Second": handler})
    launch_json(project, "--stack-name", "shop", "--event", "event.json")
    written = json.loads(project.path(".vscode/launch.json").read_text())
    tasks = json.loads(project.path(".vscode/tasks.json").read_text())["tasks"]
    together = {it["name"]: it for it in written["compounds"]}
    all_of_them = together["tether: attach"]
    assert all_of_them["configurations"] == ["tether: First", "tether: Second"]
    by_label = {it["label"]: it for it in tasks}
    starting = by_label[all_of_them["preLaunchTask"]]
    assert starting["command"] == "tether" and starting["isBackground"]
    assert starting["args"][:4] == ["attach", "--stack-name", "shop", "--debug"]
    # The whole template, without a cloud: every function's debugger, or one's.
    both, one = together["tether: local"], together["tether: local Second"]
    assert both["configurations"] == ["tether: First", "tether: Second"]
    assert one["configurations"] == ["tether: Second"]
    serving = by_label[both["preLaunchTask"]]
    assert one["preLaunchTask"] == serving["label"] and serving["isBackground"]
    assert serving["args"][:2] == ["local", "--debug"]
    assert serving["problemMatcher"]["background"]["endsPattern"] == "^ready: "
    # One invocation, without a cloud.
    entries = {it["name"]: it for it in written["configurations"]}
    once = entries["tether: invoke Second"]
    assert by_label[once["preLaunchTask"]]["args"][:5] == [
        "invoke", "Second", "--event", "event.json", "--wait",
    ]
    assert once["connect"] == entries["tether: Second"]["connect"]


def test_jetbrains_has_a_run_configuration_for_each_and_keeps_what_was_changed(tmp_path):
    handler = "def handler(event, context):\n    return 1\n"
    project = Project.of(tmp_path / "project", {"First": handler})
    flags = ("--editor", "jetbrains", "--stack-name", "shop")
    launch_json(project, *flags)
    folder = project.path(".idea/runConfigurations")
    first = folder / "tether__First.xml"
    configuration = xml.etree.ElementTree.parse(first).getroot().find("configuration")
    options = {it.get("name"): it.get("value") for it in configuration.findall("option")}
    # PyCharm listens, and the function connects to it.
    assert configuration.get("type") == "PyRemoteDebugConfigurationType"
    assert (options["HOST"], options["PORT"]) == ("127.0.0.1", "5678")
    assert "tether attach --stack-name shop --debug=pycharm" in (folder / "tether__attach.xml").read_text()
    assert "tether local --debug=pycharm" in (folder / "tether__local.xml").read_text()
    own = first.read_text().replace('value="false"', 'value="true"')
    first.write_text(own)
    launch_json(project, *flags, "--debug-port", "7000")
    assert first.read_text() == own.replace("5678", "7000")


@needs("cargo")
def test_rust_has_an_entry_with_the_program_that_cargo_will_build(tmp_path):
    folder = tmp_path.resolve() / "project"
    (folder / "hello/src").mkdir(parents=True)
    (folder / "hello/src/main.rs").write_text("fn main() {}\n")
    manifest = '[package]\nname = "greeter"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n'
    (folder / "hello/Cargo.toml").write_text(manifest)
    properties = {"CodeUri": "hello/", "Handler": "bootstrap", "Runtime": "provided.al2023"}
    function = {"Type": "AWS::Serverless::Function", "Properties": properties}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Hello": function}}
    (folder / "template.yaml").write_text(json.dumps(template))
    process = tether("launch-json", cwd=folder)
    assert process.code == 0, process.stderr
    (entry,) = json.loads((folder / ".vscode/launch.json").read_text())["configurations"]
    program = "${workspaceFolder}/hello/target/debug/greeter"
    assert entry["targetCreateCommands"] == [f'target create "{program}"']
    assert entry["processCreateCommands"] == ["gdb-remote 127.0.0.1:5678"]


def test_a_command_without_a_debugger_is_told_how_to_name_one(tmp_path):
    project = Project.of(tmp_path / "project", {"First": "def handler(event, context): ..."})
    project.write("tether.toml", '[functions.First]\ncommand = "./first"\n')
    process = tether("launch-json", cwd=project.folder)
    assert process.code == 2
    line = process.stderr[0]
    assert "no entry for First" in line and "`debugger` in tether.toml" in line
