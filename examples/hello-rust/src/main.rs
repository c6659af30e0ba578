//! Greets whoever the event names.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

const ANSWERED_BY: &str = "the deployed code";

async fn handler(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let name = event.payload["name"].as_str().unwrap_or("world");
    let greeting = std::env::var("GREETING").unwrap_or_else(|_| "Hi".to_owned());
    println!("greeting {name}");
    Ok(json!({
        "message": format!("{greeting}, {name}!"),
        "answered_by": ANSWERED_BY,
        "request_id": event.context.request_id,
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handler)).await
}
