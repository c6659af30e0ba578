//! The one program that changes functions: instruments them for a session,
//! restores them, and sweeps up after sessions that are lost.

mod aws;
mod cloud;
mod instrument;
mod leftover;
mod paced;
mod plan;
mod published;
mod repair;
mod requests;
mod restore;
mod settings;
mod settle;
mod several;
mod tries;
mod warnings;
mod words;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod exact;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use aws::Aws;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn, tracing};
use paced::Paced;
use serde::Deserialize;
use serde_json::json;
use settings::Settings;
use tether_protocol::message::ManagerRequest;
use tether_protocol::rights::RightsRequest;

/// What the function is invoked with.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Rights(RightsRequest),
    Work(ManagerRequest),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let aws = Aws::new(&settings);
    let cloud = Paced::new(&aws);
    run(service_fn(async |event: LambdaEvent<Asked>| {
        Ok::<_, Diagnostic>(match event.payload {
            Asked::Rights(it) => json!(aws.rights(&settings.helper, it.extent).await),
            Asked::Work(work) => json!(requests::serve(&cloud, &settings.helper, work).await?),
        })
    }))
    .await
}
