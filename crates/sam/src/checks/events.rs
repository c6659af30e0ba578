//! Of the events of functions and state machines.

use super::{At, Checker};
use std::collections::BTreeSet;

impl Checker<'_> {
    pub(super) fn events(&mut self, root: &At<'_>) {
        let mut triggers = BTreeSet::new();
        for (_, event) in root.member("Events").iter().flat_map(At::members) {
            let Some(properties) = event.member("Properties").filter(At::is_map) else {
                continue;
            };
            self.rule_of_event(&event);
            match event.member("Type").and_then(|it| it.text()) {
                Some("Api") => self.api_event(&properties),
                Some("HttpApi") => self.http_event(&properties),
                Some("S3") => self.bucket(&properties),
                Some("Cognito") => self.triggers(&properties, &mut triggers),
                Some("MQ") => self.credentials(&properties, &["BASIC_AUTH", "VIRTUAL_HOST"]),
                Some("DocumentDB") => self.credentials(&properties, &["BASIC_AUTH"]),
                Some("SelfManagedKafka") => self.kafka(&properties),
                Some("MSK" | "Kinesis" | "DynamoDB") => self.stream(&properties),
                _ => {}
            }
        }
    }

    /// Schedules and rules.
    pub(super) fn rule_of_event(&mut self, event: &At<'_>) {
        let kind = event.member("Type").and_then(|it| it.text());
        let rules = [
            "Schedule",
            "ScheduleV2",
            "CloudWatchEvent",
            "EventBridgeRule",
        ];
        if !kind.is_some_and(|it| rules.contains(&it)) {
            return;
        }
        let Some(properties) = event.member("Properties") else {
            return;
        };
        self.both(&properties, "Enabled", "State");
        let Some(queue) = self.map(&properties, "DeadLetterConfig") else {
            return;
        };
        match (queue.member("Arn"), queue.member("Type")) {
            (Some(_), Some(_)) => self.wrong(&queue, "it has Arn and Type; one of them is enough."),
            (None, None) => self.needs(&queue, "Arn or Type"),
            _ => {}
        }
        self.one_of(&queue, "Type", &["SQS"]);
        if let Some(id) = queue.member("QueueLogicalId")
            && id.text().is_none()
        {
            self.wrong(&id, "it must be text: the logical id that the queue gets.");
        }
    }

    fn api_event(&mut self, properties: &At<'_>) {
        let api = properties.member("RestApiId");
        if let Some(api) = &api {
            let referred = self.referred(api).map(|it| it.kind.as_str());
            let fits = ["AWS::Serverless::Api", "AWS::ApiGateway::RestApi"];
            if referred.is_some_and(|it| !fits.contains(&it)) || api.is_list() {
                self.wrong(api, "it must be the Ref of an AWS::Serverless::Api.");
            } else if matches!(api.node.intrinsic(), Some((name, _)) if name == "Fn::Transform") {
                self.wrong(
                    api,
                    "it must be text, or the Ref of an AWS::Serverless::Api.",
                );
            }
        }
        if let Some(auth) = self.map(properties, "Auth") {
            let overrides = auth.member("OverrideApiAuth").is_some();
            let says = ["Authorizer", "ApiKeyRequired", "ResourcePolicy"];
            if overrides && says.iter().all(|it| auth.member(it).is_none()) {
                self.needs(
                    &auth,
                    "Authorizer, ApiKeyRequired or ResourcePolicy, to override",
                );
            }
            self.source_lists(&auth);
            self.key_of_event(&auth, api.as_ref());
        }
        self.model(properties, api.as_ref());
    }

    /// `ApiKeyRequired: false` has to take back something.
    fn key_of_event(&mut self, auth: &At<'_>, api: Option<&At<'_>>) {
        let Some(required) = auth.member("ApiKeyRequired") else {
            return;
        };
        let taken_back = required.node.scalar().as_deref() == Some("false");
        let api = api.and_then(|it| self.referred(it)).map(At::root);
        let Some(api) = api.filter(|_| taken_back) else {
            return;
        };
        let auth = api.member("Auth");
        if auth.and_then(|it| it.member("ApiKeyRequired")).is_none() {
            self.wrong(&required, "the API requires no key that could be waived.");
        }
    }

    /// A request's model is one of its API's.
    fn model(&mut self, properties: &At<'_>, api: Option<&At<'_>>) {
        let Some(model) = self.map(properties, "RequestModel") else {
            return;
        };
        for key in ["ValidateBody", "ValidateParameters"] {
            if let Some(member) = model.member(key)
                && !matches!(member.node.tree, crate::tree::Tree::Bool(_))
            {
                self.wrong(&member, "it must be true or false.");
            }
        }
        let api = api.and_then(|it| self.referred(it)).map(At::root);
        let models = api.as_ref().and_then(|it| it.member("Models"));
        let Some(name) = model.member("Model") else {
            return self.needs(&model, "Model");
        };
        match (name.text(), api, models) {
            (None, ..) if !name.is_function() => {
                self.wrong(&name, "it must be the name of one of the API's Models.");
            }
            (Some(text), Some(_), models) => {
                let known = models.as_ref().is_some_and(|it| it.member(text).is_some());
                let open = models.as_ref().is_some_and(At::is_function);
                if !known && !open {
                    self.wrong(&name, format!("the API's Models have no {text}."));
                }
            }
            _ => {}
        }
    }

    fn http_event(&mut self, properties: &At<'_>) {
        for (key, other) in [("Path", "Method"), ("Method", "Path")] {
            let Some(member) = properties.member(key) else {
                continue;
            };
            if member.text().is_none() && !member.is_function() {
                self.wrong(&member, "it must be text.");
            }
            let sibling = properties.node.member(other);
            if sibling.is_none() {
                self.needs(properties, other);
            }
        }
        if let Some(api) = properties.member("ApiId") {
            let referred = self.referred(&api).map(|it| it.kind.as_str());
            let fits = ["AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api"];
            if referred.is_some_and(|it| !fits.contains(&it)) {
                self.wrong(&api, "it must be the Ref of an AWS::Serverless::HttpApi.");
            }
        }
        self.map(properties, "RouteSettings");
    }

    fn bucket(&mut self, properties: &At<'_>) {
        if let Some(bucket) = properties.member("Bucket") {
            let kind = self.referred(&bucket).map(|it| it.kind.as_str());
            if kind != Some("AWS::S3::Bucket") {
                self.wrong(&bucket, "it must be the Ref of a bucket of this template.");
            } else if let Some(declared) = self.referred(&bucket).map(At::root)
                && let Some(notify) = declared.member("NotificationConfiguration")
            {
                let lambdas = notify.member("LambdaConfigurations");
                let broken = !notify.is_map() || lambdas.is_some_and(|it| !it.is_list());
                if broken {
                    let message = "the bucket's NotificationConfiguration must be a map, and its \
                                   LambdaConfigurations a list.";
                    self.wrong(&bucket, message);
                }
            }
        }
        self.texts(properties, "Events");
    }

    /// Text, or a list of texts.
    fn texts<'n>(&mut self, properties: &At<'n>, key: &str) -> Vec<(&'n str, At<'n>)> {
        let Some(member) = properties.member(key) else {
            return Vec::new();
        };
        let items = match member.is_list() {
            true => member.items(),
            false => vec![member],
        };
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some(text) => texts.push((text, item)),
                None if item.is_function() => {}
                None => {
                    let what = item.node.what();
                    self.wrong(&item, format!("it must be text, but it is {what}."));
                }
            }
        }
        texts
    }

    fn triggers(&mut self, properties: &At<'_>, seen: &mut BTreeSet<(String, String)>) {
        let pool = properties.member("UserPool");
        let pool = pool.map(|it| it.node.literal().to_string());
        for (trigger, at) in self.texts(properties, "Trigger") {
            let of = (pool.clone().unwrap_or_default(), trigger.to_owned());
            if !seen.insert(of) {
                self.wrong(&at, format!("{trigger} stands twice for this user pool."));
            }
        }
    }

    /// Exactly one user with a password, and nothing that the broker does not know.
    fn credentials(&mut self, properties: &At<'_>, known: &[&str]) {
        let Some(list) = self.list(properties, "SourceAccessConfigurations") else {
            if properties
                .node
                .member("SourceAccessConfigurations")
                .is_none()
            {
                self.needs(properties, "SourceAccessConfigurations with BASIC_AUTH");
            }
            return;
        };
        if list.is_function() {
            return;
        }
        let mut users = 0;
        for item in list.items() {
            self.one_of(&item, "Type", known);
            if item.member("Type").and_then(|it| it.text()) == Some("BASIC_AUTH") {
                users += 1;
                if item.member("URI").is_none() {
                    self.needs(&item, "URI");
                }
            }
        }
        if users != 1 {
            self.wrong(
                &list,
                format!("it needs BASIC_AUTH once, and has it {users} times."),
            );
        }
    }

    fn kafka(&mut self, properties: &At<'_>) {
        for key in [
            "Topics",
            "KafkaBootstrapServers",
            "SourceAccessConfigurations",
        ] {
            match properties.member(key) {
                None => self.needs(properties, key),
                Some(list) if list.items().is_empty() && !list.is_function() => {
                    self.wrong(&list, "it must be a list with something in it.");
                }
                Some(_) => {}
            }
        }
    }

    fn stream(&mut self, properties: &At<'_>) {
        let Some(config) = self.map(properties, "DestinationConfig") else {
            return;
        };
        let Some(failure) = self.map(&config, "OnFailure") else {
            return;
        };
        self.one_of(&failure, "Type", &["SQS", "SNS", "S3", "Kafka"]);
        if failure.member("Destination").is_none() {
            self.needs(&failure, "a Destination");
        }
    }
}
