//! Rules of EventBridge and schedules of its scheduler.

use super::Hands;
use crate::cloudformation::expand::{RULE, SCHEDULE};
use crate::schedule::{Schedule, Source};
use serde_json::Value;
use tether_sam::{Resource, Schedule as When};

/// Names of the time zone that schedules run in.
const UTC: [&str; 4] = ["UTC", "Etc/UTC", "GMT", "Etc/GMT"];

/// What makes another event of a rule's own.
const TRANSFORMS: [&str; 2] = ["InputPath", "InputTransformer"];

fn text<'r>(resource: &'r Resource, path: &str) -> Option<&'r str> {
    resource.property(path).and_then(Value::as_str)
}

fn is_function(target: &Value) -> bool {
    let arn = target.get("Arn").and_then(Value::as_str);
    arn.is_some_and(|it| it.contains(":lambda:"))
}

impl Hands<'_> {
    pub(super) fn rule_arn(&self, name: &str) -> String {
        self.cloud.arn("events", &format!("rule/{name}"))
    }

    /// As `Fn::GetAtt` gives it.
    pub(super) fn schedule_arn(&self, resource: &Resource, name: &str) -> String {
        let group = text(resource, "GroupName").unwrap_or("default");
        self.cloud
            .arn("scheduler", &format!("schedule/{group}/{name}"))
    }

    // ---- `AWS::Events::Rule`

    fn start_rule(&self, resource: &Resource) {
        let arn = self.rule_arn(&resource.reference);
        self.cloud.schedules.end(&arn);
        let Some(when) = self.when(resource, "a rule", Source::Events) else {
            return;
        };
        let targets = resource.property("Targets").and_then(Value::as_array);
        let mut all = Vec::new();
        for (index, target) in targets.into_iter().flatten().enumerate() {
            let path = format!("Targets.{index}");
            if let Some(name) = TRANSFORMS.iter().find(|it| target.get(**it).is_some()) {
                let message = format!("{name} is not emulated: the target is not run");
                self.say(resource, &format!("{path}.{name}"), message);
                continue;
            }
            all.extend(self.scheduled(resource, (&path, target), &arn, &when, Source::Events));
        }
        self.begin(resource, &arn, all);
    }

    // ---- `AWS::Scheduler::Schedule`

    fn start_schedule(&self, resource: &Resource) {
        let arn = self.schedule_arn(resource, &resource.reference);
        self.cloud.schedules.end(&arn);
        let Some(when) = self.when(resource, "a schedule", Source::Scheduler) else {
            return;
        };
        for name in ["StartDate", "EndDate"] {
            if resource.property(name).is_some() {
                let message = "it is not kept: the schedule runs as if it were not there";
                self.say(resource, name, message.to_owned());
            }
        }
        let none = Value::Null;
        let target = resource.property("Target").unwrap_or(&none);
        let by = Source::Scheduler;
        let all = self.scheduled(resource, ("Target", target), &arn, &when, by);
        self.begin(resource, &arn, all.into_iter().collect());
    }

    // ---- both

    pub(super) fn start_if_scheduled(&self, resource: &Resource) {
        match resource.kind.as_str() {
            RULE => self.start_rule(resource),
            SCHEDULE => self.start_schedule(resource),
            _ => {}
        }
    }

    /// When it runs; what is not played is said.
    fn when(&self, resource: &Resource, what: &str, by: Source) -> Option<When> {
        let property = "ScheduleExpression";
        let Some(expression) = text(resource, property) else {
            let message =
                format!("{what} without {property} is not emulated: nothing happens by it");
            self.say(resource, property, message);
            return None;
        };
        let when = match When::parse(expression) {
            Ok(When::At(_)) if by == Source::Events => {
                Err("at(…) is a schedule's and not a rule's".to_owned())
            }
            other => other,
        };
        let zone = text(resource, "ScheduleExpressionTimezone").unwrap_or("UTC");
        match when {
            // A rate has no time of day.
            Ok(when) if UTC.contains(&zone) || matches!(when, When::Rate(_)) => Some(when),
            Ok(_) => {
                let message = format!(
                    "only UTC is emulated, and not {zone}: nothing happens by this schedule"
                );
                self.say(resource, "ScheduleExpressionTimezone", message);
                None
            }
            Err(why) => {
                self.say(resource, property, format!("{why}; nothing happens by it"));
                None
            }
        }
    }

    fn scheduled(
        &self,
        resource: &Resource,
        (path, target): (&str, &Value),
        arn: &str,
        when: &When,
        by: Source,
    ) -> Option<Schedule> {
        let member = |name: &str| target.get(name).and_then(Value::as_str);
        let Some(function) = member("Arn").filter(|_| is_function(target)) else {
            let message = "only functions are emulated as targets".to_owned();
            self.say(resource, path, message);
            return None;
        };
        Some(Schedule {
            function: function.to_owned(),
            by,
            arn: arn.to_owned(),
            when: when.clone(),
            input: member("Input").map(str::to_owned),
        })
    }

    fn begin(&self, resource: &Resource, arn: &str, all: Vec<Schedule>) {
        let is_on = text(resource, "State") != Some("DISABLED");
        if is_on && self.cloud.options.schedules {
            self.cloud.schedules.start(self.cloud, arn, all);
        }
    }
}
