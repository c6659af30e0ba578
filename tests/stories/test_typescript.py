"""TypeScript in the working copy: built by esbuild as SAM does, or run by Node itself."""

import json
import shutil

import pytest
from harness import Project, npm, tether
from harness.surroundings import ROOT

EXAMPLE = ROOT / "examples" / "hello-typescript"
ECHO = "export const handler = async (event: { name?: string }) => ({ hello: event.name });\n"


@pytest.fixture
def example(tmp_path):
    """The example, as somebody has cloned it and run `npm install` in it."""
    folder = tmp_path / "hello"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    npm.install(folder)
    return Project(folder)


def project_of(folder, handler="app.handler", metadata=None, runtime="nodejs22.x", **files):
    """A function in ``code``, of files whose names have no dots and slashes here."""
    project = Project(folder)
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"CodeUri": "code", "Handler": handler, "Runtime": runtime, "Timeout": 10},
    }
    if metadata:
        function["Metadata"] = {"BuildMethod": "esbuild", "BuildProperties": metadata}
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Hello": function},
    }
    project.write("template.yaml", json.dumps(template))
    for name, text in files.items():
        project.write(f"code/{name}", text)
    return project


def invoke(project, name="Ada", function="Hello", **variables):
    """What the function said, and the process."""
    variables.setdefault("PATH", npm.NODE_FIRST)
    event = json.dumps({"name": name})
    process = tether("invoke", function, cwd=project.folder, stdin=event, **variables)
    (line,) = process.stdout or [None]
    return line and json.loads(line), process


def test_the_example_is_built_as_sam_builds_it(example):
    said, process = invoke(example, function="HelloFunction")
    assert process.code == 0, process.stderr
    assert said["message"] == "Hello, Ada!"
    assert any("greeting Ada" in line for line in process.stderr)
    process.leaves_nothing_behind()


def test_the_example_runs_without_a_build_where_node_strips_types(example):
    (example.folder / "node_modules").unlink()
    said, process = invoke(example, function="HelloFunction")
    assert process.code == 0, process.stderr
    assert said["message"] == "Hello, Ada!"
    assert any("by Node's own type stripping" in line for line in process.stderr)


@pytest.mark.parametrize("esbuild", [True, False], ids=["esbuild", "stripping"])
def test_stack_traces_name_the_lines_of_the_source(tmp_path, esbuild):
    source = (
        "interface Event { name?: string }\n"
        "// Types take lines that JavaScript does not have.\n"
        "type Answer = { hello: string };\n"
        "export const handler = async (event: Event): Promise<Answer> => {\n"
        "  throw new RangeError('too far');\n"
        "};\n"
    )
    project = project_of(tmp_path / "project", **{"app.ts": source})
    if esbuild:
        npm.install(project.folder)
    said, process = invoke(project)
    assert process.code == 1
    assert (said["errorType"], said["errorMessage"]) == ("RangeError", "too far")
    assert f"{project.path('code/app.ts')}:5:" in said["trace"][1]


def test_a_build_that_fails_is_shown_and_answered_with_its_place(tmp_path):
    project = project_of(tmp_path / "project", **{"app.ts": ECHO + "const x: = 3;\n"})
    npm.install(project.folder)
    said, process = invoke(project)
    assert process.code == 1
    assert said["errorMessage"] == 'app.ts:2:9: Unexpected "="'
    shown = "\n".join(process.stderr)
    assert "const x: = 3;" in shown and "app.ts:2:9" in shown


def test_neither_esbuild_nor_a_node_that_strips_types_is_said_with_what_to_install(tmp_path):
    project = project_of(tmp_path / "project", **{"app.ts": ECHO})
    old = npm.impostor(tmp_path / "old", "node", says="20.20.2")
    _, process = invoke(project, PATH=npm.only(old))
    assert process.code == 2
    (line,) = process.errors
    assert "app.ts is TypeScript, and Node 20.20.2 cannot run it" in line
    assert "npm install --save-dev esbuild" in line


def test_compiled_files_beside_it_run_where_nothing_compiles_and_it_is_said(tmp_path):
    compiled = "exports.handler = async () => 'compiled';\n"
    project = project_of(tmp_path / "project", **{"app.ts": ECHO, "app.js": compiled})
    said, process = invoke(project)
    assert said == "compiled"
    assert any("app.js runs, and not" in line for line in process.stderr)
    npm.install(project.folder)
    said, _ = invoke(project)
    assert said == {"hello": "Ada"}


def test_packages_are_found_where_npm_puts_them_hoisted_or_not(tmp_path):
    source = (
        "import near from 'near';\nimport far from 'far';\n"
        "export const handler = async () => [near, far, require.resolve('near')];\n"
    )
    project = project_of(tmp_path / "project", **{"app.ts": source})
    npm.package(project.path("code"), "near", "module.exports = 'near';")
    npm.package(project.folder, "far", "module.exports = 'far';")
    bin = project.path("node_modules/.bin")
    bin.mkdir()
    (bin / "esbuild").symlink_to(npm.PACKAGES / "esbuild" / "bin" / "esbuild")
    said, process = invoke(project)
    assert process.code == 0, process.stderr
    near = project.path("code/node_modules/near/index.js")
    assert said == ["near", "far", str(near)]


def test_a_module_package_stays_one_and_imports_commonjs(tmp_path):
    source = (
        "import old from 'old';\nimport { twice } from './twice';\n"
        "const loaded = await Promise.resolve(old);\n"
        "export const handler = async (event: { name: string }) => [loaded, twice(event.name)];\n"
    )
    twice = "export const twice = (text: string) => text + text;\n"
    about = json.dumps({"type": "module"})
    files = {"src/app.ts": source, "src/twice.ts": twice, "package.json": about}
    project = project_of(tmp_path / "project", handler="src/app.handler", **files)
    npm.install(project.folder)
    npm.package(project.path("code"), "old", "module.exports = 'commonjs';")
    said, process = invoke(project)
    assert process.code == 0, process.stderr
    assert said == ["commonjs", "AdaAda"]


def test_the_templates_build_properties_are_followed(tmp_path):
    source = (
        "import text from './words.txt';\nimport sharp from 'sharp';\nimport old from 'old';\n"
        "declare const MARK: string;\n"
        "export const handler = async () => [text, sharp, old, (globalThis as any).mark];\n"
    )
    metadata = {
        "EntryPoints": ["src/app.ts", "src/other.ts"],
        "Format": "esm",
        "Target": "es2022",
        "External": ["sharp"],
        "Loader": [".txt=text"],
        "OutExtension": [".js=.mjs"],
        "MainFields": "module,main",
        "Banner": [
            "js=import { createRequire } from 'node:module';"
            "const require = createRequire(import.meta.url); globalThis.mark = 'banner';"
        ],
        "Minify": True,
        "Splitting": True,
    }
    files = {
        "src/app.ts": source,
        "src/other.ts": "export const handler = async () => 'other';\n",
        "src/words.txt": "words",
    }
    project = project_of(tmp_path / "project", metadata=metadata, **files)
    npm.install(project.folder)
    # Bundled as CommonJS in an ES module: its require is the banner's.
    npm.package(
        project.path("code"), "old", "module.exports = require('node:path').basename('/a/old');"
    )
    npm.package(project.path("code"), "sharp", "module.exports = 'external';")
    said, process = invoke(project)
    assert process.code == 0, process.stderr
    assert said == ["words", "external", "old", "banner"]
    assert any("BuildProperties.Splitting is not known" in line for line in process.stderr)


def test_packages_of_sams_build_are_used_where_the_project_has_none(tmp_path):
    source = "exports.handler = async () => require('built');\n"
    project = project_of(tmp_path / "project", **{"app.js": source})
    npm.package(project.path(".aws-sam/build/Hello"), "built", "module.exports = 'by sam';")
    said, process = invoke(project)
    assert said == "by sam"
    assert any("packages are those of `sam build`" in line for line in process.stderr)
