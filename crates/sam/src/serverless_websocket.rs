//! `AWS::Serverless::WebSocketApi`: the raw resources that SAM makes of it, under SAM's names.
//!
//! What comes after this knows raw resources only. Logical ids, properties and refusals are the
//! translator's (`samtranslator/model/api/websocket_api_generator.py`); tests hold them against its
//! own.
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-websocketapi.html>

use crate::problem::{Position, Report};
use crate::resources::{Declaration, Declarations};
use crate::tree::{Members, Node};

const KIND: &str = "AWS::Serverless::WebSocketApi";

/// What is passed on as it is, under the same name.
const OF_API: [&str; 6] = [
    "ApiKeySelectionExpression",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "IpAddressType",
    "RouteSelectionExpression",
];
const OF_STAGE: [&str; 4] = [
    "AccessLogSettings",
    "DefaultRouteSettings",
    "RouteSettings",
    "StageVariables",
];
const OF_ROUTE: [&str; 6] = [
    "ApiKeyRequired",
    "ModelSelectionExpression",
    "OperationName",
    "RequestModels",
    "RequestParameters",
    "RouteResponseSelectionExpression",
];
/// What must be a map if it is there.
const MAPS: [&str; 5] = [
    "AccessLogSettings",
    "Auth",
    "DefaultRouteSettings",
    "RouteSettings",
    "StageVariables",
];

/// Puts the raw resources in the place of each of SAM's.
pub(crate) fn expand(resources: &mut Declarations, report: &mut Report) {
    if !resources.values().any(|it| it.kind == KIND) {
        return;
    }
    let mut added = Declarations::new();
    let declared = std::mem::take(resources);
    for (logical_id, declaration) in declared {
        if declaration.kind == KIND {
            let api = SamApi {
                id: &logical_id,
                declaration: &declaration,
                report: &mut *report,
            };
            resources.insert(logical_id.clone(), api.api());
            added.extend(api.parts());
        } else {
            resources.insert(logical_id, declaration);
        }
    }
    for (logical_id, part) in added {
        resources.entry(logical_id).or_insert(part);
    }
}

struct SamApi<'a> {
    id: &'a str,
    declaration: &'a Declaration,
    report: &'a mut Report,
}

impl SamApi<'_> {
    fn property(&self, name: &str) -> Option<&Node> {
        let value = self.declaration.properties.member(name);
        value.filter(|it| !it.is_null() && !it.is_no_value())
    }

    fn at(&self) -> Position {
        self.declaration.position
    }

    fn text(&self, text: &str) -> Node {
        Node::text(self.at(), text)
    }

    fn reference(&self, id: &str) -> Node {
        Node::call(self.at(), "Ref", self.text(id))
    }

    /// A part of it, under its conditions.
    fn part(&self, kind: &str, properties: Vec<(&str, Node)>) -> Declaration {
        let mut properties = properties;
        if kind != "AWS::Lambda::Permission" {
            properties.insert(0, ("ApiId", self.reference(self.id)));
        }
        let mut part = Declaration::added(kind, Node::map(self.at(), properties));
        part.condition.clone_from(&self.declaration.condition);
        part.live = self.declaration.live;
        part
    }

    /// The API itself: it keeps its id, and with it whatever refers to it.
    fn api(&self) -> Declaration {
        let name = self.property("Name").cloned();
        let mut properties = vec![
            ("Name", name.unwrap_or_else(|| self.text(self.id))),
            ("ProtocolType", self.text("WEBSOCKET")),
        ];
        let given = |name: &'static str| Some((name, self.property(name)?.clone()));
        properties.extend(OF_API.iter().filter_map(|name| given(name)));
        Declaration {
            kind: "AWS::ApiGatewayV2::Api".to_owned(),
            properties: Node::map(self.at(), properties),
            ..self.declaration.clone()
        }
    }

    fn parts(mut self) -> Vec<(String, Declaration)> {
        self.check_shapes();
        let routes = self.routes();
        let mut parts = Vec::new();
        if let Some(auth) = self.property("Auth").cloned() {
            self.check_auth(&auth, &routes);
            if kind_of(&auth) == Some("CUSTOM") {
                parts.extend(self.authorizer(&auth));
            }
        }
        for (key, route) in &routes {
            parts.extend(self.route(key, route));
        }
        parts.push(self.stage());
        parts
    }

    fn wrong(&mut self, position: Position, property: &str, message: impl Into<String>) {
        let property = Some(property);
        self.report.resource(position, self.id, property, message);
    }

    fn check_shapes(&mut self) {
        for name in MAPS {
            let Some(value) = self.property(name) else {
                continue;
            };
            if value.as_map().is_none() {
                let (position, what) = (value.position, value.what());
                self.wrong(
                    position,
                    name,
                    format!("it must be a map, but it is {what}."),
                );
            }
        }
        for name in ["RouteSelectionExpression", "Routes"] {
            if self.property(name).is_none() {
                let message = format!("{KIND} needs this property.");
                self.wrong(self.at(), name, message);
            }
        }
        let stage = self.property("StageName");
        if let Some(stage) = stage.filter(|it| it.as_text() == Some("$default")) {
            let message = "a stage of a WebSocket API cannot be called $default; rename it.";
            self.wrong(stage.position, "StageName", message);
        }
    }

    fn routes(&mut self) -> Members {
        let Some(routes) = self.property("Routes").cloned() else {
            return Members::new();
        };
        match routes.as_map() {
            Some(members) if !members.is_empty() => members.clone(),
            _ => {
                let message = "it must be a map of route keys, with one at least.";
                self.wrong(routes.position, "Routes", message);
                Members::new()
            }
        }
    }

    fn check_auth(&mut self, auth: &Node, routes: &Members) {
        let more = auth.as_map().is_some_and(|it| it.len() > 1);
        let given = auth.member("AuthType").and_then(Node::as_text);
        let kind = given.map(str::to_ascii_uppercase);
        let message = match kind.as_deref() {
            None => "AuthType is missing: AWS_IAM, CUSTOM or NONE.",
            Some("CUSTOM") if auth.member("AuthArn").is_none() => {
                "AuthType CUSTOM needs AuthArn, the function that decides."
            }
            Some("AWS_IAM" | "NONE") if more => {
                "AuthType AWS_IAM and NONE stand alone; remove the other properties."
            }
            Some("AWS_IAM" | "CUSTOM" | "NONE") if !routes.contains_key("$connect") => {
                "it is asked on $connect, and there is no such route; add it."
            }
            Some("AWS_IAM" | "CUSTOM" | "NONE") => return,
            Some(_) => "AuthType must be AWS_IAM, CUSTOM or NONE.",
        };
        self.wrong(auth.position, "Auth", message);
    }

    fn authorizer(&self, auth: &Node) -> Vec<(String, Declaration)> {
        let id = format!("{}ConnectAuthorizer", self.id);
        let given = |name: &str| auth.member(name).cloned();
        let name = given("Name").unwrap_or_else(|| self.text(&id));
        let function = given("AuthArn").unwrap_or_else(|| self.text(""));
        let mut properties = vec![
            ("AuthorizerType", self.text("REQUEST")),
            ("AuthorizerUri", self.uri(&function)),
            ("Name", name),
        ];
        let sources = given("IdentitySource").map(|it| ("IdentitySource", it));
        properties.extend(sources);
        let role = given("InvokeRole").map(|it| ("AuthorizerCredentialsArn", it));
        let has_role = role.is_some();
        properties.extend(role);
        let authorizer = self.part("AWS::ApiGatewayV2::Authorizer", properties);
        let mut parts = vec![(id, authorizer)];
        if !has_role {
            let permission = self.permission(&function, "authorizers/*");
            parts.push((format!("{}AuthorizerPermission", self.id), permission));
        }
        parts
    }

    fn uri(&self, function: &Node) -> Node {
        let uri = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${FunctionArn}/invocations";
        let names = Node::map(self.at(), [("FunctionArn", function.clone())]);
        let arguments = vec![self.text(uri), names];
        Node::call(self.at(), "Fn::Sub", Node::list(self.at(), arguments))
    }

    fn permission(&self, function: &Node, part: &str) -> Declaration {
        // `Ref` is what `ApiId` is.
        let source = format!(
            "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{}}}/{part}",
            self.id
        );
        let source = Node::call(self.at(), "Fn::Sub", self.text(&source));
        let properties = vec![
            ("Action", self.text("lambda:InvokeFunction")),
            ("FunctionName", function.clone()),
            ("Principal", self.text("apigateway.amazonaws.com")),
            ("SourceArn", source),
        ];
        self.part("AWS::Lambda::Permission", properties)
    }

    fn stage_name(&self) -> Node {
        let name = self.property("StageName").cloned();
        name.unwrap_or_else(|| self.text("default"))
    }

    fn route(&mut self, key: &str, member: &crate::tree::Member) -> Vec<(String, Declaration)> {
        let path = format!("Routes.{key}");
        let plain = ["$connect", "$disconnect", "$default"].contains(&key);
        if !plain && (key.is_empty() || !key.chars().all(char::is_alphanumeric)) {
            let message = "a route key has letters and digits only, or is $connect, $disconnect or $default; AWS::ApiGatewayV2::Route takes others.";
            self.wrong(member.key, &path, message);
        }
        let route = &member.value;
        let Some(function) = route.member("FunctionArn") else {
            self.wrong(
                member.key,
                &path,
                "a route needs FunctionArn, the function that answers.",
            );
            return Vec::new();
        };
        if let Some(parameters) = route
            .member("RequestParameters")
            .filter(|_| key != "$connect")
        {
            let message = "only $connect has request parameters; remove them.";
            self.wrong(parameters.position, &path, message);
        }
        let base = format!("{}{}", self.id, capitalized(key.trim_start_matches('$')));
        let integration = format!("{base}Integration");
        let parts = vec![self.text("integrations"), self.reference(&integration)];
        let join = vec![self.text("/"), Node::list(self.at(), parts)];
        let target = Node::call(self.at(), "Fn::Join", Node::list(self.at(), join));
        let mut properties = vec![("RouteKey", self.text(key)), ("Target", target)];
        let given = |name: &'static str| Some((name, route.member(name)?.clone()));
        properties.extend(OF_ROUTE.iter().filter_map(|name| given(name)));
        if key == "$connect" {
            properties.extend(self.authorization());
        }
        let mut answered = vec![
            ("IntegrationType", self.text("AWS_PROXY")),
            ("IntegrationUri", self.uri(function)),
        ];
        let timeout = route.member("IntegrationTimeout").cloned();
        answered.extend(timeout.map(|it| ("TimeoutInMillis", it)));
        let stage = match self.stage_name().as_text() {
            Some(name) => name.to_owned(),
            // One that is a function's value: any stage of this API.
            None => "*".to_owned(),
        };
        vec![
            (
                format!("{base}Permission"),
                self.permission(function, &format!("{stage}/{key}")),
            ),
            (
                integration,
                self.part("AWS::ApiGatewayV2::Integration", answered),
            ),
            (
                format!("{base}Route"),
                self.part("AWS::ApiGatewayV2::Route", properties),
            ),
        ]
    }

    fn authorization(&self) -> Vec<(&'static str, Node)> {
        let Some(auth) = self.property("Auth") else {
            return Vec::new();
        };
        match kind_of(auth) {
            Some("CUSTOM") => vec![
                ("AuthorizationType", self.text("CUSTOM")),
                (
                    "AuthorizerId",
                    self.reference(&format!("{}ConnectAuthorizer", self.id)),
                ),
            ],
            Some("AWS_IAM") => vec![("AuthorizationType", self.text("AWS_IAM"))],
            _ => vec![("AuthorizationType", self.text("NONE"))],
        }
    }

    fn stage(&self) -> (String, Declaration) {
        let name = self.stage_name();
        let suffix = match name.as_text() {
            Some("default") => "Default",
            Some(name) => name,
            None => "",
        }
        .to_owned();
        let mut properties = vec![
            ("StageName", name),
            (
                "AutoDeploy",
                Node::new(self.at(), crate::tree::Tree::Bool(true)),
            ),
        ];
        let given = |name: &'static str| Some((name, self.property(name)?.clone()));
        properties.extend(OF_STAGE.iter().filter_map(|name| given(name)));
        let stage = self.part("AWS::ApiGatewayV2::Stage", properties);
        (format!("{}{suffix}Stage", self.id), stage)
    }
}

fn kind_of(auth: &Node) -> Option<&str> {
    auth.member("AuthType").and_then(Node::as_text)
}

/// As the translator does it: the first letter large, all others small.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.flat_map(char::to_lowercase)).collect()
}

#[cfg(test)]
#[path = "serverless_websocket_tests.rs"]
mod tests;
