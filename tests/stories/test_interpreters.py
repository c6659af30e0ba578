"""Whose Python and whose Node it is, and what is said where there is none that fits."""

import json
import os
import sys

import pytest
from harness import Project, npm, tether

WHERE = "import sys\ndef handler(event, context):\n    return sys.executable\n"
NODE = "exports.handler = async () => process.execPath;\n"


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "project", {"Hello": WHERE})


@pytest.fixture
def in_node(tmp_path):
    project = Project.of(tmp_path / "project", {"Hello": ""})
    project.edit("template.yaml", "python3.13", "nodejs22.x")
    project.write("Hello/app.js", NODE)
    return project


def invoke(project, **variables):
    return tether("invoke", "Hello", cwd=project.folder, stdin="{}", **variables)


def answer(process):
    assert process.code == 0, process.stderr
    return json.loads(process.stdout[0])


def complaint(process):
    """What it ended with, in one line."""
    assert process.code == 2, (process.stdout, process.stderr)
    (line,) = process.errors
    return line


def virtualenv(folder, python=sys.executable):
    """As `python -m venv` makes it, without pip."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    home = os.path.dirname(os.path.realpath(sys.executable))
    (folder / "pyvenv.cfg").write_text(f"home = {home}\n")
    return folder / "bin" / "python"


def test_the_nearest_virtualenv_runs_it_whatever_is_activated(project):
    own = virtualenv(project.path(".venv"))
    assert answer(invoke(project)) == str(own)


def test_a_version_that_the_project_asks_for_is_found_where_pyenv_has_it(project, tmp_path):
    version = "%d.%d.%d" % sys.version_info[:3]
    own = npm.real_python(tmp_path / "pyenv" / "versions" / version / "bin") / "python3"
    project.write("Hello/.python-version", "%d.%d\n" % sys.version_info[:2])
    process = invoke(project, VIRTUAL_ENV=None, PYENV_ROOT=str(tmp_path / "pyenv"))
    assert answer(process) == str(own)


def test_a_version_that_is_not_installed_is_noted_with_the_file_that_asks_for_it(project):
    file = project.write("Hello/.python-version", "3.99\n")
    process = invoke(project, VIRTUAL_ENV=None)
    answer(process)
    asks = f"{file} asks for Python 3.99, which no version manager has installed"
    assert any(asks in line for line in process.stderr)


def test_another_version_than_the_templates_runs_with_a_note(project):
    project.edit("template.yaml", "python3.13", "python3.99")
    process = invoke(project)
    answer(process)
    said = "\n".join(process.stderr)
    assert "runs here on Python 3." in said
    assert "python3.99 is none that tether knows: it is run as Python" in said


def test_packages_of_sams_build_are_used_where_there_is_no_virtualenv(project):
    project.write("Hello/app.py", "import built\ndef handler(e, c):\n    return built.WHO\n")
    project.write(".aws-sam/build/Hello/built.py", "WHO = 'sam'\n")
    process = invoke(project, VIRTUAL_ENV=None)
    assert answer(process) == "sam"
    assert any("packages are those of `sam build`" in line for line in process.stderr)


def test_a_virtualenv_that_leads_nowhere_is_named_and_not_passed_over(project):
    virtualenv(project.path(".venv"), python="/opt/gone/bin/python3")
    line = complaint(invoke(project))
    assert f"the virtualenv {project.path('.venv')} is broken" in line
    assert "/opt/gone/bin/python3 leads nowhere" in line
    assert "python3 -m venv --clear" in line


def test_a_virtualenv_whose_home_is_gone_is_named(project):
    virtualenv(project.path(".venv"))
    project.write(".venv/pyvenv.cfg", "home = /opt/gone/bin\n")
    assert "its Python in /opt/gone/bin is gone" in complaint(invoke(project))


def test_a_python_that_is_too_old_is_named_with_its_version(project, tmp_path):
    old = npm.impostor(tmp_path / "old", "python3", says="3.7")
    line = complaint(invoke(project, VIRTUAL_ENV=None, PATH=npm.only(old)))
    assert f"{old / 'python3'} is Python 3.7, and tether needs 3.8 or newer" in line


def test_a_missing_python_is_said_with_what_to_do(project, tmp_path):
    nothing = {"VIRTUAL_ENV": None, "HOME": str(tmp_path), "PYENV_ROOT": None}
    line = complaint(invoke(project, PATH=npm.only(), **nothing))
    assert "no Python interpreter for" in line and "python3 -m venv .venv" in line


def test_a_node_of_the_projects_version_file_comes_before_the_path(in_node, tmp_path):
    own = npm.copy_of_node(tmp_path / "nvm" / "versions" / "node" / "v24.19.0" / "bin")
    in_node.write(".nvmrc", "24\n")
    old = npm.impostor(tmp_path / "old", "node", says="20.0.0")
    process = invoke(in_node, NVM_DIR=str(tmp_path / "nvm"), PATH=npm.only(old))
    assert answer(process) == str(own)


def test_a_node_that_is_too_old_is_named_with_its_version(in_node, tmp_path):
    old = npm.impostor(tmp_path / "old", "node", says="16.20.2")
    line = complaint(invoke(in_node, PATH=npm.only(old)))
    assert f"{old / 'node'} is Node 16.20.2, and tether needs 18 or newer" in line


def test_a_missing_node_is_said_with_what_to_install(in_node, tmp_path):
    nothing = {"HOME": str(tmp_path), "NVM_DIR": None, "N_PREFIX": str(tmp_path)}
    line = complaint(invoke(in_node, PATH=npm.only(), **nothing))
    assert "no Node for" in line and "https://nodejs.org" in line


def test_a_node_that_does_not_run_is_said_with_its_own_words(in_node, tmp_path):
    broken = npm.impostor(tmp_path / "broken", "node", says="")
    program = broken / "node"
    program.write_text("#!/bin/sh\necho no libnode >&2\nexit 1\n")
    line = complaint(invoke(in_node, PATH=npm.only(broken)))
    assert f"{program} does not run (no libnode)" in line


def test_an_interpreter_that_goes_while_attached_is_answered_as_lambda_would(
    hello_cloud, attach, working_copy
):
    own = virtualenv(working_copy.path(".venv"))
    attach(hello_cloud, working_copy)
    answered = json.loads(hello_cloud.invoke("HelloFunction").payload)
    assert answered["answered_by"] == "the working copy"
    own.unlink()
    own.symlink_to("/opt/gone/bin/python3")
    working_copy.edit("hello/app.py", "the working copy", "a save")
    failed = hello_cloud.invoke("HelloFunction")
    said = json.loads(failed.payload)
    assert said["errorType"] == "Runtime.ExitError", said
    assert "cannot be started" in said["errorMessage"], said
