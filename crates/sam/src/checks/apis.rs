//! Of `AWS::Serverless::Api` and `HttpApi`.

use super::{At, Checker};

const CORS: [&str; 6] = [
    "AllowCredentials",
    "AllowHeaders",
    "AllowMethods",
    "AllowOrigins",
    "ExposeHeaders",
    "MaxAge",
];
const USAGE_PLAN: [&str; 6] = [
    "CreateUsagePlan",
    "Description",
    "Quota",
    "Tags",
    "Throttle",
    "UsagePlanName",
];
const AUTH: [&str; 8] = [
    "AddApiKeyRequiredToCorsPreflight",
    "AddDefaultAuthorizerToCorsPreflight",
    "ApiKeyRequired",
    "Authorizers",
    "DefaultAuthorizer",
    "InvokeRole",
    "ResourcePolicy",
    "UsagePlan",
];
/// Lists of a resource policy that hold plain texts.
const SOURCES: [&str; 10] = [
    "AwsAccountBlacklist",
    "AwsAccountWhitelist",
    "IntrinsicVpcBlacklist",
    "IntrinsicVpcWhitelist",
    "IntrinsicVpceBlacklist",
    "IntrinsicVpceWhitelist",
    "IpRangeBlacklist",
    "IpRangeWhitelist",
    "SourceVpcBlacklist",
    "SourceVpcWhitelist",
];

impl Checker<'_> {
    // ---- REST

    pub(super) fn rest_api(&mut self, root: &At<'_>) {
        self.both(root, "DefinitionBody", "DefinitionUri");
        self.needs_body(
            root,
            &[
                "Auth",
                "Cors",
                "DisableExecuteApiEndpoint",
                "GatewayResponses",
            ],
        );
        self.version(root);
        self.domain(root);
        self.gateway_responses(root);
        self.rest_auth(root);
        self.cors_of_rest(root);
        if let Some(endpoint) = root.member("EndpointConfiguration") {
            self.both(&endpoint, "VPCEndpointIds", "VpcEndpointIds");
        }
        self.swagger(root);
    }

    /// What is written into the definition needs one that is in the template.
    fn needs_body(&mut self, root: &At<'_>, keys: &[&str]) {
        if root.member("DefinitionUri").is_none() {
            return;
        }
        for key in keys {
            if let Some(member) = root.member(key) {
                self.wrong(
                    &member,
                    "it works only with DefinitionBody, not with DefinitionUri.",
                );
            }
        }
    }

    fn version(&mut self, root: &At<'_>) {
        let Some(version) = root.member("OpenApiVersion") else {
            return;
        };
        if version.is_function() {
            return;
        }
        let Some(text) = version.node.scalar() else {
            return self.wrong(
                &version,
                "it must be text such as '3.0.1': put it in quotes.",
            );
        };
        let parts: Vec<&str> = text.split('.').collect();
        let digits = parts
            .iter()
            .all(|it| it.len() == 1 && it.chars().all(|it| it.is_ascii_digit()));
        let major = matches!(parts.first(), Some(&("2" | "3")));
        if !digits || !major || !(2..=3).contains(&parts.len()) {
            self.wrong(&version, "it must look like '3.0.1', or '2.0'.");
        }
    }

    fn domain(&mut self, root: &At<'_>) {
        let Some(domain) = self.map(root, "Domain") else {
            return;
        };
        for key in ["DomainName", "CertificateArn"] {
            if domain.node.member(key).is_none() {
                self.needs(&domain, key);
            }
        }
        self.map(&domain, "AccessAssociation");
        if let Some(mutual) = self.map(&domain, "MutualTlsAuthentication") {
            self.only(&mutual, &["TruststoreUri", "TruststoreVersion"]);
        }
        if let Some(route53) = self.map(&domain, "Route53") {
            let zones = ["HostedZoneId", "HostedZoneName"];
            if zones.iter().all(|it| route53.node.member(it).is_none()) {
                self.needs(&route53, "HostedZoneId or HostedZoneName");
            }
        }
    }

    fn gateway_responses(&mut self, root: &At<'_>) {
        let Some(responses) = root.member("GatewayResponses") else {
            return;
        };
        if responses.is_function() {
            return self.wrong(&responses, "functions are not supported for this property.");
        }
        for (_, response) in responses.members() {
            self.only(
                &response,
                &["ResponseParameters", "ResponseTemplates", "StatusCode"],
            );
            if let Some(parameters) = self.map(&response, "ResponseParameters") {
                self.only(&parameters, &["Headers", "Paths", "QueryStrings"]);
            }
        }
    }

    fn rest_auth(&mut self, root: &At<'_>) {
        let Some(auth) = self.map(root, "Auth") else {
            return;
        };
        self.only(&auth, &AUTH);
        self.source_lists(&auth);
        if let Some(plan) = self.map(&auth, "UsagePlan") {
            self.only(&plan, &USAGE_PLAN);
            if plan.member("CreateUsagePlan").is_none() {
                self.needs(&plan, "CreateUsagePlan");
            }
            self.one_of(&plan, "CreateUsagePlan", &["NONE", "PER_API", "SHARED"]);
        }
        self.authorizers(&auth);
    }

    /// Of REST and HTTP APIs.
    fn authorizers(&mut self, auth: &At<'_>) {
        let Some(authorizers) = self.map(auth, "Authorizers") else {
            return;
        };
        for (_, authorizer) in authorizers.members() {
            if !authorizer.is_map() {
                let what = authorizer.node.what();
                self.wrong(&authorizer, format!("it must be a map, but it is {what}."));
                continue;
            }
            self.list(&authorizer, "AuthorizationScopes");
            self.map(&authorizer, "Identity");
            self.map(&authorizer, "JwtConfiguration");
        }
        let default = auth.member("DefaultAuthorizer");
        let Some(default) = default.filter(|it| !it.is_function()) else {
            return;
        };
        let built_in = ["AWS_IAM", "NONE"];
        let known = default
            .text()
            .is_some_and(|it| built_in.contains(&it) || authorizers.node.member(it).is_some());
        if !known {
            self.wrong(&default, "it must be the name of one of the Authorizers.");
        }
    }

    /// Lists of a resource policy.
    pub(super) fn source_lists(&mut self, auth: &At<'_>) {
        let Some(policy) = self.map(auth, "ResourcePolicy") else {
            return;
        };
        for key in SOURCES {
            let Some(list) = self.list(&policy, key) else {
                continue;
            };
            let plain = !key.starts_with("Intrinsic");
            for item in list.items() {
                if plain && key.starts_with("SourceVpc") && item.text().is_none() {
                    self.wrong(
                        &item,
                        "it must be text; what a function gives goes into IntrinsicVpc….",
                    );
                }
            }
        }
    }

    fn cors_of_rest(&mut self, root: &At<'_>) {
        let Some(cors) = root
            .member("Cors")
            .filter(|it| it.is_map() && !it.is_function())
        else {
            return;
        };
        let known = [
            "AllowCredentials",
            "AllowHeaders",
            "AllowMethods",
            "AllowOrigin",
            "MaxAge",
        ];
        self.only(&cors, &known);
        let says = cors.members().next().is_some();
        let empty = |it: &At<'_>| it.text().is_some_and(str::is_empty);
        match cors.member("AllowOrigin") {
            Some(origin) if empty(&origin) => self.wrong(&origin, "it is empty."),
            None if says && cors.node.member("AllowOrigin").is_some() => {
                self.wrong(&cors, "AllowOrigin is empty.");
            }
            _ => {}
        }
    }

    // ---- HTTP

    pub(super) fn http_api(&mut self, root: &At<'_>) {
        self.both(root, "DefinitionBody", "DefinitionUri");
        self.needs_body(
            root,
            &[
                "Auth",
                "CorsConfiguration",
                "DisableExecuteApiEndpoint",
                "Tags",
            ],
        );
        self.domain(root);
        if let Some(cors) = root
            .member("CorsConfiguration")
            .filter(|it| !it.is_function())
        {
            self.only(&cors, &CORS);
        }
        if let Some(auth) = self.map(root, "Auth") {
            self.authorizers(&auth);
        }
        let body = root.member("DefinitionBody").filter(|it| !it.is_function());
        if let (Some(tags), Some(body)) = (root.member("Tags"), body)
            && body.member("openapi").is_none()
        {
            self.wrong(
                &tags,
                "they are written into DefinitionBody, which is no OpenAPI document.",
            );
        }
        self.swagger(root);
    }
}
