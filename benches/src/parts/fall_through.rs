//! What an invocation pays when its session is known to be over: the bootstrap
//! in front of a runtime that does nothing, beside that runtime alone.

use super::Part;
use crate::figures::{Times, above, number};
use crate::report::{Met, Report};
use crate::stage::{Came, Stage};
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 2000;
const WARM_UP: usize = 100;
const BUDGET_MS: f64 = 0.5;

/// The same events, with and without, in turns: a busy machine is busy for both.
const TURNS: usize = 5;

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let rounds = part.setting.rounds(ROUNDS) / TURNS;
    let (mut alone, mut behind) = (Spans::default(), Spans::default());
    for _ in 0..TURNS {
        alone.extend(measure(None, rounds).await?);
        behind.extend(measure(Some(&part.setting.bootstrap), rounds).await?);
    }
    let (alone, behind) = (alone.sorted(), behind.sorted());
    let more = above(behind.1.p50(), alone.1.p50());
    report.row(
        "fall-through per invocation, session known to be closed",
        "≤ 0.5 ms p50",
        format!("{} ms p50", number(more)),
        Met::when(more <= BUDGET_MS),
    );
    report.times("fall-through, event to answer, runtime alone", &alone.0);
    report.times("fall-through, event to answer, bootstrap", &behind.0);
    report.times(
        "fall-through, event to the next `next`, runtime alone",
        &alone.1,
    );
    report.times(
        "fall-through, event to the next `next`, bootstrap",
        &behind.1,
    );
    Ok(())
}

#[derive(Default)]
struct Spans {
    to_answer: Vec<Duration>,
    /// Until the environment could take another event: what callers pay
    /// under load, and so what counts.
    to_next: Vec<Duration>,
}

impl Spans {
    fn extend(&mut self, more: Self) {
        self.to_answer.extend(more.to_answer);
        self.to_next.extend(more.to_next);
    }

    fn add(&mut self, asked: Instant, answered: Instant, next: Instant) {
        self.to_answer.push(answered - asked);
        self.to_next.push(next - asked);
    }

    fn sorted(self) -> (Times, Times) {
        (Times::of(self.to_answer), Times::of(self.to_next))
    }
}

async fn measure(bootstrap: Option<&Path>, rounds: usize) -> Result<Spans> {
    let mut stage = Stage::open().await?;
    let (_child, _) = stage.start(bootstrap)?;
    stage.comes(Came::Next).await?;
    let mut spans = Spans::default();
    for round in 0..WARM_UP + rounds {
        let asked = stage.hand_out()?;
        let answered = stage.comes(Came::Response).await?;
        let next = stage.comes(Came::Next).await?;
        if round >= WARM_UP {
            spans.add(asked, answered, next);
        }
    }
    Ok(spans)
}
