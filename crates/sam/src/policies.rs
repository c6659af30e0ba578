//! What a SAM function's `Policies` become in the role that SAM makes for it: managed
//! policies, statements, and SAM's policy templates, the common ones.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-templates.html>

mod destinations;

use crate::evaluator::{Evaluator, Place};
use crate::problem::Position;
use crate::resources::Declaration;
use crate::tree::Node;

/// The policy that every function's role has: writing its logs.
const LOGS: &str = "service-role/AWSLambdaBasicExecutionRole";

/// What a policy template allows: actions on resources, whose `${Name}` are its parameters.
struct Grant(&'static [&'static str], &'static [&'static str]);

const QUEUE: &str = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${QueueName}";
const TABLE: &str =
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}";
const INDEXES: &str =
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}/index/*";
const BUCKET: &str = "arn:${AWS::Partition}:s3:::${BucketName}";
const OBJECTS: &str = "arn:${AWS::Partition}:s3:::${BucketName}/*";
const KEY: &str = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/${KeyId}";

const TEMPLATES: [(&str, &[Grant]); 19] = [
    (
        "SQSPollerPolicy",
        &[Grant(
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:ChangeMessageVisibilityBatch",
                "sqs:DeleteMessage",
                "sqs:DeleteMessageBatch",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            &[QUEUE],
        )],
    ),
    (
        "SQSSendMessagePolicy",
        &[Grant(&["sqs:SendMessage*"], &[QUEUE])],
    ),
    (
        "LambdaInvokePolicy",
        &[Grant(
            &["lambda:InvokeFunction"],
            &[
                "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${FunctionName}*",
            ],
        )],
    ),
    (
        "CloudWatchPutMetricPolicy",
        &[Grant(&["cloudwatch:PutMetricData"], &["*"])],
    ),
    (
        "DynamoDBCrudPolicy",
        &[Grant(
            &[
                "dynamodb:GetItem",
                "dynamodb:DeleteItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
                "dynamodb:ConditionCheckItem",
            ],
            &[TABLE, INDEXES],
        )],
    ),
    (
        "DynamoDBReadPolicy",
        &[Grant(
            &[
                "dynamodb:GetItem",
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
            ],
            &[TABLE, INDEXES],
        )],
    ),
    (
        "DynamoDBWritePolicy",
        &[Grant(
            &[
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
            ],
            &[TABLE, INDEXES],
        )],
    ),
    (
        "DynamoDBStreamReadPolicy",
        &[
            Grant(
                &[
                    "dynamodb:DescribeStream",
                    "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator",
                ],
                &[
                    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}/stream/${StreamName}",
                ],
            ),
            Grant(
                &["dynamodb:ListStreams"],
                &[
                    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}/stream/*",
                ],
            ),
        ],
    ),
    (
        "S3ReadPolicy",
        &[Grant(
            &[
                "s3:GetObject",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:GetObjectVersion",
                "s3:GetLifecycleConfiguration",
            ],
            &[BUCKET, OBJECTS],
        )],
    ),
    (
        "S3WritePolicy",
        &[Grant(
            &[
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:PutLifecycleConfiguration",
            ],
            &[BUCKET, OBJECTS],
        )],
    ),
    (
        "S3CrudPolicy",
        &[Grant(
            &[
                "s3:GetObject",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:GetObjectVersion",
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:GetLifecycleConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:DeleteObject",
            ],
            &[BUCKET, OBJECTS],
        )],
    ),
    (
        "SNSPublishMessagePolicy",
        &[Grant(
            &["sns:Publish"],
            &["arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${TopicName}"],
        )],
    ),
    (
        "VPCAccessPolicy",
        &[Grant(
            &[
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DetachNetworkInterface",
            ],
            &["*"],
        )],
    ),
    ("KMSDecryptPolicy", &[Grant(&["kms:Decrypt"], &[KEY])]),
    ("KMSEncryptPolicy", &[Grant(&["kms:Encrypt"], &[KEY])]),
    (
        "SSMParameterReadPolicy",
        &[
            Grant(&["ssm:DescribeParameters"], &["*"]),
            Grant(
                &[
                    "ssm:GetParameters",
                    "ssm:GetParameter",
                    "ssm:GetParametersByPath",
                ],
                &[
                    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${ParameterName}",
                ],
            ),
        ],
    ),
    (
        "StepFunctionsExecutionPolicy",
        &[Grant(
            &["states:StartExecution"],
            &[
                "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${StateMachineName}",
            ],
        )],
    ),
    (
        "AWSSecretsManagerGetSecretValuePolicy",
        &[Grant(&["secretsmanager:GetSecretValue"], &["${SecretArn}"])],
    ),
    (
        "EventBridgePutEventsPolicy",
        &[Grant(
            &["events:PutEvents"],
            &[
                "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}",
            ],
        )],
    ),
];

/// Managed policies that an event of this type brings.
const EVENTS: [(&str, &str); 3] = [
    ("SQS", "service-role/AWSLambdaSQSQueueExecutionRole"),
    ("DynamoDB", "service-role/AWSLambdaDynamoDBExecutionRole"),
    ("Kinesis", "service-role/AWSLambdaKinesisExecutionRole"),
];

/// Whether `name` is a policy template that is expanded here.
pub fn is_policy_template(name: &str) -> bool {
    TEMPLATES.iter().any(|(it, _)| *it == name)
}

/// The role's `ManagedPolicyArns`, and its `Policies`, if it has any.
pub(crate) fn of_role(
    logical_id: &str,
    function: &Declaration,
    evaluator: &mut Evaluator<'_>,
) -> (Node, Option<Node>) {
    let position = function.position;
    let mut managed = vec![managed_arn(position, LOGS)];
    managed.extend(needed(function).map(|it| managed_arn(position, it)));
    let mut policies = destinations::policies(logical_id, function, evaluator);
    let given = function.properties.member("Policies");
    let items = match given {
        None => &[],
        Some(node) => node.as_list().unwrap_or(std::slice::from_ref(node)),
    };
    for (index, item) in items.iter().enumerate() {
        let Some(item) = chosen(logical_id, item, evaluator) else {
            continue;
        };
        let name = format!("{logical_id}RolePolicy{index}");
        if item.member("Statement").is_some() {
            policies.push(named(position, &name, item.clone()));
        } else if let Some(document) = expanded(item) {
            policies.push(named(position, &name, document));
        } else if item.as_text().is_some() || item.intrinsic().is_some() {
            managed.push(match item.as_text() {
                Some(name) if !name.starts_with("arn:") => managed_arn(position, name),
                _ => item.clone(),
            });
        }
    }
    let policies = (!policies.is_empty()).then(|| Node::list(position, policies));
    (Node::list(position, managed), policies)
}

/// What else the function's properties need.
fn needed(function: &Declaration) -> impl Iterator<Item = &'static str> {
    let property = |name: &str| function.properties.member(name).filter(|it| !it.is_null());
    let tracing = property("Tracing").and_then(Node::as_text) == Some("Active");
    let tracing = tracing.then_some("AWSXRayDaemonWriteAccess");
    let vpc = property("VpcConfig").map(|_| "service-role/AWSLambdaVPCAccessExecutionRole");
    let events = property("Events").and_then(Node::as_map);
    let kinds: Vec<&str> = events
        .into_iter()
        .flatten()
        .filter_map(|(_, event)| event.value.member("Type").and_then(Node::as_text))
        .collect();
    let events = EVENTS
        .iter()
        .filter(move |(kind, _)| kinds.contains(kind))
        .map(|(_, policy)| *policy);
    tracing.into_iter().chain(vpc).chain(events)
}

/// An item once its conditions have chosen; none if it is left out.
fn chosen<'n>(logical_id: &str, item: &'n Node, evaluator: &mut Evaluator<'_>) -> Option<&'n Node> {
    let mut node = item;
    let mut place = Place::resource(logical_id);
    place.enter("Policies", node.position);
    while let Some(("Fn::If", argument)) = node.intrinsic() {
        node = evaluator.branch(argument, &place).ok()?;
    }
    (!node.is_no_value() && !node.is_null()).then_some(node)
}

fn managed_arn(position: Position, name: &str) -> Node {
    let arn = format!("arn:${{AWS::Partition}}:iam::aws:policy/{name}");
    Node::call(position, "Fn::Sub", Node::text(position, &arn))
}

fn named(position: Position, name: &str, document: Node) -> Node {
    let name = Node::text(position, name);
    Node::map(
        position,
        [("PolicyName", name), ("PolicyDocument", document)],
    )
}

/// A policy template with its parameters filled in.
fn expanded(item: &Node) -> Option<Node> {
    let members = item.as_map().filter(|it| it.len() == 1)?;
    let (name, member) = members.first()?;
    let (_, grants) = TEMPLATES.iter().find(|(it, _)| it == name)?;
    let position = item.position;
    let text = |text: &str| Node::text(position, text);
    let list = |texts: &[&str]| Node::list(position, texts.iter().map(|it| text(it)).collect());
    let statements = grants.iter().map(|Grant(actions, resources)| {
        let resources = resources.iter().map(|it| filled(it, &member.value));
        let members = [
            ("Effect", text("Allow")),
            ("Action", list(actions)),
            ("Resource", Node::list(position, resources.collect())),
        ];
        Node::map(position, members)
    });
    let statements = Node::list(position, statements.collect());
    Some(Node::map(
        position,
        [("Version", text("2012-10-17")), ("Statement", statements)],
    ))
}

/// `Fn::Sub` with the parameters that the text names.
fn filled(text: &str, parameters: &Node) -> Node {
    let position = parameters.position;
    let named = parameters.as_map().into_iter().flatten();
    let used = named.filter(|(name, _)| text.contains(&format!("${{{name}}}")));
    let values = used.map(|(name, member)| (name.as_str(), member.value.clone()));
    let values = Node::map(position, values);
    let arguments = Node::list(position, vec![Node::text(position, text), values]);
    Node::call(position, "Fn::Sub", arguments)
}
