//! What arrives over the WebSocket: `$connect`, `$disconnect`, and messages.

mod aws;
mod event;
mod refusal;
mod routes;
mod settings;

use aws::Aws;
use event::Invoked;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn, tracing};
use serde_json::json;
use settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let aws = Aws::new(&Settings::read(|name| std::env::var(name).ok())?);
    run(service_fn(|event: LambdaEvent<Invoked>| async {
        let answer = match event.payload {
            Invoked::Route(event) => json!(routes::handle(&aws, event).await),
            Invoked::Rights(asked) => json!(aws.rights(asked).await),
        };
        Ok::<_, Diagnostic>(answer)
    }))
    .await
}
