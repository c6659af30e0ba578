//! Schedules of functions (`Events: Type: Schedule`).

use crate::cloud::Cloud;
use crate::lambda::Invoked;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// Invokes a function again and again, until the emulator ends. One run at a
/// time: a slow one delays the next.
pub(crate) fn start(cloud: &Arc<Cloud>, function: String, period: Duration, input: Bytes) {
    let (cloud, ending) = (Arc::clone(cloud), cloud.ending.clone());
    let tasks = cloud.tasks.clone();
    tasks.spawn(async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick is now; a schedule's first run is a period away.
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = ending.cancelled() => return,
            }
            let invoked = tokio::select! {
                invoked = cloud.lambda.invoke(&function, input.clone(), None) => invoked,
                () = ending.cancelled() => return,
            };
            match invoked {
                Ok(Invoked {
                    failed: true,
                    payload,
                    ..
                }) => cloud.notice(format!(
                    "{function}, run by its schedule, failed: {}",
                    String::from_utf8_lossy(&payload)
                )),
                Err(error) => cloud.notice(format!("{function}: {error}")),
                Ok(_) => {}
            }
        }
    });
}
