"""``tether invoke --generate-event``: an example of what a service sends, printed or used."""

import json

import pytest
from harness import Project, tether

SEES = """
def handler(event, context):
    return event
"""


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "mine", {"Seeing": SEES})


def generated(*arguments, **how):
    process = tether("invoke", *arguments, **how)
    assert process.code == 0, process.stderr
    assert not process.stderr
    return json.loads("\n".join(process.stdout))


def refused(*arguments):
    process = tether(*arguments)
    assert (process.code, process.stdout) == (64, [])
    (error,) = process.errors
    return error


def test_an_event_is_printed_without_a_function():
    event = generated("--generate-event", "s3", "put", "--bucket", "photos", "--key", "a cat.jpg")
    (record,) = event["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["bucket"]["name"] == "photos"
    assert record["s3"]["object"]["key"] == "a+cat.jpg"
    assert record["awsRegion"] == "us-east-1"


def test_a_function_is_invoked_with_it(project):
    queue = ("--generate-event", "sqs", "receive-message", "--queue-name", "orders")
    given = (*queue, "--set", "body=-5", "--region", "eu-west-1")
    for names in (("Seeing", *given), (*given, "Seeing")):
        process = tether("invoke", *names, cwd=project.folder)
        assert process.code == 0, process.stderr
        (record,) = json.loads(process.stdout[0])["Records"]
        assert record["body"] == "-5"
        assert record["eventSourceARN"] == "arn:aws:sqs:eu-west-1:123456789012:orders"


def test_sams_own_words_do_as_well():
    process = tether("generate-event", "apigateway", "authorizer", "--restApiId", "mine")
    assert process.code == 0, process.stderr
    event = json.loads("\n".join(process.stdout))
    assert event["methodArn"].startswith("arn:aws:execute-api:us-east-1:123456789012:mine/prod/")


def test_what_there_is_is_listed():
    process = tether("invoke", "--generate-event")
    assert process.code == 0, process.stderr
    (s3,) = [line for line in process.stdout if line.startswith("s3 ")]
    assert "put, delete" in s3
    process = tether("invoke", "--generate-event", "sqs")
    assert "    --queue-name MyQueue" in process.stdout
    process = tether("--json", "generate-event", "sns")
    (line,) = process.stdout
    listed = json.loads(line)
    assert (listed["service"], listed["name"]) == ("sns", "notification")
    assert listed["values"]["topic"] == "ExampleTopic"


def test_a_name_that_is_wrong_is_answered_with_the_right_one():
    error = refused("invoke", "--generate-event", "cloudwach", "logs")
    assert "there is no service cloudwach" in error and "Did you mean cloudwatch?" in error
    error = refused("invoke", "--generate-event", "s3", "putt")
    assert error == (
        "s3 has no event putt: it is one of put, delete, batch-invocation, batch-invocation-2,"
        " object-lambda, eventbridge. Did you mean put?"
    )
    error = refused("invoke", "--generate-event", "s3", "put", "--queue-name", "q")
    assert error.startswith("s3 put takes no queue-name: it is one of body, bucket, bucket-arn,")
    error = refused("invoke", "--generate-event", "s3", "put", "--set", "buckt=b")
    assert error.endswith("Did you mean bucket?")
    error = refused("invoke", "--generate-event", "iot", "rule", "--message", "{se")
    assert error == "message must be JSON: correct that value"
    error = refused("invoke", "Seeing", "--bucket", "b")
    assert error == "--bucket is for generated events: name one with --generate-event"


def test_an_event_of_ones_own_is_not_generated_as_well():
    process = tether("invoke", "--generate-event", "s3", "put", "--event", "event.json")
    assert process.code == 64
    assert any("cannot be used with" in line for line in process.stderr)
