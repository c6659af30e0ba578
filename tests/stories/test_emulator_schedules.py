"""Rules and schedules of the cloud on the desk."""

import datetime
import json
import pathlib
import re
import time
import zoneinfo

import pytest
from harness import Project

KEEPS = """
import json


def handler(event, context):
    print("got " + json.dumps(event))
"""

FAILS = """
def handler(event, context):
    raise RuntimeError("secret")
"""

# A minute begins at most so long from now.
A_MINUTE = 75


def once(seconds):
    """A schedule's expression for so many seconds from now."""
    at = datetime.datetime.fromtimestamp(int(time.time()) + seconds, datetime.UTC)
    return expression(at), f"{at:%Y-%m-%dT%H:%M:%SZ}"


def expression(at):
    return f"at({at:%Y-%m-%dT%H:%M:%S})"


def clocks_show(zone, at):
    """The same moment as an expression in a time zone."""
    moment = datetime.datetime.fromisoformat(at)
    return expression(moment.astimezone(zoneinfo.ZoneInfo(zone)))


ZONE = "Asia/Kathmandu"
WINDOW = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}
MADE = """{"at": <at>, "rule": "<aws.events.rule-name> ran", "first": <first>, "none": <none>}"""
PATHS = {"at": "$.time", "first": "$.resources[0]", "none": "$.detail.none"}


def template(folder, expression, at):
    names = (
        "Raw", "Input", "Sam", "Off", "Two", "Zoned", "Wrong", "Cron", "Bounded", "Ended", "Nowhere", "Made", "Fails",
    )  # fmt: skip
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
    schedule("Zoned", ScheduleExpression=clocks_show(ZONE, at), ScheduleExpressionTimezone=ZONE)
    schedule("Bounded", ScheduleExpression="rate(1 day)", StartDate=at, FlexibleTimeWindow=WINDOW)
    schedule("Ended", ScheduleExpression="rate(1 minute)", EndDate="2024-01-01T00:00:00Z")
    schedule("Fails")
    project.write("Fails/app.py", FAILS)
    event("Nowhere", "ScheduleV2", ScheduleExpression=expression, ScheduleExpressionTimezone="Europe/Berln")
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
    made = {"Fn::GetAtt": ["Made", "Arn"]}
    resources["MadeRule"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": "maker",
            "ScheduleExpression": "cron(* * * * ? *)",
            "Targets": [
                {"Id": "a", "Arn": made, "InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": MADE}},
                {"Id": "b", "Arn": made, "InputPath": "$.source"},
                {"Id": "c", "Arn": made, "InputPath": "$.detail.none"},
                {"Id": "d", "Arn": made, "InputPath": "$['source']"},
            ],
        },
    }
    for name in ("Two", "Made"):
        resources[f"{name}Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": name},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": [f"{name}Rule", "Arn"]},
            },
        }
    project.write("template.yaml", json.dumps(text, indent=1))
    return project


@pytest.fixture(scope="module")
def scheduled(clouds, tmp_path_factory):
    """A cloud, and when its schedules run: once it has been deployed for sure."""
    expression, at = once(15)
    folder = tmp_path_factory.mktemp("schedules")
    project = template(folder / "app", expression, at)
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


def test_a_schedule_runs_by_the_clocks_of_its_zone_and_from_its_start(scheduled):
    cloud, at = scheduled
    for name in ("Zoned", "Bounded"):
        assert got(cloud, name)["time"] == at
    cloud.wait_for_notice("it runs at the beginning of its window")


def test_a_rule_gives_a_part_of_its_event_or_what_its_template_makes(scheduled):
    cloud, _ = scheduled
    cloud.wait_for_log("Made", 'got "aws.events"', A_MINUTE)
    event = json.loads(cloud.wait_for_log("Made", "got {", A_MINUTE).removeprefix("got "))
    arn = "arn:aws:events:us-east-1:000000000000:rule/maker"
    assert event.pop("at").endswith(":00Z")
    assert event == {"rule": "maker ran", "first": arn, "none": ""}
    cloud.wait_for_notice("its event has no $.detail.none, which is its InputPath")
    cloud.wait_for_notice("$['source'] is no path that EventBridge knows")


def test_a_run_that_fails_is_said_by_what_it_is_and_not_by_what_it_says(scheduled):
    cloud, _ = scheduled
    notice = cloud.wait_for_notice("run by its schedule, failed with RuntimeError: see its log")
    assert "secret" not in notice


def test_what_is_off_or_not_played_runs_nothing(scheduled):
    cloud, _ = scheduled
    unknown = cloud.wait_for_notice("Europe/Berln is no time zone of IANA's database")
    assert unknown.endswith("Did you mean Europe/Berlin?")
    lines = (cloud.wait_for_notice("no run of it is left"), unknown)
    for notice, there in zip(lines, ("rate(1 minute)", "Europe/Berln"), strict=True):
        file, line = re.match(r"(.+template\.yaml):(\d+):", notice).groups()
        assert there in pathlib.Path(file).read_text().splitlines()[int(line) - 1]
    cloud.wait_for_notice("a cron(…) says its days of month or its days of week")
    # These were due at the same time.
    got(cloud, "Raw")
    got(cloud, "Cron", A_MINUTE)
    for name in ("Off", "Ended", "Nowhere", "Wrong"):
        assert cloud.log(name) == []
