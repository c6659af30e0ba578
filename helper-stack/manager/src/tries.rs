//! How often a refused call is tried again, and after which pause.
//!
//! Only here: the SDK tries a paced call once (see `aws`), or it would make
//! three of one, and none of them wait for their turn.

use crate::cloud::{Cloud, Page};
use std::time::Duration;
use tether_aws::Failure;

/// A deploy that changes the function under our hands does so once or twice.
const STALE_TRIES: u32 = 5;
/// An update of somebody else takes seconds, and a busy account has room again
/// within some more; longer than this in all is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why an update did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 412: the function is of another revision by now.
    Stale,
    /// 409 or 429: another update runs, or there are too many. Or the call
    /// never left.
    Busy,
    /// 404: the function does not exist any more.
    Gone,
    /// It may have come about all the same.
    Unknown,
    /// Any other word of Lambda's, which it would repeat.
    Final,
}

impl Refusal {
    /// Reads a failed update.
    pub(crate) fn of(failure: &Failure) -> Self {
        match failure.status {
            Some(412) => Self::Stale,
            Some(409 | 429) => Self::Busy,
            Some(404) => Self::Gone,
            _ if failure.outcome_unknown => Self::Unknown,
            _ if failure.is_passing() => Self::Busy,
            _ => Self::Final,
        }
    }

    /// Whether the function may have been changed by this very call.
    pub(crate) fn is_doubtful(self) -> bool {
        self == Self::Unknown
    }
}

/// What has been tried so far.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    stale: u32,
    busy: u32,
    waited: Duration,
}

impl Tries {
    /// The pause before the function is read and planned for again; none: it
    /// has been tried enough.
    pub(crate) fn again(&mut self, refusal: Refusal) -> Option<Duration> {
        match refusal {
            Refusal::Stale | Refusal::Gone => {
                self.stale += 1;
                (self.stale < STALE_TRIES).then_some(Duration::ZERO)
            }
            Refusal::Busy | Refusal::Unknown => {
                let pause = (FIRST_PAUSE * 2u32.saturating_pow(self.busy)).min(LONGEST_PAUSE);
                self.busy += 1;
                self.waited += pause;
                (self.waited <= PATIENCE).then_some(pause)
            }
            Refusal::Final => None,
        }
    }
}

/// Asks until there is an answer, or it has been tried enough. For calls that
/// change nothing.
pub(crate) async fn asked<C: Cloud, T>(
    cloud: &C,
    call: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut tries = Tries::default();
    loop {
        let failure = match call().await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let pause = match Refusal::of(&failure) {
            refusal @ (Refusal::Busy | Refusal::Unknown) => tries.again(refusal),
            _ => None,
        };
        match pause {
            Some(pause) => cloud.pause(pause).await,
            None => return Err(failure),
        }
    }
}

/// Every page of a list.
pub(crate) async fn all_pages<C: Cloud, T>(
    cloud: &C,
    page: impl AsyncFn(Option<&str>) -> Result<Page<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let found = asked(cloud, async || page(next.as_deref()).await).await?;
        items.extend(found.items);
        match found.next {
            Some(marker) if !marker.is_empty() => next = Some(marker),
            _ => return Ok(items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: Option<u16>, outcome_unknown: bool) -> Failure {
        Failure {
            code: String::new(),
            message: String::new(),
            status,
            outcome_unknown,
        }
    }

    #[test]
    fn lambdas_answers_are_told_apart() {
        for (status, unknown, expected) in [
            (Some(412), false, Refusal::Stale),
            (Some(409), false, Refusal::Busy),
            (Some(429), false, Refusal::Busy),
            (Some(404), false, Refusal::Gone),
            (Some(503), true, Refusal::Unknown),
            (None, true, Refusal::Unknown),
            (None, false, Refusal::Busy),
            (Some(400), false, Refusal::Final),
        ] {
            assert_eq!(Refusal::of(&failure(status, unknown)), expected);
        }
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        assert_eq!(Tries::default().again(Refusal::Final), None);
    }

    #[test]
    fn a_revision_that_keeps_changing_is_tried_five_times_in_all() {
        let mut tries = Tries::default();
        let again = std::iter::from_fn(|| tries.again(Refusal::Stale)).count();
        assert_eq!(again, 4, "and the first one makes five");
    }

    #[test]
    fn another_update_is_waited_for_ever_longer_and_not_for_ever() {
        let mut tries = Tries::default();
        let pauses: Vec<_> = std::iter::from_fn(|| tries.again(Refusal::Busy)).collect();
        let waited: Duration = pauses.iter().sum();
        assert!(waited <= PATIENCE && waited > PATIENCE / 2, "{pauses:?}");
        assert!(pauses.is_sorted() && pauses.first() == Some(&FIRST_PAUSE));
    }
}
