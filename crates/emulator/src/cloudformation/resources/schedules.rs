//! Rules of EventBridge and schedules of its scheduler.

use super::Hands;
use crate::cloudformation::expand::{RULE, SCHEDULE};
use crate::schedule::{Schedule, Source};
use serde_json::Value;
use tether_sam::{Bounds, Plan, Resource, Schedule as When, TargetInput, Zone, date};

const EXPRESSION: &str = "ScheduleExpression";
const TIMEZONE: &str = "ScheduleExpressionTimezone";

/// What a property says that is wrong, behind its name.
type Wrong = (&'static str, String);

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
        let Some(plan) = self.plan(resource, "a rule", plan_of_rule) else {
            return;
        };
        let targets = resource.property("Targets").and_then(Value::as_array);
        let mut all = Vec::new();
        for (index, target) in targets.into_iter().flatten().enumerate() {
            let path = format!("Targets.{index}");
            all.extend(self.scheduled(resource, (&path, target), &arn, &plan, Source::Events));
        }
        self.begin(resource, &arn, all);
    }

    // ---- `AWS::Scheduler::Schedule`

    fn start_schedule(&self, resource: &Resource) {
        let arn = self.schedule_arn(resource, &resource.reference);
        self.cloud.schedules.end(&arn);
        let Some(plan) = self.plan(resource, "a schedule", plan_of_schedule) else {
            return;
        };
        let window = "FlexibleTimeWindow";
        if text(resource, &format!("{window}.Mode")) == Some("FLEXIBLE") && self.is_on(resource) {
            let message = "it runs at the beginning of its window".to_owned();
            self.say_of_schedule(resource, window, message);
        }
        let none = Value::Null;
        let target = resource.property("Target").unwrap_or(&none);
        let by = Source::Scheduler;
        let all = self.scheduled(resource, ("Target", target), &arn, &plan, by);
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
    fn plan(
        &self,
        resource: &Resource,
        what: &str,
        of: impl Fn(&Resource, &str, u64) -> Result<Plan, Wrong>,
    ) -> Option<Plan> {
        let Some(expression) = text(resource, EXPRESSION) else {
            let message =
                format!("{what} without {EXPRESSION} is not emulated: nothing happens by it");
            self.say_of_schedule(resource, EXPRESSION, message);
            return None;
        };
        match of(resource, expression, tether_host::now().seconds()) {
            Ok(plan) => {
                if plan.next(0).is_none() && self.is_on(resource) {
                    let message = "no run of it is left: nothing happens by it".to_owned();
                    self.say_of_schedule(resource, EXPRESSION, message);
                }
                Some(plan)
            }
            Err((property, why)) => {
                let message = format!("nothing happens by it: {why}");
                self.say_of_schedule(resource, property, message);
                None
            }
        }
    }

    fn scheduled(
        &self,
        resource: &Resource,
        (path, target): (&str, &Value),
        arn: &str,
        plan: &Plan,
        by: Source,
    ) -> Option<Schedule> {
        let function = target.get("Arn").and_then(Value::as_str);
        let Some(function) = function.filter(|_| is_function(target)) else {
            let message = "only functions are emulated as targets".to_owned();
            self.say_of_schedule(resource, path, message);
            return None;
        };
        match TargetInput::of(target) {
            Ok(input) => Some(Schedule {
                function: function.to_owned(),
                by,
                arn: arn.to_owned(),
                name: resource.reference.clone(),
                plan: plan.clone(),
                input,
            }),
            Err((property, why)) => {
                let message = format!("{why}: the target is not run");
                self.say_of_schedule(resource, &format!("{path}.{property}"), message);
                None
            }
        }
    }

    fn is_on(&self, resource: &Resource) -> bool {
        text(resource, "State") != Some("DISABLED") && self.cloud.options.schedules
    }

    fn begin(&self, resource: &Resource, arn: &str, all: Vec<Schedule>) {
        if self.is_on(resource) {
            self.cloud.schedules.start(self.cloud, arn, all);
        }
    }

    /// At the place in the template that it comes from, which may be a function's event.
    fn say_of_schedule(&self, resource: &Resource, property: &str, message: String) {
        let of_event = |name: &str| resource.metadata.get(name).and_then(Value::as_str);
        let Some((event, kind)) = of_event("Event").zip(of_event("Kind")) else {
            return self.say(resource, property, message);
        };
        let own = match (property, kind) {
            (EXPRESSION, "Schedule") => "Schedule",
            _ => property
                .trim_start_matches("Targets.0.")
                .trim_start_matches("Target."),
        };
        self.say(
            resource,
            &format!("Events.{event}.Properties.{own}"),
            message,
        );
    }
}

fn plan_of_rule(_: &Resource, expression: &str, made: u64) -> Result<Plan, Wrong> {
    match When::parse(expression).map_err(|why| (EXPRESSION, why))? {
        When::At(_) => {
            let why = "at(…) is a schedule's and not a rule's";
            Err((EXPRESSION, why.to_owned()))
        }
        when => Ok(Plan::of_rule(when, made)),
    }
}

fn plan_of_schedule(resource: &Resource, expression: &str, made: u64) -> Result<Plan, Wrong> {
    let when = When::parse_of_scheduler(expression).map_err(|why| (EXPRESSION, why))?;
    let zone = match text(resource, TIMEZONE) {
        Some(name) => Zone::named(name).map_err(|why| (TIMEZONE, why))?,
        None => Zone::UTC,
    };
    let bound = |property: &'static str| {
        let given = text(resource, property).map(date).transpose();
        given.map_err(|why| (property, why))
    };
    let bounds = Bounds {
        start: bound("StartDate")?,
        end: bound("EndDate")?,
    };
    Ok(Plan::of_schedule(when, zone, bounds, made))
}
