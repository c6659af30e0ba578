//! A change set: what CloudFormation would do, before it does.

mod validation;

use crate::call::Call;
use crate::changes::{Action, Change};
use crate::error::Error;
use crate::found::Found;
use crate::names;
use crate::refusal::in_one_line;
use crate::stacks::{Stacks, any_of, name_of};
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, EventFilter, Parameter, ResourceChange, Tag,
};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A stack as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) stack: String,
    pub(crate) template: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// There is none of that name.
    pub(crate) is_new: bool,
}

/// What would be done.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) changes: Vec<Change>,
    stack_id: String,
    change_set: String,
    /// The change set's, which has an id too.
    name: String,
    /// There is nothing else of the stack.
    is_new: bool,
}

/// The transform takes a few seconds on AWS.
const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(2);

/// And no longer than this.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl Proposal {
    /// Asks for the changes; none: there are none to do.
    pub(crate) async fn make(
        stacks: &Stacks,
        wanted: &Wanted,
        release: &str,
    ) -> Result<Option<Self>, Error> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let name = names::change_set(release, since.unwrap_or_default().as_millis());
        let call = Call::new(
            format!("no change set of {} can be made", wanted.stack),
            "cloudformation:CreateChangeSet",
            any_of(&wanted.stack),
        );
        let kind = if wanted.is_new {
            ChangeSetType::Create
        } else {
            ChangeSetType::Update
        };
        let parameters = wanted.parameters.iter().map(|(name, value)| {
            let parameter = Parameter::builder().parameter_key(name);
            parameter.parameter_value(value).build()
        });
        let tags = wanted.tags.iter();
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        let made = stacks
            .client
            .create_change_set()
            .stack_name(&wanted.stack)
            .change_set_name(&name)
            .change_set_type(kind)
            .template_body(&wanted.template)
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()))
            // IAM roles without names of their own, and the SAM transform.
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand)
            .send()
            .await
            .map_err(|error| call.failed(&error))?;
        let mut proposal = Self {
            changes: Vec::new(),
            stack_id: made.stack_id.unwrap_or_default(),
            change_set: made.id.unwrap_or_default(),
            name,
            is_new: wanted.is_new,
        };
        let reason = match proposal.wait(stacks).await {
            Ok(None) => return Ok(Some(proposal)),
            Ok(Some(reason)) if is_nothing(&reason) => {
                proposal.discard(stacks).await?;
                return Ok(None);
            }
            Ok(Some(reason)) => Error::ChangeSet(proposal.in_words(stacks, &reason).await),
            Err(error) => error,
        };
        Err(proposal.given_up(stacks, reason).await)
    }

    /// Why, with the resources that did not pass where the reason does not name
    /// them. Who may not ask for them is told the reason.
    async fn in_words(&self, stacks: &Stacks, reason: &str) -> String {
        let told = in_one_line(reason);
        if !validation::is_meant(reason) {
            return told;
        }
        let failed = EventFilter::builder().failed_events(true).build();
        let events = stacks.client.describe_events();
        let events = events.change_set_name(&self.change_set).filters(failed);
        let mut pages = events.into_paginator().send();
        let mut failures = Vec::new();
        while let Some(Ok(page)) = pages.next().await {
            failures.extend(page.operation_events.unwrap_or_default());
        }
        validation::in_words(&failures).unwrap_or(told)
    }

    /// Why, and what is left if something is.
    async fn given_up(&self, stacks: &Stacks, reason: Error) -> Error {
        let Err(left) = self.discard(stacks).await else {
            return reason;
        };
        Error::Left {
            reason: Box::new(reason),
            left: format!("the change set {} ({left})", self.name),
        }
    }

    /// Waits until the changes are known; or why there are none.
    async fn wait(&mut self, stacks: &Stacks) -> Result<Option<String>, Error> {
        let began = Instant::now();
        let mut pause = SOON;
        while began.elapsed() < PATIENCE {
            let page = self.page(stacks, None).await?;
            match page.status() {
                Some(ChangeSetStatus::CreateComplete) => {
                    self.read(stacks, page).await?;
                    return Ok(None);
                }
                Some(ChangeSetStatus::Failed) => {
                    return Ok(Some(page.status_reason.unwrap_or_default()));
                }
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LATE);
        }
        Err(Error::Silent(name_of(&self.stack_id).to_owned()))
    }

    async fn read(&mut self, stacks: &Stacks, first: DescribeChangeSetOutput) -> Result<(), Error> {
        let mut page = first;
        loop {
            let resources = page.changes().iter();
            let resources = resources.filter_map(|it| it.resource_change());
            self.changes.extend(resources.map(change));
            match page.next_token.take() {
                Some(next) => page = self.page(stacks, Some(next)).await?,
                None => return Ok(()),
            }
        }
    }

    async fn page(
        &self,
        stacks: &Stacks,
        next: Option<String>,
    ) -> Result<DescribeChangeSetOutput, Error> {
        let call = Call::new(
            "the change set cannot be read",
            "cloudformation:DescribeChangeSet",
            &self.change_set,
        );
        stacks
            .client
            .describe_change_set()
            .change_set_name(&self.change_set)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| call.failed(&error))
    }

    /// The stack's id.
    pub(crate) fn stack(&self) -> &str {
        &self.stack_id
    }

    /// Begins to do it. The last event before that: what comes after it is news.
    pub(crate) async fn begin(&self, stacks: &Stacks) -> Result<Option<String>, Error> {
        let last = stacks.last_event(&self.stack_id).await?;
        let call = Call::new(
            "the change set cannot be executed",
            "cloudformation:ExecuteChangeSet",
            &self.change_set,
        );
        stacks
            .client
            .execute_change_set()
            .change_set_name(&self.change_set)
            .send()
            .await
            .map_err(|error| call.failed(&error))?;
        Ok(last)
    }

    /// Leaves everything as it was, unless it has begun all the same.
    pub(crate) async fn take_back(&self, stacks: &Stacks) -> Result<(), Error> {
        let found = stacks.find(&self.stack_id).await?;
        match found {
            Some(found) if self.is_new && !found.is_only_proposed() => {
                Err(Error::Begun(name_of(&self.stack_id).to_owned()))
            }
            Some(_) => self.discard(stacks).await,
            None => Ok(()),
        }
    }

    /// Leaves everything as it was. Whoever proposes the same new stack meanwhile
    /// shares its id: it goes only while nothing but ours is proposed for it.
    pub(crate) async fn discard(&self, stacks: &Stacks) -> Result<(), Error> {
        if !self.is_new {
            return self.delete(stacks).await;
        }
        let found = stacks.find(&self.stack_id).await?;
        match found.filter(Found::is_only_proposed) {
            Some(found) if is_alone(&self.name, &found.change_sets) => {
                stacks.delete_proposed(&self.stack_id).await
            }
            Some(_) => self.delete(stacks).await,
            // Another one was carried out, and ours went with that
            // (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>).
            None => Ok(()),
        }
    }

    async fn delete(&self, stacks: &Stacks) -> Result<(), Error> {
        let call = Call::new(
            "the change set cannot be deleted",
            "cloudformation:DeleteChangeSet",
            &self.change_set,
        );
        let deleted = stacks.client.delete_change_set();
        let deleted = deleted.change_set_name(&self.change_set).send().await;
        deleted.map(drop).map_err(|error| call.failed(&error))
    }
}

fn is_alone(name: &str, change_sets: &[String]) -> bool {
    change_sets.iter().all(|it| it == name)
}

/// CloudFormation's own words, or the transform's
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-create.html>).
fn is_nothing(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

fn change(told: &ResourceChange) -> Change {
    let word = |it: Option<&str>| it.unwrap_or_default().to_owned();
    let action = word(told.action().map(|it| it.as_str()));
    let replacement = word(told.replacement().map(|it| it.as_str()));
    let policy = word(told.policy_action().map(|it| it.as_str()));
    Change {
        action: Action::read(&action, &replacement, &policy),
        logical_id: word(told.logical_resource_id()),
        resource_type: word(told.resource_type()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_alone_until_somebody_else_proposes() {
        let (ours, theirs) = ("tether-0-1-0-1", "tether-0-1-0-2");
        assert!(is_alone(ours, &[ours.to_owned()]));
        assert!(is_alone(ours, &[]));
        assert!(!is_alone(ours, &[theirs.to_owned(), ours.to_owned()]));
    }

    #[test]
    fn no_change_is_told_from_other_reasons() {
        assert!(is_nothing(
            "The submitted information didn't contain changes. Submit different information to create a change set."
        ));
        assert!(is_nothing("No updates are to be performed."));
        assert!(!is_nothing(
            "Transform AWS::Serverless-2016-10-31 failed with: x"
        ));
    }
}
