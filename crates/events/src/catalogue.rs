//! Which events there are, and what they are made of.

use crate::flags::FLAGS;
use crate::template::{names_in, names_in_text, render, render_text};
use crate::{Error, values};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who sends events.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// As it is asked for.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    text: &'static str,
}

macro_rules! services {
    ($($name:literal $([$($alias:literal),*])?),* $(,)?) => {
        const SERVICES: &[Service] = &[$(Service {
            name: $name,
            aliases: &[$($($alias),*)?],
            text: include_str!(concat!("sources/", $name, ".json")),
        }),*];
    };
}

services![
    "alb" ["elb"],
    "alexa-skills-kit" ["alexa"],
    "alexa-smart-home",
    "apigateway" ["apigw", "api-gateway", "apigatewayv2"],
    "appsync",
    "autoscaling",
    "batch",
    "cloudformation",
    "cloudfront",
    "cloudwatch" ["logs"],
    "codebuild",
    "codecommit",
    "codedeploy",
    "codepipeline",
    "cognito",
    "config",
    "connect",
    "documentdb" ["docdb"],
    "dynamodb",
    "ecr",
    "eventbridge" ["events", "scheduler"],
    "function-url" ["lambda-url", "lambda"],
    "iot",
    "kafka" ["msk"],
    "kinesis" ["firehose"],
    "lex",
    "lex-v2",
    "mq" ["activemq", "rabbitmq", "amazon-mq"],
    "rekognition",
    "s3",
    "sagemaker",
    "secretsmanager",
    "ses",
    "sns",
    "sqs",
    "stepfunctions" ["states"],
    "vpc-lattice" ["lattice"],
    "workmail",
];

/// What every service's events may be made of; `time` is now, and what follows from the region's
/// partition is derived.
const COMMON: &[(&str, &str)] = &[
    ("account-id", "123456789012"),
    ("region", "us-east-1"),
    ("dns-suffix", "${region}.${url-suffix}"),
];

/// Everybody who sends events.
#[must_use]
pub fn services() -> &'static [Service] {
    SERVICES
}

/// By its name, or another one.
///
/// # Errors
/// There is none.
pub fn service(name: &str) -> Result<&'static Service, Error> {
    let found = SERVICES
        .iter()
        .find(|it| it.name == name)
        .or_else(|| SERVICES.iter().find(|it| it.aliases.contains(&name)));
    found.ok_or_else(|| Error::NoService {
        name: name.to_owned(),
        known: SERVICES.iter().map(|it| it.name).collect(),
    })
}

/// By the names of both.
///
/// # Errors
/// There is no such service, or it sends no such event.
pub fn find(service_name: &str, event: &str) -> Result<Event, Error> {
    let service = service(service_name)?;
    let events = service.events()?;
    let known = events.iter().map(|it| it.name.clone()).collect();
    let found = events.into_iter().find(|it| it.is_called(event));
    found.ok_or_else(|| Error::NoEvent {
        service: service.name.to_owned(),
        name: event.to_owned(),
        known,
    })
}

/// Every name that some event takes, in order: what a command line needs to know of all of them.
#[must_use]
pub fn flags() -> &'static [&'static str] {
    FLAGS
}

impl Service {
    /// What it sends.
    ///
    /// # Errors
    /// The file of ours that says it is wrong.
    pub fn events(&self) -> Result<Vec<Event>, Error> {
        let wrong = |what: &str| Error::Template(format!("{}: {what}", self.name));
        let file: Value =
            serde_json::from_str(self.text).map_err(|error| wrong(&error.to_string()))?;
        let events = file["events"]
            .as_object()
            .ok_or_else(|| wrong("no events"))?;
        let events = events.iter().map(|(name, event)| {
            let mut defaults = texts(&file["defaults"]);
            defaults.extend(texts(&event["defaults"]));
            Event {
                service: self.name,
                name: name.clone(),
                aliases: names(&event["aliases"]),
                about: event["about"].as_str().unwrap_or_default().to_owned(),
                documentation: file["documentation"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                template: event["event"].clone(),
                defaults,
            }
        });
        Ok(events.collect())
    }
}

fn names(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn texts(object: &Value) -> BTreeMap<String, String> {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned())))
        .collect()
}

/// One kind of event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who sends it.
    pub service: &'static str,
    /// As it is asked for.
    pub name: String,
    /// When it is sent.
    pub about: String,
    /// Where AWS documents it.
    pub documentation: String,
    aliases: Vec<String>,
    template: Value,
    defaults: BTreeMap<String, String>,
}

/// A value that an event is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As it is given.
    pub name: String,
    /// What it is if it is not.
    pub default: String,
}

impl Event {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|it| it == name)
    }

    /// What it is made of, by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let none = BTreeMap::new();
        let known = self.parameter_names().into_iter();
        known
            .map(|name| Parameter {
                default: match name.as_str() {
                    "time" => "now".to_owned(),
                    _ => self.value(&name, &none, "").unwrap_or_default(),
                },
                name,
            })
            .collect()
    }

    /// The event, made of what is given as name and value.
    ///
    /// # Errors
    /// It takes no such name, or not that value.
    pub fn generate(&self, given: &BTreeMap<String, String>, now_ms: u64) -> Result<Value, Error> {
        let known = self.parameter_names();
        if let Some(name) = given.keys().find(|it| !known.contains(*it)) {
            return Err(Error::NoParameter {
                event: format!("{} {}", self.service, self.name),
                name: name.clone(),
                known: known.into_iter().collect(),
            });
        }
        let now = values::time_of(now_ms);
        let names = |name: &str| self.value(name, given, &now);
        render(&self.template, &names)
    }

    /// Those in the event, and those that their defaults are made of.
    fn parameter_names(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        names_in(&self.template, &mut found);
        let mut waiting: Vec<String> = found.iter().cloned().collect();
        while let Some(name) = waiting.pop() {
            let mut behind = BTreeSet::new();
            match name.as_str() {
                "partition" | "url-suffix" => {
                    behind.insert("region".to_owned());
                }
                name => names_in_text(self.default(name).unwrap_or_default(), &mut behind),
            }
            waiting.extend(behind.into_iter().filter(|it| found.insert(it.clone())));
        }
        // It follows from the region, and nobody would look for it.
        found.remove("url-suffix");
        found
    }

    fn default(&self, name: &str) -> Option<&str> {
        let common = || COMMON.iter().find(|it| it.0 == name).map(|it| it.1);
        self.defaults.get(name).map(String::as_str).or_else(common)
    }

    fn value(
        &self,
        name: &str,
        given: &BTreeMap<String, String>,
        now: &str,
    ) -> Result<String, Error> {
        if let Some(value) = given.get(name) {
            return Ok(value.clone());
        }
        let names = |inner: &str| {
            if inner == name {
                return Err(Error::Template(format!("{name} is made of itself")));
            }
            self.value(inner, given, now)
        };
        match name {
            "time" => Ok(now.to_owned()),
            "partition" => Ok(partition(&names("region")?).0.to_owned()),
            "url-suffix" => Ok(partition(&names("region")?).1.to_owned()),
            _ => {
                let default = self.default(name);
                let default =
                    default.ok_or_else(|| Error::Template(format!("{name} has no default")))?;
                Ok(match render_text(default, &names)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                })
            }
        }
    }
}

/// Its name, and what its host names end in
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
fn partition(region: &str) -> (&'static str, &'static str) {
    match region {
        it if it.starts_with("cn-") => ("aws-cn", "amazonaws.com.cn"),
        it if it.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com"),
        _ => ("aws", "amazonaws.com"),
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
