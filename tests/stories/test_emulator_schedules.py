"""Rules and schedules of the cloud on the desk."""

import datetime
import json
import time

import pytest
from harness import Project

KEEPS = """
import json


def handler(event, context):
    print("got " + json.dumps(event))
"""

# A minute begins at most so long from now.
A_MINUTE = 75


def once(seconds):
    """A schedule's expression for so many seconds from now."""
    at = datetime.datetime.fromtimestamp(int(time.time()) + seconds, datetime.UTC)
    return f"at({at:%Y-%m-%dT%H:%M:%S})", f"{at:%Y-%m-%dT%H:%M:%SZ}"


def template(folder, expression):
    names = ("Raw", "Input", "Sam", "Off", "Two", "Zoned", "Wrong", "Cron")
    project = Project.of(folder, {name: KEEPS for name in names})
    text = json.loads(project.template.read_text())
    resources = text["Resources"]

    def schedule(name, **more):
        target = {"Arn": {"Fn::GetAtt": [name, "Arn"]}, "RoleArn": "arn:aws:iam::0:role/r"}
        target.update(more.pop("Target", {}))
        resources[f"{name}Schedule"] = {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": expression,
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": target,
                **more,
            },
        }

    def event(name, kind, **properties):
        events = {"Often": {"Type": kind, "Properties": properties}}
        resources[name]["Properties"]["Events"] = events

    schedule("Raw", Name="raw")
    words = '{"arn": "<aws.scheduler.schedule-arn>", "time": "<aws.scheduler.scheduled-time>"}'
    schedule("Input", Target={"Input": words}, ScheduleExpressionTimezone="UTC")
    schedule("Off", State="DISABLED")
    schedule("Zoned", ScheduleExpressionTimezone="Europe/Berlin")
    event("Sam", "ScheduleV2", ScheduleExpression=expression)
    event("Wrong", "Schedule", Schedule="cron(0 12 * * * *)")
    event("Cron", "Schedule", Schedule="cron(* * * * ? *)")
    resources["TwoRule"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "ScheduleExpression": "cron(* * * * ? *)",
            "Targets": [
                {"Id": "one", "Arn": {"Fn::GetAtt": ["Two", "Arn"]}, "Input": '{"target": 1}'},
                {"Id": "two", "Arn": {"Fn::GetAtt": ["Two", "Arn"]}, "Input": '{"target": 2}'},
            ],
        },
    }
    resources["TwoPermission"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Two"},
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": ["TwoRule", "Arn"]},
        },
    }
    project.write("template.yaml", json.dumps(text))
    return project


@pytest.fixture(scope="module")
def scheduled(clouds, tmp_path_factory):
    """A cloud, and when its schedules run: once it has been deployed for sure."""
    expression, at = once(6)
    folder = tmp_path_factory.mktemp("schedules")
    project = template(folder / "app", expression)
    return clouds({"app": project.template}, "--no-helper-stack"), at


def got(cloud, name, timeout=30):
    line = cloud.wait_for_log(name, "got ", timeout)
    return json.loads(line.removeprefix("got "))


def test_a_schedule_runs_its_function_once_with_the_event_that_aws_sends(scheduled):
    cloud, at = scheduled
    for name, schedule in (("Raw", "raw"), ("Sam", None)):
        event = got(cloud, name)
        assert len(event.pop("id")) == 36
        (arn,) = event.pop("resources")
        prefix = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/"
        assert arn.startswith(prefix + (schedule or "app-SamOften-"))
        assert event == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "000000000000",
            "time": at,
            "region": "us-east-1",
            "detail": "{}",
        }


def test_input_is_given_as_it_is_with_what_it_asks_for(scheduled):
    cloud, at = scheduled
    event = got(cloud, "Input")
    assert event["time"] == at
    assert ":schedule/default/app-InputSchedule-" in event["arn"]


def test_a_rule_runs_all_its_targets_in_the_minutes_of_its_cron(scheduled):
    cloud, _ = scheduled
    event = got(cloud, "Cron", A_MINUTE)
    assert (event["source"], event["detail"]) == ("aws.events", {})
    assert event["time"].endswith(":00Z")
    assert event["resources"][0].startswith("arn:aws:events:us-east-1:000000000000:rule/app-Cron")
    for target in (1, 2):
        cloud.wait_for_log("Two", f'got {{"target": {target}}}', A_MINUTE)


def test_what_is_off_or_not_played_runs_nothing(scheduled):
    cloud, _ = scheduled
    cloud.wait_for_notice("only UTC is emulated, and not Europe/Berlin")
    cloud.wait_for_notice("a cron(…) says its days of month or its days of week")
    # These were due at the same time.
    got(cloud, "Raw")
    got(cloud, "Cron", A_MINUTE)
    for name in ("Off", "Zoned", "Wrong"):
        assert cloud.log(name) == []
