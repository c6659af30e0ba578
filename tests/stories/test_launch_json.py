"""The editor's entries, merged into a file that belongs to the developer."""

import json

from harness import Project, tether

EXISTING = """\
{
    // My own configurations: do not touch.
    "version": "0.2.0",
    "configurations": [
        { "name": "mine", "type": "debugpy", "request": "launch", "program": "x.py" }, // short
        /* a comment at the end */
    ],
    "compounds": []   // trailing
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
        # In their order, each of them: only our entry stands between.
        assert any(it.rstrip(",") == line.rstrip(",") for it in kept), f"{line!r} is lost: {merged}"
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
