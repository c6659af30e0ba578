//! Waits until an update has taken effect.

use crate::cloud::{Cloud, LastUpdate};
use crate::tries::Refusal;
use std::time::Duration;

/// AWS's own waiter gives up after this.
const PATIENCE: Duration = Duration::from_secs(300);
/// Small functions are updated within a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// `GetFunction` has a quota of its own, which other tools want, too.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Waits until the last update of a function is no longer in progress.
///
/// # Errors
/// Why that cannot be told.
pub(crate) async fn settle<C: Cloud>(cloud: &C, arn: &str) -> Result<LastUpdate, String> {
    let mut waited = Duration::ZERO;
    let mut pause = FIRST_PAUSE;
    loop {
        match cloud.last_update(arn).await {
            Ok(LastUpdate::InProgress) => {}
            Ok(settled) => return Ok(settled),
            Err(failure) => match Refusal::of(&failure) {
                Refusal::Busy | Refusal::Unknown => {}
                _ => return Err(format!("its update cannot be followed ({failure})")),
            },
        }
        if waited >= PATIENCE {
            let minutes = PATIENCE.as_secs() / 60;
            return Err(format!(
                "its update is still in progress after {minutes} min"
            ));
        }
        cloud.pause(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
