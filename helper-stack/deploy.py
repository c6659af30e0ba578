"""`make deploy`: what `make stack layer` has built goes into a helper stack that is installed.

The template owns the resources, and this changes none but by code: each helper Lambda's by
`cargo lambda deploy`, each layer by a new version, at which the function that hands layers on is
pointed by its own variables. An update of the stack sets those to the template's again where it
changes that function, and only there, so whatever is meant to stay goes through `tether upgrade`.

Which function is built where, which layer, and which variable names it stand in the template;
their names in AWS come from the stack. Region, profile and endpoint are the environment's
(AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL). Nothing is asked.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import botocore.exceptions
import yaml

HELPER_STACK = Path(__file__).resolve().parent
CARGO_LAMBDA = Path(sys.executable).with_name("cargo-lambda")

FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"

# e_machine: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MACHINES = {62: "x86_64", 183: "arm64"}

# What a layer says of itself in the console; Lambda does not ask.
RUNTIMES = "python3.10,python3.11,python3.12,python3.13,python3.14"


class Impossible(Exception):
    """A line for whoever called: what, why, what to do."""


def main():
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__.split("\n")[0])
    parser.add_argument("--stack-name", default="tether", help="of the helper stack")
    arguments = parser.parse_args()
    # boto3 alone knows it by AWS_DEFAULT_REGION only.
    boto3.setup_default_session(region_name=os.environ.get("AWS_REGION") or None)
    try:
        deploy(arguments.stack_name)
    except (Impossible, botocore.exceptions.BotoCoreError) as error:
        sys.exit(f"error: {error}")
    except botocore.exceptions.ClientError as error:
        refused = error.response["Error"]
        sys.exit(f"error: {error.operation_name} was refused: {refused['Message']}")


def deploy(stack_name):
    if not boto3.DEFAULT_SESSION.region_name:
        raise Impossible("no region is named: set AWS_REGION, or one in your profile")
    template = yaml.load((HELPER_STACK / "template.yaml").read_text("utf-8"), Template)
    functions, layers = of_kind(template, FUNCTION), of_kind(template, LAYER)
    names = physical_ids(stack_name, functions)
    aws = boto3.client("lambda")
    checked = [
        (logical_id, names[logical_id], built(aws, names[logical_id], properties))
        for logical_id, properties in functions.items()
    ]
    for logical_id, name, binary in checked:
        cargo_lambda_deploy(name, binary)
        aws.get_waiter("function_updated_v2").wait(FunctionName=name)
        say(f"{logical_id} runs {shown(binary)} ({name})")
    for logical_id, properties in functions.items():
        handed_on = variables_of(properties, layers)
        if handed_on:
            point(aws, names[logical_id], logical_id, handed_on, layers)


# ---- what the template says


class Template(yaml.SafeLoader):
    """Short forms of functions are read as what they are applied to: only names are looked for."""


def _anything(loader, _, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Template.add_multi_constructor("!", _anything)


def of_kind(template, kind):
    resources = template["Resources"].items()
    return {name: it["Properties"] for name, it in resources if it["Type"] == kind}


def variables_of(properties, layers):
    """Variables that name a layer: variable to layer."""
    variables = properties.get("Environment", {}).get("Variables", {})
    return {
        variable: layer
        for variable, value in variables.items()
        for layer in layers
        if layer in (value if isinstance(value, list) else [value])
    }


# ---- what is installed, and what is built


def physical_ids(stack_name, functions):
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources")
    try:
        found = {
            it["LogicalResourceId"]: it["PhysicalResourceId"]
            for page in pages.paginate(StackName=stack_name)
            for it in page["StackResourceSummaries"]
            if it["ResourceType"] == "AWS::Lambda::Function"
        }
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        region = boto3.DEFAULT_SESSION.region_name
        raise Impossible(
            f"there is no stack {stack_name} in {region}: install it first, by `tether install`,"
            " or name another one: make deploy STACK=…"
        ) from None
    if missing := functions.keys() - found.keys():
        raise Impossible(
            f"the stack {stack_name} has no {min(missing)}: upgrade it by `tether upgrade` if it is"
            " a helper stack, or name another one: make deploy STACK=…"
        )
    return found


def built(aws, name, properties):
    """A function's binary, which must be for the function's machine."""
    binary = HELPER_STACK / properties["CodeUri"] / properties.get("Handler", "bootstrap")
    (wanted,) = aws.get_function_configuration(FunctionName=name)["Architectures"]
    found = machine(binary)
    if found != wanted:
        raise Impossible(
            f"{shown(binary)} is built for {found}, and {name} runs on {wanted}: build it by"
            f" `make stack ARCH={wanted}`"
        )
    return binary


def machine(binary):
    try:
        with binary.open("rb") as file:
            head = file.read(20)
    except FileNotFoundError:
        raise Impossible(f"{shown(binary)} is not built: run `make stack layer`") from None
    number = struct.unpack("<H", head[18:20])[0] if head[:4] == b"\x7fELF" else None
    return MACHINES.get(number, "another machine")


def shown(path):
    return os.path.relpath(path)


# ---- what is done


def cargo_lambda_deploy(name, binary, *flags, folder_in="{name}"):
    """Its answer. It writes a zip beside what it deploys: so that is a copy.

    Of a layer it takes the file's name for the zip from `--binary-name` alone: by `--binary-path`
    the file would be called as the layer is.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, folder_in.format(name=name), binary.name)
        copy.parent.mkdir()
        shutil.copy2(binary, copy)
        command = [CARGO_LAMBDA, "lambda", "deploy", "--lambda-dir", folder, *flags]
        command += ["--output-format", "json", "--color", "never", *endpoint(), name]
        ran = subprocess.run(
            command,
            cwd=HELPER_STACK.parent,
            env=os.environ | {"AWS_REGION": boto3.DEFAULT_SESSION.region_name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    if ran.returncode:
        said = " ".join((ran.stderr or ran.stdout).split())
        raise Impossible(f"cargo lambda deploy failed for {name}: {said}")
    return json.loads(ran.stdout[ran.stdout.index("{") :])


def endpoint():
    for variable in ("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"):
        if url := os.environ.get(variable):
            return ["--endpoint-url", url]
    return []


def point(aws, name, logical_id, handed_on, layers):
    """Publishes each layer that the stack has, and lets the function hand it on."""
    configuration = aws.get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    published = {}
    for variable, layer in handed_on.items():
        folder = HELPER_STACK / layers[layer]["ContentUri"]
        if not variables.get(variable):
            say(f"{layer} is left out: the stack was installed without it")
        elif not folder.is_dir():
            say(f"{layer} is left as it is: {shown(folder)} is not built")
        else:
            published[variable] = publish(variables[variable], layers[layer], folder)
            say(f"{layer} is {published[variable]}")
    if not published:
        return
    aws.update_function_configuration(
        FunctionName=name,
        Environment={"Variables": variables | published},
        # Somebody else's change in between is not overwritten.
        RevisionId=configuration["RevisionId"],
    )
    aws.get_waiter("function_updated_v2").wait(FunctionName=name)
    say(f"{logical_id} hands them on, until an update of the stack changes it")


def publish(arn, properties, folder):
    """A new version of the layer that this ARN is a version of; its ARN."""
    (binary,) = folder.iterdir()
    (wanted,) = properties["CompatibleArchitectures"]
    if machine(binary) != wanted:
        raise Impossible(f"{shown(binary)} is not for {wanted}: run `make layer`")
    layer_name = arn.split(":")[6]
    flags = ("--extension", "--internal", "--binary-name", binary.name)
    flags += ("--compatible-runtimes", RUNTIMES, "--description", properties["Description"])
    answer = cargo_lambda_deploy(layer_name, binary, *flags, folder_in="extensions")
    return answer["extension_arn"]


def say(line):
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
