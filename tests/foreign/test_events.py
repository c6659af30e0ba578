"""Generated events, read by what AWS gives Python functions to read them: Powertools.

Its models (pydantic) refuse what is not as AWS sends it; its data classes read fields by name.
"""

import importlib
import json

import pytest
from harness import tether

powertools = pytest.importorskip(
    "aws_lambda_powertools", reason="aws-lambda-powertools is not installed: make test-all does it"
)
from aws_lambda_powertools.utilities import data_classes  # noqa: E402
from aws_lambda_powertools.utilities.parser import models  # noqa: E402

MODELS = {
    "alb": {"request": "AlbModel"},
    "apigateway": {
        "aws-proxy": "APIGatewayProxyEventModel",
        "http-api-proxy": "APIGatewayProxyEventV2Model",
        "authorizer": "ApiGatewayAuthorizerToken",
        "request-authorizer": "ApiGatewayAuthorizerRequest",
        "http-api-authorizer": "ApiGatewayAuthorizerRequestV2",
        "websocket-connect": "APIGatewayWebSocketConnectEventModel",
        "websocket-message": "APIGatewayWebSocketMessageEventModel",
        "websocket-disconnect": "APIGatewayWebSocketDisconnectEventModel",
    },
    "appsync": {"resolver": "AppSyncResolverEventModel"},
    "autoscaling": {"launch-lifecycle-action": "EventBridgeModel"},
    "batch": {"job-state-change": "EventBridgeModel"},
    "cloudformation": {
        "create-request": "CloudFormationCustomResourceCreateModel",
        "update-request": "CloudFormationCustomResourceUpdateModel",
        "delete-request": "CloudFormationCustomResourceDeleteModel",
    },
    "cloudwatch": {"scheduled-event": "EventBridgeModel", "logs": "CloudWatchLogsModel"},
    "codebuild": {"build-state-change": "EventBridgeModel"},
    "codedeploy": {"deployment-state-change": "EventBridgeModel"},
    "codepipeline": {"pipeline-state-change": "EventBridgeModel"},
    "cognito": {
        "pre-sign-up": "CognitoPreSignupTriggerModel",
        "post-confirmation": "CognitoPostConfirmationTriggerModel",
        "pre-authentication": "CognitoPreAuthenticationTriggerModel",
        "post-authentication": "CognitoPostAuthenticationTriggerModel",
        "pre-token-generation": "CognitoPreTokenGenerationTriggerModelV1",
        "custom-message": "CognitoCustomMessageTriggerModel",
        "define-auth-challenge": "CognitoDefineAuthChallengeTriggerModel",
        "create-auth-challenge": "CognitoCreateAuthChallengeTriggerModel",
        "verify-auth-challenge": "CognitoVerifyAuthChallengeTriggerModel",
        "user-migration": "CognitoMigrateUserTriggerModel",
    },
    "dynamodb": {"update": "DynamoDBStreamModel"},
    "ecr": {"image-action": "EventBridgeModel", "image-scan": "EventBridgeModel"},
    "eventbridge": {
        "event": "EventBridgeModel",
        "scheduled-event": "EventBridgeModel",
        "ec2-state-change": "EventBridgeModel",
    },
    "function-url": {
        "request": "LambdaFunctionUrlModel",
        "request-iam": "LambdaFunctionUrlModel",
    },
    "iot": {"thing-registry": "iot_registry_events.IoTCoreThingEvent"},
    "kafka": {"msk": "KafkaMskEventModel", "self-managed": "KafkaSelfManagedEventModel"},
    "kinesis": {
        "get-records": "KinesisDataStreamModel",
        "kinesis-firehose": "KinesisFirehoseModel",
        "streams-as-source": "KinesisFirehoseModel",
        "cloudwatch-logs-processor": "KinesisFirehoseModel",
    },
    "rekognition": {"s3-request": "S3Model", "video-analysis": "SnsModel"},
    "s3": {
        "put": "S3Model",
        "delete": "S3Model",
        "batch-invocation": "S3BatchOperationModel",
        "batch-invocation-2": "S3BatchOperationModel",
        "object-lambda": "S3ObjectLambdaEvent",
        "eventbridge": "S3EventNotificationEventBridgeModel",
    },
    "ses": {"email-receiving": "SesModel"},
    "sns": {"notification": "SnsModel"},
    "sqs": {"receive-message": "SqsModel", "receive-fifo-message": "SqsModel"},
    "stepfunctions": {"execution-status-change": "EventBridgeModel"},
    "vpc-lattice": {"request-v1": "VpcLatticeModel"},
}

# There is no model, but a class that knows the fields: which to read, and what of.
CLASSES = {
    "alb": {"request-multi-value-headers": ("ALBEvent", "http_method path body")},
    "appsync": {
        "authorizer": (
            "appsync_authorizer_event.AppSyncAuthorizerEvent",
            "authorization_token request_context.operation_name request_context.variables",
        )
    },
    "cloudwatch": {
        "alarm": (
            "CloudWatchAlarmEvent",
            "alarm_arn alarm_data.alarm_name alarm_data.state.value"
            " alarm_data.state.reason_data alarm_data.configuration.metrics",
        )
    },
    "codedeploy": {
        "lifecycle-hook": (
            "CodeDeployLifecycleHookEvent",
            "deployment_id lifecycle_event_hook_execution_id",
        )
    },
    "codepipeline": {
        "job": (
            "CodePipelineJobEvent",
            "get_id account_id data.input_artifacts data.output_artifacts"
            " data.artifact_credentials.access_key_id user_parameters input_bucket_name",
        )
    },
    "config": {
        name: ("AWSConfigRuleEvent", "accountid config_rule_arn rule_parameters invoking_event")
        for name in (
            "item-change-notification",
            "oversized-item-change-notification",
            "periodic-rule",
        )
    },
    "connect": {
        "contact-flow-event": (
            "ConnectContactFlowEvent",
            "contact_data.contact_id contact_data.channel contact_data.instance_arn parameters"
            " contact_data.customer_endpoint.address contact_data.system_endpoint.address",
        )
    },
    "mq": {
        "activemq": (
            "active_mq_event.ActiveMQEvent",
            "event_source_arn message.message_id message.decoded_data"
            " message.destination_physicalname message.correlation_id message.timestamp",
        ),
        "rabbitmq": (
            "rabbit_mq_event.RabbitMQEvent",
            "event_source_arn rmq_messages_by_queue",
        ),
    },
    # Of the model each header has one value; AWS documents a list of them.
    "vpc-lattice": {
        "request": (
            "VPCLatticeEventV2",
            "version path method body headers query_string_parameters"
            " request_context.service_arn request_context.identity.source_vpc_arn"
            " request_context.time_epoch",
        )
    },
    "secretsmanager": {"rotation": ("SecretsManagerEvent", "secret_id client_request_token step")},
}

# Powertools knows nothing of these.
NEITHER = {
    "alexa-skills-kit": {"start-session", "intent", "end-session"},
    "alexa-smart-home": {"discovery", "turn-on", "turn-off"},
    "batch": {"submit-job", "get-job"},
    "cloudfront": {"viewer-request", "viewer-response", "origin-request", "origin-response"},
    "codecommit": {"repository"},
    "cognito": {"sync-trigger"},
    "documentdb": {"insert", "delete"},
    # Its `detail` is a text, which is what AWS documents; the model wants an object.
    "eventbridge": {"schedule"},
    "iot": {"rule", "custom-authorizer", "button"},
    "kinesis": {"analytics", "analytics-compressed", "analytics-output"},
    "lex": {"dialog-code-hook", "fulfillment-code-hook"},
    "lex-v2": {"dialog-code-hook"},
    "sagemaker": {"ground-truth-pre-human", "ground-truth-annotation-consolidation"},
    "stepfunctions": {"error"},
    "workmail": {"email"},
}


def generated(*names):
    ran = tether("--json", "generate-event", *names)
    assert ran.code == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout]


def pairs(table):
    return [(service, event) for service, events in table.items() for event in events]


def named(package, name):
    """`Model`, or `module.Model` where the package does not have it at its root."""
    module, _, name = name.rpartition(".")
    if module:
        package = importlib.import_module(f"{package.__name__}.{module}")
    return getattr(package, name)


def test_every_event_is_here():
    there = [(it["service"], it["name"]) for it in generated()]
    assert sorted(there) == sorted(pairs(MODELS) + pairs(CLASSES) + pairs(NEITHER))


@pytest.mark.parametrize(("service", "event"), pairs(MODELS))
def test_the_model_takes_the_event(service, event):
    (made,) = generated(service, event)
    named(models, MODELS[service][event]).model_validate(made)


@pytest.mark.parametrize(("service", "event"), pairs(CLASSES))
def test_the_class_finds_its_fields(service, event):
    name, paths = CLASSES[service][event]
    (made,) = generated(service, event)
    for path in paths.split():
        found = named(data_classes, name)(made)
        for attribute in path.split("."):
            found = getattr(found, attribute)
        assert found is not None, path


def test_what_is_packed_is_read():
    (made,) = generated("cloudwatch", "logs", "--message", "it broke")
    parsed = models.CloudWatchLogsModel.model_validate(made)
    assert parsed.awslogs.decoded_data.logEvents[0].message == "it broke"
    (made,) = generated("kinesis", "get-records", "--data", "Zürich")
    (record,) = models.KinesisDataStreamModel.model_validate(made).Records
    assert record.kinesis.data == "Zürich".encode()
    (made,) = generated("kafka", "msk", "--message", "Zürich", "--topic", "t")
    (record,) = models.KafkaMskEventModel.model_validate(made).records["t-0"]
    assert record.value == "Zürich"
