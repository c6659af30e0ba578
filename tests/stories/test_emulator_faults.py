"""Faults on request: each does to a foreign client what its name says."""

import concurrent.futures
import json
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest
import websockets.exceptions
from harness import Cloud, echo, tether
from harness.echo import ask, connect, management
from harness.surroundings import PATIENCE, REGION

TABLE = "things"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return echo.project(tmp_path_factory.mktemp("echo") / "app")


@pytest.fixture(scope="module")
def cloud(clouds, deployed):
    cloud = clouds({"app": deployed.template}, "--no-helper-stack")
    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    return cloud


@pytest.fixture
def item(request):
    """A key that no other story has."""
    return {"id": {"S": request.node.name}}


@pytest.fixture
def meanwhile():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        yield pool.submit


def impatient(cloud, service, seconds=1):
    """A client that gives up soon."""
    return boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
        config=botocore.config.Config(read_timeout=seconds, retries={"total_max_attempts": 1}),
    )


def put(cloud, item):
    return cloud.client("dynamodb").put_item(TableName=TABLE, Item=item)


def stands(cloud, item):
    found = cloud.client("dynamodb").get_item(TableName=TABLE, Key=item, ConsistentRead=True)
    return "Item" in found


def refusal(call, **arguments):
    """Name, message and status of an error."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    error, about = answer["Error"], answer["ResponseMetadata"]
    return error["Code"], error["Message"], about["HTTPStatusCode"]


CALLS = {
    "lambda": lambda cloud: cloud.client("lambda").list_functions(),
    "dynamodb": lambda cloud: cloud.client("dynamodb").list_tables(),
    "sts": lambda cloud: cloud.client("sts").get_caller_identity(),
    "cloudformation": lambda cloud: cloud.client("cloudformation").describe_stacks(),
    "execute-api": lambda cloud: management(cloud).get_connection(ConnectionId="x"),
    "sqs": lambda cloud: cloud.client("sqs").list_queues(),
}


# ---- what becomes of a call


@pytest.mark.parametrize(
    ("service", "action", "code", "status"),
    [
        ("lambda", "ListFunctions", "ServiceException", 500),
        ("dynamodb", "ListTables", "ProvisionedThroughputExceededException", 400),
        ("dynamodb", "ListTables", "InternalServerError", 500),
        ("sts", "GetCallerIdentity", "ExpiredToken", 403),
        ("cloudformation", "DescribeStacks", "Throttling", 400),
        ("execute-api", "GetConnection", "LimitExceededException", 429),
        ("sqs", "ListQueues", "OverLimit", 403),
    ],
)
def test_a_call_is_refused_in_the_shape_of_its_service(cloud, service, action, code, status):
    effect = {"kind": "refuse", "status": status, "code": code, "message": "not <now>"}
    with cloud.fault(service=service, action=action, effect=effect) as fault:
        assert refusal(CALLS[service], cloud=cloud) == (code, "not <now>", status)
        hit = fault.wait_for_hit()
    assert hit == {
        "event": "fault",
        "id": fault.id,
        "service": service,
        "action": action,
        "principal": "outside",
    }


def test_a_call_that_is_refused_is_not_performed(cloud, item):
    effect = {"kind": "refuse", "status": 500, "code": "InternalServerError"}
    with cloud.fault(service="dynamodb", action="PutItem", effect=effect):
        assert refusal(put, cloud=cloud, item=item)[2] == 500
    assert not stands(cloud, item)
    put(cloud, item)
    assert stands(cloud, item)


def test_a_service_that_is_not_emulated_is_answered_by_a_rule(cloud):
    sqs = cloud.client("sqs")
    url = f"{cloud.endpoint}/000000000000/queue"
    attributes = {"Attributes": {"VisibilityTimeout": "30"}}
    effect = {"kind": "answer", "status": 200, "body": attributes, "headers": {"x-from": "a rule"}}
    with cloud.fault(service="sqs", action="GetQueueAttributes", effect=effect):
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        assert answer["Attributes"] == attributes["Attributes"]
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-from"] == "a rule"
    assert refusal(sqs.get_queue_attributes, QueueUrl=url)[2] == 501


def test_an_answer_is_given_as_it_is(cloud):
    xml = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    xml += "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    effect = {"kind": "answer", "status": 200, "body": xml}
    with cloud.fault(service="sts", action="GetCallerIdentity", effect=effect):
        assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_an_answer_is_patched(cloud):
    before = cloud.configuration("Echo")
    error = {"ErrorCode": "KMSAccessDeniedException", "Message": "no"}
    body = {"PackageType": "Image", "Handler": None, "Environment": {"Error": error}}
    effect = {"kind": "patch", "body": body}
    with cloud.fault(service="lambda", action="GetFunctionConfiguration", effect=effect):
        patched = cloud.configuration("Echo")
    assert patched["PackageType"] == "Image" and "Handler" not in patched
    assert patched["Environment"] == {**before.get("Environment", {}), "Error": error}
    assert patched["FunctionArn"] == before["FunctionArn"]
    assert cloud.configuration("Echo") == before


def test_an_answer_of_dynamodb_is_patched(cloud, item):
    put(cloud, item)
    effect = {"kind": "patch", "body": {"Item": {"more": {"N": "1"}}}}
    with cloud.fault(service="dynamodb", action="GetItem", effect=effect):
        answer = cloud.client("dynamodb").get_item(TableName=TABLE, Key=item)
    assert answer["Item"] == {**item, "more": {"N": "1"}}


def test_a_call_is_delayed(cloud, item):
    with cloud.fault(service="dynamodb", action="PutItem", effect={"kind": "delay", "ms": 300}):
        started = time.monotonic()
        put(cloud, item)
        assert time.monotonic() - started >= 0.3
    assert stands(cloud, item)


def test_an_answer_is_lost_and_the_write_stands(cloud, item):
    with cloud.fault(service="dynamodb", action="PutItem", effect="lose") as fault:
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            put(cloud, item)
        fault.wait_for_hit()
    assert stands(cloud, item)


def test_a_call_is_dropped_and_nothing_was_written(cloud, item):
    with cloud.fault(service="dynamodb", action="PutItem", effect="drop"):
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            put(cloud, item)
    assert not stands(cloud, item)


def test_a_silent_call_is_not_answered_until_its_caller_gives_up(cloud, item):
    with cloud.fault(service="dynamodb", action="PutItem", effect="silence"):
        with pytest.raises(botocore.exceptions.ReadTimeoutError):
            impatient(cloud, "dynamodb").put_item(TableName=TABLE, Item=item)
    assert not stands(cloud, item)


def test_a_silent_call_ends_without_an_answer_when_its_rule_is_lifted(cloud, item, meanwhile):
    with cloud.fault(service="dynamodb", action="PutItem", effect="silence") as fault:
        putting = meanwhile(put, cloud, item)
        fault.wait_for_hit()
        assert not putting.done()
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        putting.result(PATIENCE)
    assert not stands(cloud, item)


def test_a_call_is_held_before_it_is_performed(cloud, item, meanwhile):
    effect = {"kind": "hold", "when": "before"}
    with cloud.fault(service="dynamodb", action="PutItem", effect=effect) as fault:
        putting = meanwhile(put, cloud, item)
        fault.wait_for_hit()
        assert not stands(cloud, item)
        assert not putting.done()
    putting.result(PATIENCE)
    assert stands(cloud, item)


def test_a_call_is_held_after_it_was_performed(cloud, item, meanwhile):
    effect = {"kind": "hold", "when": "after"}
    with cloud.fault(service="dynamodb", action="PutItem", effect=effect) as fault:
        putting = meanwhile(put, cloud, item)
        fault.wait_for_hit()
        assert stands(cloud, item)
        assert not putting.done()
    putting.result(PATIENCE)


def test_a_call_that_is_held_happens_although_its_caller_has_given_up(cloud, item):
    effect = {"kind": "hold", "when": "before"}
    with cloud.fault(service="dynamodb", action="PutItem", effect=effect):
        with pytest.raises(botocore.exceptions.ReadTimeoutError):
            impatient(cloud, "dynamodb").put_item(TableName=TABLE, Item=item)
        assert not stands(cloud, item)
    cloud.process.wait_until(lambda: stands(cloud, item), "late write")


# ---- which calls


def test_a_rule_waits_for_a_text_lets_some_pass_and_ends_after_some(cloud, item):
    effect = {"kind": "refuse", "status": 400, "code": "ThrottlingException"}
    which = {"action": "PutItem", "contains": "ABANDONED", "skip": 1, "times": 1}
    with cloud.fault(service="dynamodb", effect=effect, **which) as fault:
        for _ in range(3):
            put(cloud, item)
        abandoned = {**item, "state": {"S": "ABANDONED"}}
        put(cloud, abandoned)
        assert refusal(put, cloud=cloud, item=abandoned)[0] == "ThrottlingException"
        put(cloud, abandoned)
        with urllib.request.urlopen(f"{cloud.endpoint}/_tether/faults") as answer:
            (row,) = json.load(answer)
        assert row == {"id": fault.id, "matches": 3, "hits": 1}
    assert len(fault.hits) == 1


def test_a_rule_for_a_role_is_not_about_others(cloud):
    effect = {"kind": "refuse", "status": 410, "code": "GoneException"}
    which = {"action": "PostToConnection", "principal": "EchoRole"}
    with cloud.fault(service="execute-api", effect=effect, **which) as fault:
        with connect(cloud) as socket:
            who = ask(socket, "who")
            management(cloud).post_to_connection(ConnectionId=who, Data=b"passes")
            assert socket.recv(timeout=PATIENCE) == "passes"
            socket.send("burst 1")
            assert "EchoRole" in fault.wait_for_hit()["principal"]


@pytest.mark.parametrize("at", ["api", "endpoint"])
def test_a_post_is_refused_at_either_address(cloud, at):
    effect = {"kind": "refuse", "status": 403, "code": "ForbiddenException"}
    with connect(cloud) as socket:
        who = ask(socket, "who")
        post = management(cloud, at).post_to_connection
        with cloud.fault(service="execute-api", contains="this one", effect=effect):
            post(ConnectionId=who, Data=b"another")
            refused = refusal(post, ConnectionId=who, Data=b"this one")
            assert refused[::2] == ("ForbiddenException", 403)
        assert socket.recv(timeout=PATIENCE) == "another"


def asked(cloud, method, path, body=None):
    """Status and answer of tether's own."""
    url = f"{cloud.endpoint}/_tether/faults{path}"
    request = urllib.request.Request(url, body, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_rule_that_cannot_be_is_refused_and_a_rule_is_lifted_once(cloud):
    status, answer = asked(cloud, "POST", "", b'{"service":"sqs","effect":{"kind":"explode"}}')
    assert status == 400 and "explode" in answer["message"]
    fault = cloud.fault(service="sqs", effect="drop")
    assert asked(cloud, "DELETE", f"/{fault.id}") == (200, {})
    assert asked(cloud, "DELETE", f"/{fault.id}")[0] == 404
    assert asked(cloud, "GET", "") == (200, [])


# ---- WebSockets


def ending(socket):
    """What still comes, and the close frame; none: the connection just ended."""
    came = []
    with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
        while True:
            came.append(socket.recv(timeout=PATIENCE))
    return came, end.value.rcvd


def test_a_handshake_is_refused(cloud):
    effect = {"kind": "refuse", "status": 503}
    with cloud.fault(service="websocket", action="connect", times=1, effect=effect):
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            connect(cloud)
        assert refused.value.response.status_code == 503
        with connect(cloud) as socket:
            assert ask(socket, "hello") == len("hello")


def test_a_handshake_is_never_answered(cloud):
    with cloud.fault(service="websocket", action="connect", effect="silence") as fault:
        with pytest.raises(TimeoutError):
            connect(cloud, open_timeout=1)
        fault.wait_for_hit()


def half_open(cloud, who):
    return cloud.fault(service="websocket", action="message", contains=who, effect="silence")


@pytest.mark.parametrize("direction", ["to the cloud", "to the client"])
def test_a_connection_is_half_open_from_a_message_on(cloud, direction):
    with connect(cloud) as socket, connect(cloud) as other:
        who = ask(socket, "who")
        post = management(cloud).post_to_connection
        with half_open(cloud, who) as fault:
            if direction == "to the cloud":
                socket.send("lost")
            else:
                post(ConnectionId=who, Data=b"lost")
            hit = fault.wait_for_hit()
            assert (hit["action"], hit["principal"]) == ("message", None)
            # API Gateway believes in it; far more than fits its buffer is lost.
            for _ in range(100):
                post(ConnectionId=who, Data=b"lost, too")
            socket.send("lost, too")
            pong = socket.ping()
            assert ask(other, "hello") == len("hello")
            assert management(cloud).get_connection(ConnectionId=who)["ConnectedAt"]
        assert ending(socket) == ([], None)
        assert not pong.is_set()
        cloud.wait_for_log("Echo", f"{who} disconnected with 1006")
        assert refusal(post, ConnectionId=who, Data=b"x")[0] == "GoneException"
        assert len(fault.hits) == 1


def test_a_half_open_connection_is_deleted_and_its_client_does_not_hear_of_it(cloud):
    client = management(cloud)
    with connect(cloud) as socket:
        who = ask(socket, "who")
        with half_open(cloud, who) as fault:
            socket.send("lost")
            fault.wait_for_hit()
            client.delete_connection(ConnectionId=who)
            cloud.wait_for_log("Echo", f"{who} disconnected with 1000")
            assert refusal(client.get_connection, ConnectionId=who)[0] == "GoneException"
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0.3)
        assert ending(socket) == ([], None)


def test_a_half_open_connection_is_idle_in_the_end(clouds, deployed):
    cloud = clouds({"app": deployed.template}, "--no-helper-stack", "--websocket-idle", "1")
    with connect(cloud) as socket:
        who = ask(socket, "who")
        with half_open(cloud, who):
            socket.send("lost")
            cloud.wait_for_log("Echo", f"{who} disconnected with 1001 Going away")
        assert ending(socket) == ([], None)


def test_an_emulator_that_holds_calls_ends_all_the_same(deployed, meanwhile):
    cloud = Cloud({"app": deployed.template}, "--no-helper-stack")
    try:
        with connect(cloud) as socket:
            silent = half_open(cloud, ask(socket, "who"))
            socket.send("lost")
            silent.wait_for_hit()
            before = {"kind": "hold", "when": "before"}
            held = cloud.fault(service="lambda", action="ListFunctions", effect=before)
            listing = meanwhile(cloud.client("lambda").list_functions)
            held.wait_for_hit()
            cloud.close()
            assert ending(socket) == ([], None)
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            listing.result(PATIENCE)
    finally:
        cloud.process.close()


# ---- how often


def test_more_calls_to_the_control_plane_than_its_rate_are_refused(clouds, deployed):
    cloud = clouds({"app": deployed.template}, "--no-helper-stack", "--control-plane-rate", "5")
    client, name = cloud.client("lambda"), cloud.function("Echo")

    def look():
        return client.get_function_configuration(FunctionName=name)

    for _ in range(5):
        look()
    with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
        for _ in range(200):
            look()
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Error"]["Message"] == "Rate exceeded"
    assert answer["Reason"] == "CallerRateLimitExceeded"
    # These have limits of their own.
    for _ in range(20):
        client.get_function(FunctionName=name)
    cloud.invoke("Echo")

    def is_served():
        try:
            return look()
        except client.exceptions.TooManyRequestsException:
            return None

    cloud.process.wait_until(is_served, "call that is served again")


def test_a_rate_of_nothing_is_refused():
    process = tether("emulator", "--control-plane-rate=0")
    assert process.code == 64
    assert any("--control-plane-rate" in line for line in process.stderr)
