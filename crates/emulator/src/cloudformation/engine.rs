//! Makes of a stack what is wanted, or leaves it as it was.

mod back;
mod nested;

use super::plan::{Change, Plan, Step, plan};
use super::resources::Hands;
use super::rights::By;
use super::stack::{Made, Stack};
use super::wish::Wish;
use crate::cloud::Cloud;
use nested::INITIATED;
use std::path::Path;
use std::sync::Arc;
use tether_sam::{Problems, Resource};

/// What to do with a stack.
pub(crate) struct Order {
    pub(crate) wish: Wish,
    pub(crate) by: By,
    pub(crate) on_failure: OnFailure,
}

/// What becomes of what a failed creation has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnFailure {
    #[default]
    Rollback,
    Delete,
    Nothing,
}

/// Why a stack has not become what was wanted.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    /// The first resource that failed.
    pub(crate) logical_id: String,
    pub(crate) reason: String,
}

/// What was done with a resource, and can be undone.
enum Done {
    Added(Made),
    Modified { before: Made, now: Made },
    Replaced { before: Made, now: Made },
}

/// Creates a stack, and waits for it: a deployment at the start.
///
/// # Errors
/// What is wrong with the template; what failed.
pub(crate) async fn create_now(
    cloud: &Arc<Cloud>,
    stack: &Arc<Stack>,
    order: Order,
) -> Result<Result<tether_sam::Stack, Failed>, Problems> {
    let planned = plan(cloud, stack, &order.wish)?;
    let target = planned.target.clone();
    stack.enter("CREATE_IN_PROGRESS", Some("User Initiated"));
    let _work = stack.work.lock().await;
    let ended = run(cloud, stack, order, planned, true).await;
    Ok(ended.map(|()| target))
}

/// Makes a stack what is wanted, and waits for it: the template on this machine
/// has changed.
///
/// # Errors
/// What is wrong with the template; what failed, and the stack is what it was.
pub(crate) async fn update_now(
    cloud: &Arc<Cloud>,
    stack: &Arc<Stack>,
    order: Order,
) -> Result<Result<tether_sam::Stack, Failed>, Problems> {
    let _work = stack.work.lock().await;
    let planned = plan(cloud, stack, &order.wish)?;
    let target = planned.target.clone();
    stack.enter("UPDATE_IN_PROGRESS", Some("User Initiated"));
    let ended = run(cloud, stack, order, planned, false).await;
    Ok(ended.map(|()| target))
}

/// Begins what a change set says; it goes on behind the answer.
pub(super) fn begin(cloud: &Arc<Cloud>, stack: &Arc<Stack>, order: Order, creates: bool) {
    stack.enter(
        if creates {
            "CREATE_IN_PROGRESS"
        } else {
            "UPDATE_IN_PROGRESS"
        },
        Some("User Initiated"),
    );
    let (cloud, stack) = (Arc::clone(cloud), Arc::clone(stack));
    let tasks = cloud.tasks.clone();
    tasks.spawn(async move {
        let _work = stack.work.lock().await;
        match plan(&cloud, &stack, &order.wish) {
            // What failed is in the events.
            Ok(planned) => drop(run(&cloud, &stack, order, planned, creates).await),
            Err(problems) => {
                let status = if creates {
                    "ROLLBACK_COMPLETE"
                } else {
                    "UPDATE_ROLLBACK_COMPLETE"
                };
                stack.enter(status, Some(&problems.to_string()));
            }
        }
    });
}

/// Begins to delete a stack.
pub(super) fn begin_delete(cloud: &Arc<Cloud>, stack: &Arc<Stack>, by: By) {
    let (cloud, stack) = (Arc::clone(cloud), Arc::clone(stack));
    let tasks = cloud.tasks.clone();
    stack.enter("DELETE_IN_PROGRESS", Some("User Initiated"));
    tasks.spawn(async move {
        let _work = stack.work.lock().await;
        if stack.is_gone() {
            return;
        }
        // What was going on has ended in a state of its own.
        if stack.state().status != "DELETE_IN_PROGRESS" {
            stack.enter("DELETE_IN_PROGRESS", None);
        }
        let file = stack.state().wish.file.clone();
        let run = Run::new(&cloud, &stack, by, &file);
        run.delete_all(false).await;
    });
}

async fn run(
    cloud: &Arc<Cloud>,
    stack: &Arc<Stack>,
    order: Order,
    planned: Plan,
    creates: bool,
) -> Result<(), Failed> {
    let run = Run::new(cloud, stack, order.by.clone(), &order.wish.file);
    if creates {
        run.settle(order.wish.clone(), &planned);
        stack.state().disable_rollback = order.on_failure == OnFailure::Nothing;
    }
    let mut done = Vec::new();
    let folder = order.wish.folder.clone();
    let result = run.forward(&planned, folder.as_deref(), &mut done).await;
    match result {
        Ok(()) if creates => {
            run.stack.state().outputs = planned.target.outputs;
            stack.enter("CREATE_COMPLETE", None);
            Ok(())
        }
        Ok(()) => {
            run.settle(order.wish, &planned);
            run.stack
                .state()
                .outputs
                .clone_from(&planned.target.outputs);
            stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
            run.clean_up(&planned, done).await;
            stack.enter("UPDATE_COMPLETE", None);
            Ok(())
        }
        Err((first, all)) => {
            if creates {
                run.fail_creation(order.on_failure, &all).await;
            } else {
                run.fail_update(order.on_failure, &all, done).await;
            }
            Err(first)
        }
    }
}

/// One piece of work on a stack.
struct Run<'a> {
    cloud: &'a Arc<Cloud>,
    stack: &'a Arc<Stack>,
    by: By,
    file: String,
}

impl<'a> Run<'a> {
    fn new(cloud: &'a Arc<Cloud>, stack: &'a Arc<Stack>, by: By, file: &str) -> Self {
        Self {
            cloud,
            stack,
            by,
            file: file.to_owned(),
        }
    }

    fn hands<'b>(&'b self, folder: Option<&'b Path>) -> Hands<'b> {
        Hands {
            cloud: self.cloud,
            stack: self.stack,
            by: &self.by,
            file: &self.file,
            folder,
        }
    }

    fn tell(&self, resource: &Resource, id: &str, status: &'static str, reason: Option<String>) {
        let mut state = self.stack.state();
        state.tell(resource, id, status, reason);
    }

    /// What the stack is now, to be described.
    fn settle(&self, wish: Wish, planned: &Plan) {
        let mut state = self.stack.state();
        let target = &planned.target;
        state.parameters = super::template::shown_parameters(&wish, target);
        state.description.clone_from(&target.description);
        state.nested.clone_from(&target.nested);
        state.wish = wish;
    }

    // ---- forward

    async fn forward(
        &self,
        planned: &Plan,
        folder: Option<&Path>,
        done: &mut Vec<Done>,
    ) -> Result<(), (Failed, Vec<String>)> {
        let hands = self.hands(folder);
        hands.say_unsupported(&planned.target);
        hands.keep_ports(&planned.target).await?;
        self.begin_nested(planned);
        for wave in planned.waves() {
            let wave: Vec<&Step> = wave
                .into_iter()
                .filter(|it| it.change != Change::Keep)
                .collect();
            for step in wave.iter().filter(|it| !it.is_stack()) {
                self.announce(step);
            }
            let mut first = None;
            let mut failed = Vec::new();
            for step in wave {
                let id = step.resource.logical_id.clone();
                if first.is_some() {
                    self.cancel(step);
                    failed.push(id);
                    continue;
                }
                match self.step(&hands, step).await {
                    Ok(it) => done.extend(it),
                    Err(reason) => {
                        failed.push(id.clone());
                        first = Some(Failed {
                            logical_id: id,
                            reason,
                        });
                    }
                }
            }
            if let Some(first) = first {
                self.fail_nested(planned, &first);
                return Err((first, failed));
            }
        }
        hands.serve_http_apis(&planned.target).await
    }

    fn announce(&self, step: &Step) {
        let old = self.made(&step.resource);
        let old = old.map(|it| it.physical_id).unwrap_or_default();
        let (status, reason) = match step.change {
            Change::Add | Change::Keep => ("CREATE_IN_PROGRESS", None),
            Change::Modify => ("UPDATE_IN_PROGRESS", None),
            Change::Replace => (
                "UPDATE_IN_PROGRESS",
                Some(
                    "Requested update requires the creation of a new physical resource; hence \
                     creating one.",
                ),
            ),
        };
        self.tell(&step.resource, &old, status, reason.map(str::to_owned));
    }

    fn cancel(&self, step: &Step) {
        let (status, what) = match step.change {
            Change::Add | Change::Keep => ("CREATE_FAILED", "creation"),
            Change::Modify | Change::Replace => ("UPDATE_FAILED", "update"),
        };
        let reason = Some(format!("Resource {what} cancelled"));
        // A nested stack has begun: it is found by its id.
        let id = match step.is_stack() {
            true => step.resource.reference.as_str(),
            false => "",
        };
        self.tell(&step.resource, id, status, reason);
    }

    async fn step(&self, hands: &Hands<'_>, step: &Step) -> Result<Option<Done>, String> {
        let resource = &step.resource;
        let before = self.made(resource);
        let (result, failure, success) = match (step.change, &before) {
            (Change::Modify, Some(before)) => (
                hands.update(before, resource, None).await,
                "UPDATE_FAILED",
                "UPDATE_COMPLETE",
            ),
            (Change::Replace, Some(before)) => (
                hands.replace(before, resource).await,
                "UPDATE_FAILED",
                "UPDATE_COMPLETE",
            ),
            _ => (
                hands.create(resource).await,
                "CREATE_FAILED",
                "CREATE_COMPLETE",
            ),
        };
        let mut now = match result {
            Ok(made) => made,
            Err(reason) => {
                let id = before.map(|it| it.physical_id).unwrap_or_default();
                self.tell(resource, &id, failure, Some(reason.clone()));
                return Err(reason);
            }
        };
        now.generation = step.generation;
        if step.change != Change::Modify && !step.is_stack() {
            let status = if success == "CREATE_COMPLETE" {
                "CREATE_IN_PROGRESS"
            } else {
                "UPDATE_IN_PROGRESS"
            };
            let reason = Some(INITIATED.to_owned());
            self.tell(resource, &now.physical_id, status, reason);
        }
        self.keep(now.clone());
        self.tell(resource, &now.physical_id, success, None);
        Ok(Some(match (step.change, before) {
            (Change::Modify, Some(before)) => Done::Modified { before, now },
            (Change::Replace, Some(before)) => Done::Replaced { before, now },
            _ => Done::Added(now),
        }))
    }

    fn made(&self, resource: &Resource) -> Option<Made> {
        let state = self.stack.state();
        state.made.get(&resource.logical_id).cloned()
    }

    fn keep(&self, made: Made) {
        let mut state = self.stack.state();
        state.made.insert(made.resource.logical_id.clone(), made);
    }
}
