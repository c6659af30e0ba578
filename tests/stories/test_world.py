"""What a function finds around itself: Lambda's variables, its layers, and not the developer's."""

import json

from harness import Project, npm, tether

ENVIRONMENT = """
import os, sys
def handler(event, context):
    return {"variables": dict(os.environ), "path": sys.path}
"""
LAMBDAS = {
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_EXECUTION_ENV",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "_HANDLER",
    "LANG",
    "TZ",
}
MARKED = {"MARKED_BY_THE_DEVELOPER": "leaks", "LC_ALL": "C", "TZ": "Asia/Tokyo"}


def project_of(folder, source, layers=(), runtime="python3.13", **variables):
    project = Project.of(folder, {"Hello": source}, **variables)
    template = json.loads(project.path("template.yaml").read_text())
    template["Resources"]["Hello"]["Properties"].update(
        Runtime=runtime, Layers=[{"Ref": it} if ":" not in it else it for it in layers]
    )
    for layer in layers:
        if ":" not in layer:
            template["Resources"][layer] = {
                "Type": "AWS::Serverless::LayerVersion",
                "Properties": {"ContentUri": f"layers/{layer}"},
            }
    project.write("template.yaml", json.dumps(template))
    return project


def invoke(project, **variables):
    process = tether("invoke", "Hello", cwd=project.folder, stdin="{}", **variables)
    assert process.code == 0, process.stderr
    return json.loads(process.stdout[0]), process


def test_a_local_run_has_what_lambda_gives_and_nothing_of_the_developers(tmp_path):
    project = project_of(tmp_path / "project", ENVIRONMENT, OWN="value")
    said, _ = invoke(project, **MARKED)
    variables = said["variables"]
    assert LAMBDAS <= set(variables), LAMBDAS - set(variables)
    assert variables["OWN"] == "value"
    assert variables["TZ"] == ":UTC"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert variables["LAMBDA_TASK_ROOT"] == str(project.path("Hello"))
    assert not {"MARKED_BY_THE_DEVELOPER", "LC_ALL"} & set(variables)


def test_an_attached_run_has_what_lambda_gave_and_nothing_of_the_developers(
    clouds, attach, tmp_path
):
    deployed = project_of(tmp_path / "deployed", ENVIRONMENT, OWN="deployed")
    cloud = clouds({"app": deployed.template})
    theirs = json.loads(cloud.invoke("Hello").payload)["variables"]
    working = project_of(tmp_path / "working", ENVIRONMENT, OWN="working")
    attach(cloud, working, variables=MARKED)
    ours = json.loads(cloud.invoke("Hello").payload)["variables"]
    assert ours["LAMBDA_TASK_ROOT"] == str(working.path("Hello"))
    assert LAMBDAS <= set(ours), LAMBDAS - set(ours)
    # Each environment has a log stream of its own, and each machine its folders.
    here = {"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_RUNTIME_API"}
    same = LAMBDAS - here - {"AWS_LAMBDA_LOG_STREAM_NAME"}
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert ours["OWN"] == "deployed"
    assert not {"MARKED_BY_THE_DEVELOPER", "LC_ALL"} & set(ours)


def test_layers_of_the_template_are_found_the_last_one_first(tmp_path):
    source = "import both, code, low, own\ndef handler(event, context):\n"
    source += "    return [both.WHO, low.WHO, own.WHO, code.WHO]\n"
    project = project_of(tmp_path / "project", source, layers=["Low", "High"])
    project.write("layers/Low/python/both.py", "WHO = 'low'\n")
    project.write("layers/High/python/both.py", "WHO = 'high'\n")
    project.write("layers/Low/python/lib/python3.13/site-packages/low.py", "WHO = 'low'\n")
    # As `sam build` takes it, without a folder named python.
    project.write("layers/High/own.py", "WHO = 'own'\n")
    # What the code has itself comes before any layer.
    project.write("Hello/code.py", "WHO = 'code'\n")
    project.write("layers/High/python/code.py", "WHO = 'high'\n")
    said, _ = invoke(project)
    assert said == ["high", "low", "own", "code"]


def test_nodes_layers_are_found_the_last_one_first(tmp_path):
    source = "exports.handler = async () => [require('both'), require('versioned')];\n"
    project = project_of(tmp_path / "project", "", layers=["Low", "High"], runtime="nodejs22.x")
    project.write("Hello/app.js", source)
    for layer in ("Low", "High"):
        folder = project.path(f"layers/{layer}/nodejs")
        npm.package(folder, "both", f"module.exports = '{layer}';")
    npm.package(project.path("layers/Low/nodejs/node22"), "versioned", "module.exports = 22;")
    said, _ = invoke(project, PATH=npm.NODE_FIRST)
    assert said == ["High", 22]


def test_a_layers_programs_are_on_the_path(tmp_path):
    source = "import subprocess\ndef handler(event, context):\n"
    source += "    return subprocess.run(['of-the-layer'], capture_output=True, text=True).stdout\n"
    project = project_of(tmp_path / "project", source, layers=["Tools"])
    program = project.write("layers/Tools/bin/of-the-layer", "#!/bin/sh\necho found\n")
    program.chmod(0o755)
    said, _ = invoke(project)
    assert said == "found\n"


def test_what_of_a_layer_is_not_here_is_said(tmp_path):
    arn = "arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:14"
    source = "def handler(event, context):\n    return 1\n"
    project = project_of(tmp_path / "project", source, layers=["Files", arn])
    project.write("layers/Files/config/settings.json", "{}")
    _, process = invoke(project)
    said = "\n".join(process.stderr)
    assert f"its layer {arn} is not in the template" in said
    assert "is not at /opt here: code that names /opt/config does not find it" in said
