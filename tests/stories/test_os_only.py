"""Functions of OS-only runtimes: Lambda starts no wrapper in front of them, so attach lets them be."""

import json

import pytest
from harness import Project

# A runtime of few words, which says whether the wrapper has been there.
BOOTSTRAP = """#!/usr/bin/env python3
import http.client
import json
import os

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
RUNTIME = "/2018-06-01/runtime"
while True:
    api = http.client.HTTPConnection(API)
    api.request("GET", RUNTIME + "/invocation/next")
    got = api.getresponse()
    got.read()
    id = got.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", f"{RUNTIME}/invocation/{id}/response", json.dumps(os.environ.get("WRAPPED")))
    api.getresponse().read()
"""
WRAPPER = '#!/bin/sh\nWRAPPED=yes exec "$@"\n'
PLAIN = 'import os\n\ndef handler(event, context):\n    return os.environ.get("WRAPPED")\n'


@pytest.fixture
def project(tmp_path):
    made = Project.of(
        tmp_path / "app",
        {"Managed": PLAIN, "OsOnly": ""},
        AWS_LAMBDA_EXEC_WRAPPER="/var/task/wrapper",
    )
    for name in ("Managed", "OsOnly"):
        made.write(f"{name}/wrapper", WRAPPER).chmod(0o755)
    made.write("OsOnly/bootstrap", BOOTSTRAP).chmod(0o755)
    template = json.loads(made.template.read_text())
    template["Resources"]["OsOnly"]["Properties"]["Runtime"] = "provided.al2023"
    made.write("template.yaml", json.dumps(template))
    return made


def test_the_wrapper_is_ignored_and_attach_skips_the_function_with_the_reason(clouds, attach, project):
    cloud = clouds({"app": project.template})
    assert cloud.invoke("Managed").payload == b'"yes"'
    assert cloud.invoke("OsOnly").payload == b"null"
    before = cloud.configuration("OsOnly")
    attached = attach(cloud, project)
    told = attached.wait_for("function", function="OsOnly")
    assert told["state"] == "skipped" and "provided.al2023 is OS-only" in told["detail"]
    assert [it["logicalId"] for it in attached.ready["functions"]] == ["Managed"]
    assert cloud.configuration("OsOnly") == before
    # It answers as ever.
    assert cloud.invoke("OsOnly").payload == b"null"
