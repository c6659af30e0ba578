//! The REQUEST authorizer on `$connect`: lets a receiver in by session id and
//! token.

mod request;
mod settings;
mod verdict;

use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use request::Request;
use settings::Settings;
use tether_store::Sessions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let sessions = Sessions::new(&settings.aws, settings.sessions_table);
    run(service_fn(|event: LambdaEvent<Request>| {
        verdict::give(&sessions, event.payload)
    }))
    .await
}
