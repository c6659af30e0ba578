//! Every event is read by the type that the crate `aws_lambda_events` has for it, and what that
//! type writes again is what we wrote: a field that it does not know would be missing there.

use aws_lambda_events::event as typed;
use std::collections::{BTreeMap, BTreeSet};

#[path = "types_of_others/reading.rs"]
mod reading;
use reading::{Check, read_by};

macro_rules! types {
    ($($service:literal { $($event:literal => $type:ty $(, but $lost:literal)*;)* })*) => {
        const TYPES: &[(&str, &str, Check, &[&str])] = &[$($(
            ($service, $event, read_by::<$type>, &[$($lost),*]),
        )*)*];
    };
}

// What stands behind `but` is AWS's and is not in the type, or is written by it in another way:
// logs are packed again, reasons are JSON again, a time of Kinesis loses its decimals. Who calls
// AppSync is IAM's for the type, whoever it is.
types! {
    "alb" {
        "request" => typed::alb::AlbTargetGroupRequest;
        "request-multi-value-headers" => typed::alb::AlbTargetGroupRequest;
    }
    "apigateway" {
        "aws-proxy" => typed::apigw::ApiGatewayProxyRequest,
            but ".requestContext.extendedRequestId",
            but ".requestContext.deploymentId";
        "http-api-proxy" => typed::apigw::ApiGatewayV2httpRequest;
        "authorizer" => typed::apigw::ApiGatewayCustomAuthorizerRequest;
        "request-authorizer" => typed::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest,
            but ".requestContext.extendedRequestId",
            but ".requestContext.requestTime",
            but ".requestContext.protocol",
            but ".requestContext.domainPrefix",
            but ".requestContext.requestTimeEpoch",
            but ".requestContext.identity.userAgent",
            but ".requestContext.domainName",
            but ".requestContext.deploymentId";
        "http-api-authorizer" => typed::apigw::ApiGatewayV2CustomAuthorizerV2Request;
        "websocket-connect" => typed::apigw::ApiGatewayWebsocketProxyRequest;
        "websocket-message" => typed::apigw::ApiGatewayWebsocketProxyRequest;
        "websocket-disconnect" => typed::apigw::ApiGatewayWebsocketProxyRequest;
    }
    "appsync" {
        "resolver" => typed::appsync::AppSyncDirectResolverEvent,
            but ".identity.claims",
            but ".identity.defaultAuthStrategy",
            but ".identity.issuer",
            but ".identity.sub";
        "authorizer" => typed::appsync::AppSyncLambdaAuthorizerRequest,
            but ".requestHeaders";
    }
    "autoscaling" {
        "launch-lifecycle-action" => typed::autoscaling::AutoScalingEvent;
    }
    "batch" {
        "job-state-change" => typed::eventbridge::EventBridgeEvent;
    }
    "cloudformation" {
        "create-request" => typed::cloudformation::CloudFormationCustomResourceRequest;
        "update-request" => typed::cloudformation::CloudFormationCustomResourceRequest;
        "delete-request" => typed::cloudformation::CloudFormationCustomResourceRequest;
    }
    "cloudwatch" {
        "scheduled-event" => typed::cloudwatch_events::CloudWatchEvent;
        "logs" => typed::cloudwatch_logs::LogsEvent,
            but ".awslogs.data";
        "alarm" => typed::cloudwatch_alarms::CloudWatchMetricAlarm,
            but ".alarmData.state.reasonData",
            but ".alarmData.previousState.reasonData";
    }
    "codebuild" {
        "build-state-change" => typed::codebuild::CodeBuildEvent;
    }
    "codecommit" {
        "repository" => typed::code_commit::CodeCommitEvent;
    }
    "codedeploy" {
        "lifecycle-hook" => typed::codedeploy::CodeDeployLifecycleEvent;
        "deployment-state-change" => typed::codedeploy::CodeDeployEvent;
    }
    "codepipeline" {
        "job" => typed::codepipeline_job::CodePipelineJobEvent;
        "pipeline-state-change" => typed::codepipeline_cloudwatch::CodePipelineCloudWatchEvent;
    }
    "cognito" {
        "sync-trigger" => typed::cognito::CognitoEvent;
        "pre-sign-up" => typed::cognito::CognitoEventUserPoolsPreSignup;
        "post-confirmation" => typed::cognito::CognitoEventUserPoolsPostConfirmation;
        "pre-authentication" => typed::cognito::CognitoEventUserPoolsPreAuthentication,
            but ".request.userNotFound";
        "post-authentication" => typed::cognito::CognitoEventUserPoolsPostAuthentication;
        "pre-token-generation" => typed::cognito::CognitoEventUserPoolsPreTokenGen;
        "custom-message" => typed::cognito::CognitoEventUserPoolsCustomMessage;
        "define-auth-challenge" => typed::cognito::CognitoEventUserPoolsDefineAuthChallenge;
        "create-auth-challenge" => typed::cognito::CognitoEventUserPoolsCreateAuthChallenge;
        "verify-auth-challenge" => typed::cognito::CognitoEventUserPoolsVerifyAuthChallenge;
        "user-migration" => typed::cognito::CognitoEventUserPoolsMigrateUser;
    }
    "config" {
        "item-change-notification" => typed::config::ConfigEvent;
        "oversized-item-change-notification" => typed::config::ConfigEvent;
        "periodic-rule" => typed::config::ConfigEvent;
    }
    "connect" {
        "contact-flow-event" => typed::connect::ConnectEvent;
    }
    "documentdb" {
        "insert" => typed::documentdb::DocumentDbEvent,
            but ".events[].event.fullDocument";
        "delete" => typed::documentdb::DocumentDbEvent;
    }
    "dynamodb" {
        "update" => typed::dynamodb::Event;
    }
    "ecr" {
        "image-action" => typed::eventbridge::EventBridgeEvent;
        "image-scan" => typed::ecr_scan::EcrScanEvent;
    }
    "eventbridge" {
        "event" => typed::eventbridge::EventBridgeEvent;
        "scheduled-event" => typed::eventbridge::EventBridgeEvent;
        "schedule" => typed::eventbridge::EventBridgeEvent;
        "ec2-state-change" => typed::eventbridge::EventBridgeEvent;
    }
    "function-url" {
        "request" => typed::lambda_function_urls::LambdaFunctionUrlRequest,
            but ".routeKey",
            but ".requestContext.routeKey",
            but ".requestContext.stage";
        "request-iam" => typed::lambda_function_urls::LambdaFunctionUrlRequest,
            but ".routeKey",
            but ".requestContext.routeKey",
            but ".requestContext.stage";
    }
    "iot" {
        "custom-authorizer" => typed::iot::IoTCoreCustomAuthorizerRequest;
        "button" => typed::iot_button::IoTButtonEvent;
    }
    "kafka" {
        "msk" => typed::kafka::KafkaEvent;
        "self-managed" => typed::kafka::KafkaEvent;
    }
    "kinesis" {
        "get-records" => typed::kinesis::KinesisEvent,
            but ".Records[].kinesis.approximateArrivalTimestamp";
        "kinesis-firehose" => typed::firehose::KinesisFirehoseEvent;
        "streams-as-source" => typed::firehose::KinesisFirehoseEvent;
        "cloudwatch-logs-processor" => typed::firehose::KinesisFirehoseEvent;
        "analytics-output" => typed::kinesis::analytics::KinesisAnalyticsOutputDeliveryEvent,
            but ".records[].lambdaDeliveryRecordMetadata";
    }
    "lex" {
        "dialog-code-hook" => typed::lex::LexEvent;
        "fulfillment-code-hook" => typed::lex::LexEvent;
    }
    "mq" {
        "activemq" => typed::activemq::ActiveMqEvent;
        "rabbitmq" => typed::rabbitmq::RabbitMqEvent;
    }
    "rekognition" {
        "s3-request" => typed::s3::S3Event;
        "video-analysis" => typed::sns::SnsEvent;
    }
    "s3" {
        "put" => typed::s3::S3Event;
        "delete" => typed::s3::S3Event;
        "batch-invocation" => typed::s3::batch_job::S3BatchJobEvent;
        "object-lambda" => typed::s3::object_lambda::S3ObjectLambdaEvent,
            but ".userIdentity.userName";
        "eventbridge" => typed::eventbridge::EventBridgeEvent;
    }
    "secretsmanager" {
        "rotation" => typed::secretsmanager::SecretsManagerSecretRotationEvent,
            but ".RotationToken";
    }
    "ses" {
        "email-receiving" => typed::ses::SimpleEmailEvent;
    }
    "sns" {
        "notification" => typed::sns::SnsEvent;
    }
    "sqs" {
        "receive-message" => typed::sqs::SqsEvent;
        "receive-fifo-message" => typed::sqs::SqsEvent;
    }
    "stepfunctions" {
        "execution-status-change" => typed::eventbridge::EventBridgeEvent;
    }
    "vpc-lattice" {
        "request" => typed::vpc_lattice::VpcLatticeRequestV2;
        "request-v1" => typed::vpc_lattice::VpcLatticeRequestV1;
    }
}

/// The crate has no type for these.
const NO_TYPE: &[(&str, &[&str])] = &[
    (
        "alexa-skills-kit",
        &["end-session", "intent", "start-session"],
    ),
    ("alexa-smart-home", &["discovery", "turn-off", "turn-on"]),
    ("batch", &["get-job", "submit-job"]),
    (
        "cloudfront",
        &[
            "origin-request",
            "origin-response",
            "viewer-request",
            "viewer-response",
        ],
    ),
    ("iot", &["rule", "thing-registry"]),
    ("kinesis", &["analytics", "analytics-compressed"]),
    ("lex-v2", &["dialog-code-hook"]),
    ("s3", &["batch-invocation-2"]),
    (
        "sagemaker",
        &[
            "ground-truth-annotation-consolidation",
            "ground-truth-pre-human",
        ],
    ),
    ("stepfunctions", &["error"]),
    ("workmail", &["email"]),
];

/// In 2026.
const NOW: u64 = 1_795_694_401_250;

#[test]
fn every_event_is_read_by_its_type_without_a_loss() {
    let mut wrong = Vec::new();
    for (service, name, check, lost) in TYPES {
        let event = tether_events::find(service, name).unwrap();
        let event = event.generate(&BTreeMap::new(), NOW).unwrap();
        match check(&event) {
            Err(error) => wrong.push(format!("{service} {name} is not read: {error}")),
            Ok(found) if found != *lost => {
                wrong.push(format!("{service} {name} loses {}", found.join(", ")));
            }
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_event_has_a_type_or_is_said_to_have_none() {
    let known = TYPES.iter().map(|it| (it.0, it.1.to_owned()));
    let without = NO_TYPE
        .iter()
        .flat_map(|(service, events)| events.iter().map(|it| (*service, (*it).to_owned())));
    let said: Vec<_> = known.chain(without).collect();
    let there = tether_events::services()
        .iter()
        .flat_map(|it| it.events().unwrap())
        .map(|it| (it.service, it.name))
        .collect::<BTreeSet<_>>();
    assert_eq!(said.len(), there.len());
    assert_eq!(said.into_iter().collect::<BTreeSet<_>>(), there);
}

#[test]
fn a_field_that_a_type_does_not_know_is_found() {
    let event = tether_events::find("s3", "put").unwrap();
    let mut event = event.generate(&BTreeMap::new(), NOW).unwrap();
    event["Records"][0]["s3"]["bucket"]["nmae"] = "misspelt".into();
    let lost = read_by::<typed::s3::S3Event>(&event).unwrap();
    assert_eq!(lost, [".Records[].s3.bucket.nmae"]);
}
