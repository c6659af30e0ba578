//! What must hold, whatever happens.

use crate::table::Value;
use crate::world::{End, World};
use tether_protocol::carry::{Failure, Verdict};
use tether_protocol::records::InvocationStatus::{Abandoned, Completed, Declined, Failed};

/// When an attempt gets its verdict.
pub(crate) fn at_the_end(world: &World<'_>, verdict: &Verdict) -> Result<(), String> {
    let story = &world.story[usize::from(world.attempt)];
    let row = world.table.row(world.attempt, world.setup.twist);
    let status = row.map(|row| row.status);
    if story.end.is_some() {
        return Err("an attempt has two verdicts".into());
    }
    if world.now > world.bootstrap.answer_by() {
        return Err("the verdict comes too late".into());
    }
    match verdict {
        Verdict::Answered => match row.and_then(|row| row.value) {
            Some(Value::Computed(of)) if of == world.attempt && story.computed => {
                must(status == Some(Completed), "an answer that is not COMPLETED")
            }
            Some(Value::Error) => must(status == Some(Failed), "an error that is not FAILED"),
            _ => Err("a success that nobody computed for this attempt".into()),
        },
        Verdict::Deployed(_) => must(
            !story.reached || matches!(status, Some(Abandoned | Declined)),
            "the deployed code answers although the laptop may have the event, and nothing in the record keeps it from running it",
        ),
        Verdict::Fail(Failure::Deadline) => must(
            world.now >= world.bootstrap.answer_by() || !world.setup.reasons,
            "the deadline is blamed before it has come",
        ),
        Verdict::Fail(Failure::AnswerLost) => Err("nothing was large enough to get lost".into()),
        Verdict::Fail(Failure::LaptopGone | Failure::Unconfirmed) => must(
            story.reached,
            "an error although the laptop cannot have the event",
        ),
    }
}

/// After each step.
pub(crate) fn always(world: &World<'_>) -> Result<(), String> {
    for story in &world.story {
        must(
            story.end != Some(End::Deployed) || story.starts == 0,
            "an attempt runs on the laptop and as deployed code",
        )?;
        must(story.starts <= 1, "an attempt runs twice on the laptop")?;
    }
    Ok(())
}

fn must(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}
