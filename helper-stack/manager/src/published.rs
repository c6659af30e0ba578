//! Versions that were published while a function was attached. They are
//! immutable: they keep the layer and the variables for as long as they exist,
//! and the bootstrap in them starts the function's own code at once.

use crate::cloud::Cloud;
use crate::tries::all_pages;
use lambda_runtime::tracing::warn;
use tether_protocol::instrumentation::carries_ours;

/// What to say of a function's versions; empty: nothing.
pub(crate) async fn told<C: Cloud>(cloud: &C, arn: &str, layer: &str) -> String {
    let versions = all_pages(cloud, async |next| cloud.versions(arn, next).await).await;
    match versions {
        Ok(versions) => {
            let ours = versions
                .into_iter()
                .filter(|it| carries_ours(&it.configuration, layer));
            let numbers: Vec<String> = ours.map(|it| it.number).collect();
            sentence(&numbers)
        }
        Err(failure) => {
            warn!("the versions of {arn} cannot be listed: {failure}");
            String::new()
        }
    }
}

fn sentence(numbers: &[String]) -> String {
    match numbers {
        [] => String::new(),
        [number] => format!(
            "version {number} was published while attached: it runs its own code, and keeps tether's layer until you delete it or publish again"
        ),
        numbers => format!(
            "versions {} were published while attached: they run their own code, and keep tether's layer until you delete them or publish again",
            numbers.join(", ")
        ),
    }
}
