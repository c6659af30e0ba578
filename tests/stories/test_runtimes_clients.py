"""Java and Ruby functions are launched as AWS's own clients want it.

Neither client can be had here: stand-ins have their names, are called as they are, and speak the
Runtime API for one invocation after the other.
"""

import json
import os

import pytest
from harness import Project, tether
from harness.tools import needs

LONG = 120

# What Maven would do: compile, and write the dependencies' class path into a file.
MAVEN = """#!/bin/sh
set -eu
for word; do
    case $word in -Dmdep.outputFile=*) file=${word#*=} ;; esac
done
here=$(dirname "$0")
javac -d "$here/target/classes" "$here/src/Hello.java"
javac -d "$here/deps/CLIENT" "$here/client/AWSLambda.java"
printf %s "$here/deps/CLIENT" >"$file"
"""

AWS_LAMBDA = """
package com.amazonaws.services.lambda.runtime.api.client;

import java.net.URI;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

public class AWSLambda {
    public static void main(String[] arguments) throws Exception {
        var api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        var handler = arguments[0].split("::");
        var method = Class.forName(handler[0]).getMethod(handler[1], String.class);
        while (true) {
            var next = client.send(HttpRequest.newBuilder(URI.create(api + "next")).build(), BodyHandlers.ofString());
            var id = next.headers().firstValue("Lambda-Runtime-Aws-Request-Id").get();
            var answer = BodyPublishers.ofString((String) method.invoke(null, next.body()));
            client.send(HttpRequest.newBuilder(URI.create(api + id + "/response")).POST(answer).build(), BodyHandlers.discarding());
        }
    }
}
"""

HELLO_JAVA = """
public class Hello {
    public static String handle(String event) { return "\\"Java has " + event.length() + "\\""; }
}
"""

CLIENT = "aws-lambda-java-runtime-interface-client-2.0.0"

RIC = """#!/usr/bin/env ruby
require "net/http"
file, method = ARGV.fetch(0).split(".")
require File.join(ENV.fetch("LAMBDA_TASK_ROOT"), file)
host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
Net::HTTP.start(host, port.to_i, nil, read_timeout: nil) do |http|
  loop do
    path = "/2018-06-01/runtime/invocation"
    event = http.get("#{path}/next")
    http.post("#{path}/#{event["Lambda-Runtime-Aws-Request-Id"]}/response", send(method, event.body))
  end
end
"""

# What Bundler would do.
BUNDLE = '#!/bin/sh\n[ "$1" = exec ] && shift\nexec "$@"\n'


def project_of(folder, runtime, handler, files):
    project = Project(folder)
    for name, text in files.items():
        path = project.write(f"code/{name}", text)
        if text.startswith("#!"):
            path.chmod(0o755)
    properties = {"CodeUri": "code/", "Handler": handler, "Runtime": runtime, "Timeout": 20}
    function = {"Type": "AWS::Serverless::Function", "Properties": properties}
    resources = {"HelloFunction": function}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    project.write("template.yaml", json.dumps(template))
    return project


def invoke(project, **variables):
    command = ("invoke", "HelloFunction")
    return tether(*command, cwd=project.folder, stdin="{}", timeout=LONG, **variables)


JAVA = {
    "pom.xml": "<project/>",
    "mvnw": MAVEN.replace("CLIENT", CLIENT),
    "src/Hello.java": HELLO_JAVA,
    "client/AWSLambda.java": AWS_LAMBDA,
}


@needs("javac")
def test_java_is_compiled_by_its_maven_and_run_by_the_client(tmp_path):
    project = project_of(tmp_path, "java17", "Hello::handle", JAVA)
    process = invoke(project)
    assert process.code == 0, process.stderr
    assert process.stdout == ['"Java has 2"']
    project.edit("code/src/Hello.java", "return", "retrun")
    process = invoke(project)
    assert process.code == 1
    error = json.loads(process.stdout[0])
    assert error["errorType"] == "Tether.BuildFailed"
    assert "Hello.java:3: error:" in error["errorMessage"]


@needs("javac")
def test_java_without_the_client_is_told_what_to_add(tmp_path):
    files = {**JAVA, "mvnw": MAVEN.replace("CLIENT", "other")}
    process = invoke(project_of(tmp_path, "java17", "Hello::handle", files))
    assert process.code == 1
    message = json.loads(process.stdout[0])["errorMessage"]
    assert "add com.amazonaws:aws-lambda-java-runtime-interface-client" in message


HELLO_RUBY = 'def handler(event)\n  "\\"Ruby has #{event.length}\\""\nend\n'


@needs("ruby")
@pytest.mark.parametrize("bundled", [True, False], ids=["by Bundler", "installed"])
def test_ruby_is_run_by_the_client(tmp_path, bundled):
    files = {"app.rb": HELLO_RUBY, "tools/aws_lambda_ric": RIC, "tools/bundle": BUNDLE}
    if bundled:
        files["Gemfile"] = 'gem "aws_lambda_ric"\n'
    project = project_of(tmp_path, "ruby3.4", "app.handler", files)
    path = f"{project.path('code/tools')}{os.pathsep}{os.environ['PATH']}"
    process = invoke(project, PATH=path)
    assert process.code == 0, process.stderr
    assert process.stdout == ['"Ruby has 2"']


@needs("ruby")
def test_ruby_without_the_client_is_told_what_to_run(tmp_path):
    files = {"app.rb": HELLO_RUBY, "Gemfile": 'gem "json"\n', "tools/bundle": BUNDLE}
    process = invoke(project_of(tmp_path, "ruby3.4", "app.handler", files))
    assert process.code == 2
    assert "run `bundle add aws_lambda_ric`" in process.errors[0]
