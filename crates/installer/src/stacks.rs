//! CloudFormation: stacks, their resources, and what happens to them.

use crate::call::Call;
use crate::course::Course;
use crate::error::Error;
use crate::found::{Found, Resource};
use crate::news::{News, Reporter, StackEvent};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Stack, StackEvent as Told};
use std::collections::BTreeMap;
use std::time::Duration;
use tether_aws::Failure;
use tether_receiver::Account;
use tokio::time::Instant;

/// How soon the next event is looked for, and how late when none comes:
/// DescribeStackEvents is throttled early.
const SOON: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(2);

/// The same at an endpoint of one's own.
const AT_ONCE: Duration = Duration::from_millis(100);

/// For so long calls may be refused for the moment, or lost: what was begun goes
/// on meanwhile.
const UNHEARD: Duration = Duration::from_secs(5 * 60);

/// After this without an event the status is believed.
const QUIET: Duration = Duration::from_secs(30);

/// No resource of the helper stack takes nearly as long.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// The stacks of an account's region.
#[derive(Clone, Debug)]
pub(crate) struct Stacks {
    pub(crate) client: Client,
    account: Account,
}

impl Stacks {
    pub(crate) fn new(account: &Account) -> Self {
        Self {
            client: Client::new(account.caller()),
            account: account.clone(),
        }
    }

    /// A stack by its name, or by its id even when it is deleted; none: there
    /// is none of that name.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Found>, Error> {
        let described = self.client.describe_stacks().stack_name(name).send().await;
        let described = match described {
            Ok(described) => described,
            Err(error) => {
                // A ValidationError like many others
                // (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>).
                let failure = tether_aws::classify(&error);
                if failure.message.contains("does not exist") {
                    return Ok(None);
                }
                let what = format!("the stack {name} cannot be looked up");
                let call = Call::new(what, "cloudformation:DescribeStacks", any_of(name));
                return Err(call.failed_at(&self.account, &error));
            }
        };
        let Some(stack) = described.stacks().first() else {
            return Ok(None);
        };
        let mut found = found(stack);
        if found.is_only_proposed() {
            found.change_sets = self.change_sets(name).await?;
        }
        Ok(Some(found).filter(|it| it.status != "DELETE_COMPLETE"))
    }

    async fn change_sets(&self, name: &str) -> Result<Vec<String>, Error> {
        let call = Call::new(
            format!("the change sets of {name} cannot be listed"),
            "cloudformation:ListChangeSets",
            any_of(name),
        );
        let pages = self.client.list_change_sets().stack_name(name);
        let mut pages = pages.into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(listed) = pages.next().await {
            match listed {
                Ok(listed) => names.extend(listed.change_set_name),
                Err(error) => {
                    let failure = tether_aws::classify(&error);
                    // It has gone since it was looked up.
                    if failure.message.contains("does not exist") {
                        break;
                    }
                    return Err(call.means(&failure));
                }
            }
        }
        Ok(names)
    }

    /// What a stack consists of now.
    pub(crate) async fn resources(&self, stack_id: &str) -> Result<Vec<Resource>, Error> {
        let call = Call::new(
            format!("the resources of {} cannot be listed", name_of(stack_id)),
            "cloudformation:ListStackResources",
            stack_id,
        );
        let pages = self.client.list_stack_resources().stack_name(stack_id);
        let mut pages = pages.into_paginator().items().send();
        let mut resources = Vec::new();
        while let Some(listed) = pages.next().await {
            let listed = listed.map_err(|error| call.failed(&error))?;
            let status = listed.resource_status.map(|it| it.as_str().to_owned());
            if status.is_some_and(|it| it == "DELETE_COMPLETE" || it == "DELETE_SKIPPED") {
                continue;
            }
            resources.push(Resource {
                logical_id: listed.logical_resource_id.unwrap_or_default(),
                physical_id: listed.physical_resource_id.unwrap_or_default(),
                resource_type: listed.resource_type.unwrap_or_default(),
            });
        }
        Ok(resources)
    }

    /// The last event so far: what comes after it is news.
    pub(crate) async fn last_event(&self, stack_id: &str) -> Result<Option<String>, Error> {
        let page = self.client.describe_stack_events().stack_name(stack_id);
        let page = page
            .send()
            .await
            .map_err(|error| events_of(stack_id).failed(&error))?;
        let last = page.stack_events().first();
        Ok(last.and_then(|it| it.event_id.clone()))
    }

    /// Tells what happens to a stack after an event, until it rests. Going by
    /// events and not by its status: that one may still be the old one for a
    /// moment.
    pub(crate) async fn follow(
        &self,
        stack_id: &str,
        after: Option<String>,
        reporter: &Reporter,
    ) -> Result<Course, Error> {
        let mut course = Course::of(stack_id);
        let mut last = after;
        let mut heard = Instant::now();
        let mut answered = heard;
        let mut pause = self.soon();
        loop {
            let news = match self.events_after(stack_id, last.as_deref()).await {
                Ok(news) => {
                    answered = Instant::now();
                    news
                }
                Err(failure) if failure.is_passing() && answered.elapsed() < UNHEARD => Vec::new(),
                Err(failure) => return Err(unheard(stack_id, &failure)),
            };
            match news.last() {
                Some(newest) => {
                    last = Some(newest.id.clone());
                    heard = Instant::now();
                    pause = self.soon();
                }
                None if heard.elapsed() > SILENCE => {
                    return Err(Error::Silent(name_of(stack_id).to_owned()));
                }
                None => pause = (pause * 2).min(LATE),
            }
            if heard.elapsed() > QUIET {
                // Whatever is in the way of that is met by the events, too.
                course.rested = self.rested(stack_id).await.unwrap_or_default();
            }
            for event in news {
                reporter(News::StackEvent(event.clone()));
                course.events.push(event);
            }
            if let Some(status) = course.status() {
                let status = status.to_owned();
                reporter(News::StackEnded { status });
                return Ok(course);
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn soon(&self) -> Duration {
        match self.account.endpoint_url() {
            Some(_) => AT_ONCE,
            None => SOON,
        }
    }

    /// The status of a stack with which nothing goes on.
    async fn rested(&self, stack_id: &str) -> Result<Option<String>, Error> {
        Ok(match self.find(stack_id).await? {
            Some(found) if found.is_in_progress() || found.is_only_proposed() => None,
            Some(found) => Some(found.status),
            None => Some("DELETE_COMPLETE".to_owned()),
        })
    }

    /// Deletes a stack of which nothing has been made, and waits until its name is
    /// free. Its change sets go with it.
    pub(crate) async fn delete_proposed(&self, stack_id: &str) -> Result<(), Error> {
        let call = Call::new(
            "the stack that was only proposed cannot be deleted",
            "cloudformation:DeleteStack",
            stack_id,
        );
        let deleted = self.client.delete_stack().stack_name(stack_id).send().await;
        deleted.map_err(|error| call.failed(&error))?;
        let began = Instant::now();
        while self.find(stack_id).await?.is_some() {
            if began.elapsed() > UNHEARD {
                return Err(Error::Silent(name_of(stack_id).to_owned()));
            }
            tokio::time::sleep(self.soon()).await;
        }
        Ok(())
    }

    /// The first one first; AWS tells the last one first.
    async fn events_after(
        &self,
        stack_id: &str,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, Failure> {
        let pages = self.client.describe_stack_events().stack_name(stack_id);
        let mut pages = pages.into_paginator().items().send();
        let mut events = Vec::new();
        while let Some(event) = pages.next().await {
            let event = event.map_err(|error| tether_aws::classify(&error))?;
            if after.is_some() && event.event_id() == after {
                break;
            }
            events.push(told(event));
        }
        events.reverse();
        Ok(events)
    }

    /// Deletes a stack but for some of its resources, and waits for it.
    pub(crate) async fn delete(
        &self,
        stack_id: &str,
        retained: Vec<String>,
        reporter: &Reporter,
    ) -> Result<Course, Error> {
        let last = self.last_event(stack_id).await?;
        let retained = Some(retained).filter(|it| !it.is_empty());
        self.client
            .delete_stack()
            .stack_name(stack_id)
            .set_retain_resources(retained)
            .send()
            .await
            .map_err(|error| {
                let what = format!("the stack {} cannot be deleted", name_of(stack_id));
                Call::new(what, "cloudformation:DeleteStack", stack_id).failed(&error)
            })?;
        self.follow(stack_id, last, reporter).await
    }

    /// Waits for what somebody else does with a stack.
    pub(crate) async fn wait(&self, stack_id: &str, reporter: &Reporter) -> Result<(), Error> {
        let last = self.last_event(stack_id).await?;
        // It may have come to rest before that event.
        let found = self.find(stack_id).await?;
        if found.is_some_and(|it| it.is_in_progress()) {
            self.follow(stack_id, last, reporter).await?;
        }
        Ok(())
    }

    /// Finishes the rollback of an update, which stopped half way.
    pub(crate) async fn finish_rollback(
        &self,
        stack_id: &str,
        reporter: &Reporter,
    ) -> Result<(), Error> {
        let name = name_of(stack_id);
        let last = self.last_event(stack_id).await?;
        self.client
            .continue_update_rollback()
            .stack_name(stack_id)
            .send()
            .await
            .map_err(|error| {
                let what = format!("the rollback of {name} cannot be continued");
                Call::new(what, "cloudformation:ContinueUpdateRollback", stack_id).failed(&error)
            })?;
        let course = self.follow(stack_id, last, reporter).await?;
        match course.status() {
            Some("UPDATE_ROLLBACK_COMPLETE") => Ok(()),
            _ => Err(Error::Failed {
                what: format!("the rollback of {name}"),
                cause: course.cause(),
                after: "remove that reason and run this again, or `tether uninstall` and `tether install`".to_owned(),
            }),
        }
    }
}

/// `tether` of `arn:aws:cloudformation:…:stack/tether/8d3…`
pub(crate) fn name_of(stack_id: &str) -> &str {
    stack_id.split('/').nth(1).unwrap_or(stack_id)
}

/// As far as it is known before there is one.
pub(crate) fn any_of(name: &str) -> String {
    format!("the stack {name}")
}

fn events_of(stack_id: &str) -> Call {
    Call::new(
        format!("the events of {} cannot be read", name_of(stack_id)),
        "cloudformation:DescribeStackEvents",
        stack_id,
    )
}

fn unheard(stack_id: &str, failure: &Failure) -> Error {
    Error::Unheard {
        stack: name_of(stack_id).to_owned(),
        why: events_of(stack_id).means(failure).to_string(),
    }
}

fn found(stack: &Stack) -> Found {
    let parameters = stack.parameters().iter();
    let outputs = stack.outputs().iter();
    let tags = stack.tags().iter();
    Found {
        id: stack.stack_id().unwrap_or_default().to_owned(),
        status: stack
            .stack_status()
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        description: stack.description().unwrap_or_default().to_owned(),
        parameters: pairs(parameters.map(|it| (it.parameter_key(), it.parameter_value()))),
        outputs: pairs(outputs.map(|it| (it.output_key(), it.output_value()))),
        tags: pairs(tags.map(|it| (it.key(), it.value()))),
        change_sets: Vec::new(),
    }
}

fn pairs<'a>(
    pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
) -> BTreeMap<String, String> {
    pairs
        .filter_map(|(name, value)| Some((name?.to_owned(), value?.to_owned())))
        .collect()
}

fn told(event: Told) -> StackEvent {
    StackEvent {
        id: event.event_id.unwrap_or_default(),
        logical_id: event.logical_resource_id.unwrap_or_default(),
        physical_id: event.physical_resource_id.unwrap_or_default(),
        resource_type: event.resource_type.unwrap_or_default(),
        status: event
            .resource_status
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        reason: event.resource_status_reason.unwrap_or_default(),
    }
}
