//! The REQUEST authorizer on `$connect`: lets a receiver in by session id and
//! token.

mod request;
mod settings;
mod verdict;

use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use request::Event;
use serde_json::json;
use settings::Settings;
use tether_protocol::SessionId;
use tether_protocol::rights::{NOBODY, RightsAnswer, RightsRequest};
use tether_store::Sessions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let sessions = Sessions::new(&settings.aws, settings.sessions_table);
    run(service_fn(async |event: LambdaEvent<Event>| {
        match event.payload {
            Event::Connect(request) => verdict::give(&sessions, request).await,
            Event::Rights(asked) => Ok(json!(rights(&sessions, asked).await)),
        }
    }))
    .await
}

/// A developer asks why nobody gets in.
async fn rights(sessions: &Sessions, asked: RightsRequest) -> RightsAnswer {
    tracing::info!("asked which rights are missing ({:?})", asked.extent);
    let read = sessions.read(&SessionId::new(NOBODY)).await;
    let missing = read.err().and_then(|error| error.missing_right());
    RightsAnswer {
        missing: missing.into_iter().collect(),
    }
}
