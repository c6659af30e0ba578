//! AWS's managed policies, as far as functions commonly have them
//! (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html>).

use serde_json::{Value, json};

const LOGS: [&str; 3] = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

/// The document of one, by its ARN or name.
pub(super) fn document(arn: &str) -> Option<Value> {
    // Somebody's own may have the same name.
    if arn.starts_with("arn:") && !arn.contains(":iam::aws:policy/") {
        return None;
    }
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let actions: Vec<&str> = match name {
        "AWSLambdaBasicExecutionRole" => with_logs(&[]),
        "AWSLambdaVPCAccessExecutionRole" => with_logs(&VPC),
        "AWSLambdaSQSQueueExecutionRole" => with_logs(&[
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
        ]),
        "AWSLambdaDynamoDBExecutionRole" => with_logs(&[
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        ]),
        "AWSLambdaKinesisExecutionRole" => with_logs(&[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:ListStreams",
            "kinesis:SubscribeToShard",
        ]),
        "AWSLambdaRole" => vec!["lambda:InvokeFunction"],
        "AWSXRayDaemonWriteAccess" | "AWSXrayWriteOnlyAccess" => vec![
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ],
        "AmazonDynamoDBReadOnlyAccess" => vec![
            "dynamodb:BatchGetItem",
            "dynamodb:Describe*",
            "dynamodb:GetItem",
            "dynamodb:List*",
            "dynamodb:PartiQLSelect",
            "dynamodb:Query",
            "dynamodb:Scan",
        ],
        "AmazonDynamoDBFullAccess" | "AmazonDynamoDBFullAccess_v2" => vec!["dynamodb:*"],
        "AmazonS3ReadOnlyAccess" => vec!["s3:Get*", "s3:List*", "s3:Describe*"],
        "AmazonS3FullAccess" => vec!["s3:*"],
        "AmazonSQSFullAccess" => vec!["sqs:*"],
        "AWSLambda_FullAccess" => vec!["lambda:*"],
        "AWSLambda_ReadOnlyAccess" => vec!["lambda:Get*", "lambda:List*"],
        "AmazonAPIGatewayInvokeFullAccess" => {
            vec!["execute-api:Invoke", "execute-api:ManageConnections"]
        }
        "AdministratorAccess" => vec!["*"],
        _ => return None,
    };
    Some(json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    }))
}

const VPC: [&str; 5] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
];

fn with_logs(actions: &[&'static str]) -> Vec<&'static str> {
    LOGS.iter().chain(actions).copied().collect()
}
