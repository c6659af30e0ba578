//! Ids and times of requests.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tether_apigw::connection_id;
use tether_apigw::http::Stamp;

/// Milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The machine's clock.
#[must_use]
pub fn wall_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
    })
}

/// What makes one request different from all others. `uuid`: whether its id is one, as REST APIs'
/// and function URLs' are.
pub(crate) fn stamp(now_ms: u64, uuid: bool) -> Stamp {
    let (id, unique, trace) = random();
    let extended_request_id = connection_id::from_random(&id);
    let request_id = if uuid {
        as_uuid(u128::from_be_bytes(unique))
    } else {
        extended_request_id.clone()
    };
    let (seconds, rest) = (now_ms / 1000, u128::from_be_bytes(trace) >> 32);
    Stamp {
        request_id,
        extended_request_id,
        trace_id: format!("Root=1-{seconds:08x}-{rest:024x}"),
        now_ms,
    }
}

/// Random bytes for the three, asked for at once; zeros if the system has none, which it always
/// has.
fn random() -> ([u8; 11], [u8; 16], [u8; 16]) {
    let mut bytes = [0_u8; 43];
    let _ = getrandom::fill(&mut bytes);
    let (mut id, mut unique, mut trace) = ([0; 11], [0; 16], [0; 16]);
    for (to, from) in id
        .iter_mut()
        .chain(&mut unique)
        .chain(&mut trace)
        .zip(bytes)
    {
        *to = from;
    }
    (id, unique, trace)
}

/// Version 4 (<https://www.rfc-editor.org/rfc/rfc9562#section-5.4>).
fn as_uuid(random: u128) -> String {
    let bits = (random & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|it| hex.get(it).unwrap_or_default());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_as_aws_makes_them_and_differ() {
        let one = stamp(1_644_163_811_849, true);
        let other = stamp(1_644_163_811_849, false);
        assert_eq!(one.request_id.len(), 36);
        assert_eq!(one.request_id.get(14..15), Some("4"));
        assert!(
            one.trace_id.starts_with("Root=1-61fff2e3-"),
            "{}",
            one.trace_id
        );
        assert_eq!(
            one.trace_id.len(),
            "Root=1-67659810-101d2f353e7cd9797a9aa4ba".len()
        );
        assert_eq!(other.request_id, other.extended_request_id);
        assert!(connection_id::is_well_formed(&other.request_id));
        assert_ne!(one.extended_request_id, other.extended_request_id);
        assert_eq!(as_uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
