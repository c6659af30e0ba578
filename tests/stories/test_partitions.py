"""AWS's other partitions: nothing is taken for granted but what the region says."""

import json

import pytest
from harness import Project, tether

PLACES = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


@pytest.fixture(scope="module", params=PLACES)
def partition(request):
    return request.param


@pytest.fixture(scope="module")
def cloud(partition, clouds, tmp_path_factory):
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    flags = ("--region", PLACES[partition], "--partition", partition)
    return clouds({"app": deployed.template}, *flags)


def test_attach_works_there(cloud, partition, attach, working_copy):
    region = PLACES[partition]
    outputs = cloud.outputs()
    assert outputs["DeveloperRoleArn"].startswith(f"arn:{partition}:iam::")
    attached = attach(cloud, working_copy, variables={"AWS_REGION": region})
    during = cloud.configuration("HelloFunction")
    assert during["FunctionArn"].startswith(f"arn:{partition}:lambda:{region}:")
    assert during["Layers"][0]["Arn"].startswith(f"arn:{partition}:lambda:{region}:")
    answer = cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    assert attached.outcome_of(answer)["outcome"] == "completed"
    attached.detach()


def test_the_doctor_knows_it(cloud, partition, tmp_path):
    process = tether(
        "doctor", "--json", endpoint=cloud.endpoint, AWS_REGION=PLACES[partition], cwd=tmp_path
    )
    assert process.code == 0, process.events
    region = process.events_of("finding", step="region")[0]
    assert f"in the partition {partition}" in region["what"]


def test_a_local_run_has_its_arn(working_copy, partition):
    working_copy.write(
        "hello/app.py", "def handler(_, context):\n    return context.invoked_function_arn\n"
    )
    process = tether(
        "invoke", "HelloFunction", cwd=working_copy.folder, stdin="{}", AWS_REGION=PLACES[partition]
    )
    assert process.code == 0, process.stderr
    assert process.stdout[-1].startswith(f'"arn:{partition}:lambda:{PLACES[partition]}:')


def test_what_is_no_partition_is_refused():
    process = tether("emulator", "--partition", "aws-mars", "--endpoint-port", "0")
    assert process.code == 2
    assert process.errors == ["there is no partition aws-mars: aws, aws-cn and aws-us-gov are some"]
