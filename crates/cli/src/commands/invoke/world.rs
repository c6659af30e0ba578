//! What a function finds around it on this machine, as far as the template
//! says: variables, and the head of its event.

use super::super::local_variables;
use crate::args::Invoke;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tether_host::world::{About, of_lambda};
use tether_project::{LocalCode, Place};
use tether_runtime_api::{Invocation, header};

/// Where it is taken to be deployed.
pub(super) fn place(typed: &Invoke) -> Place {
    let from_environment = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    let region = typed.aws.region.clone().or(from_environment);
    Place::in_region(region.as_deref())
}

/// `FunctionName`, or the logical id.
pub(super) fn function_name(code: &LocalCode) -> &str {
    code.function_name.as_deref().unwrap_or(&code.source.name)
}

/// The template's variables and Lambda's own.
pub(super) fn variables(
    typed: &Invoke,
    code: &LocalCode,
    place: &Place,
) -> BTreeMap<String, String> {
    let mut variables = code.environment.clone();
    variables.extend(of_lambda(&About {
        name: function_name(code),
        runtime: &code.source.runtime,
        memory_mb: code.memory_mb,
        region: &place.region,
    }));
    variables.extend(code.logging.clone());
    variables.extend(local_variables(&typed.aws));
    variables.extend(typed.logging.variables());
    variables
}

/// The head of an event whose time begins now.
pub(super) fn invocation(
    code: &LocalCode,
    place: &Place,
    seconds: u32,
    client_context: Option<String>,
) -> Invocation {
    let now = tether_host::now();
    let name = function_name(code);
    let mut rest = vec![(header::TRACE_ID.to_string(), trace_id(now.0 / 1000))];
    let context = client_context.map(|it| (header::CLIENT_CONTEXT.to_string(), it));
    rest.extend(context);
    Invocation {
        request_id: uuid(),
        deadline_ms: now.plus(Duration::from_secs(u64::from(seconds))).0,
        function_arn: place.arn("lambda", &format!("function:{name}")),
        invocation_id: Some(uuid()),
        rest,
    }
}

/// Nothing is traced: X-Ray's daemon is not here
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>).
fn trace_id(seconds: u64) -> String {
    let (root, parent) = (random_hex::<12>(), random_hex::<8>());
    format!("Root=1-{seconds:08x}-{root};Parent={parent};Sampled=0")
}

/// A random one.
fn uuid() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let parts = [
        &bytes[..4],
        &bytes[4..6],
        &bytes[6..8],
        &bytes[8..10],
        &bytes[10..],
    ];
    parts.map(hex).join("-")
}

fn random_hex<const BYTES: usize>() -> String {
    hex(&random::<BYTES>())
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    // Without randomness the ids are all the same, which nothing here minds.
    let _ = getrandom::fill(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_lambdas_form() {
        let id = uuid();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'4');
        assert_ne!(id, uuid());
        let trace = trace_id(0x5759_e988);
        assert!(trace.starts_with("Root=1-5759e988-"), "{trace}");
        assert_eq!(
            trace.len(),
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0".len()
        );
    }
}
