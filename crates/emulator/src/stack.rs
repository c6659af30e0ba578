//! Stacks as CloudFormation describes them.

/// A stack as CloudFormation describes it.
pub(crate) struct StackRecord {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) created: String,
    /// Key, value, description.
    pub(crate) outputs: Vec<(String, String, Option<String>)>,
    pub(crate) resources: Vec<ResourceRecord>,
    pub(crate) roles: Vec<String>,
}

pub(crate) struct ResourceRecord {
    pub(crate) logical_id: String,
    pub(crate) physical_id: String,
    pub(crate) kind: String,
}

/// Types that become something, or that there is nothing to do for here.
pub(crate) const KNOWN: [&str; 21] = [
    "AWS::Serverless::Function",
    "AWS::Lambda::Function",
    "AWS::Serverless::LayerVersion",
    "AWS::Lambda::LayerVersion",
    "AWS::DynamoDB::Table",
    "AWS::Serverless::SimpleTable",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Deployment",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::IntegrationResponse",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApiGatewayV2::Stage",
    // A record.
    "AWS::Lambda::EventSourceMapping",
    // Permissions are not enforced yet; roles are known to STS.
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::Permission",
    // Logs go to the terminal.
    "AWS::Logs::LogGroup",
    "AWS::CloudFormation::WaitConditionHandle",
];
