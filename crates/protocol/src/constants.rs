//! Every span and limit of the live road, in one place, with its reason.

use std::time::Duration;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A session that nobody connected to is void after this: long enough for a
/// slow network and a proxy's login page, short enough to leave nothing behind.
pub const SESSION_PENDING: Duration = secs(120);

/// How often the receiver sends a data message. API Gateway cuts a connection
/// after 10 min without one, and counts messages, not pings
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
pub const KEEP_ALIVE: Duration = secs(30);

/// How long a session lives without a keep-alive: three of them may be lost.
pub const LEASE: Duration = secs(90);

/// A session row outlives its lease by this, so that a receiver that wakes up
/// can be told what became of its session.
pub const SESSION_KEPT_AFTER_LEASE: Duration = secs(600);

/// The wait for a claim: a laptop that is awake claims within a network round
/// trip, and an unattended function should not lose more than this.
pub const CLAIM_WAIT: Duration = secs(2);

/// The wait for a claim takes at most this part of the remaining time, so that
/// the deployed code can still do its work.
pub const CLAIM_WAIT_DIVISOR: u32 = 4;

/// How long a reply may take once the connection is gone: a reconnect takes
/// a second or two, a laptop that sleeps takes forever.
pub const GRACE_AFTER_DISCONNECT: Duration = secs(15);

/// While an invocation is accepted, the bootstrap looks this often whether the
/// session still lives.
pub const SESSION_WATCH: Duration = secs(5);

/// The bootstrap believes that a session is ACTIVE for this long.
pub const BELIEVE_ACTIVE: Duration = secs(1);

/// The bootstrap believes that a session is DISCONNECTED for this long.
pub const BELIEVE_DISCONNECTED: Duration = secs(5);

/// The bootstrap answers this long before the deadline: posting an answer of
/// 6 MB to the Runtime API takes a fraction of it.
pub const ANSWER_BEFORE_DEADLINE: Duration = Duration::from_millis(500);

/// One AWS call of the bootstrap takes at most this long; a caller waits.
pub const LAYER_CALL_TIMEOUT: Duration = secs(2);

/// Temporary credentials are renewed when they have less than this left, which
/// is more than one AWS call may take and less than the shortest role session.
pub const RENEW_CREDENTIALS_BEFORE: Duration = secs(300);

/// Correlation records vanish this long after the deadline, should the
/// bootstrap not have lived to delete them.
pub const RECORD_KEPT_AFTER_DEADLINE: Duration = secs(3600);

/// The timeout of a function while attached, in seconds: Lambda's largest.
/// A breakpoint is not a reason to fail.
pub const ATTACHED_TIMEOUT_SECONDS: u32 = 900;

/// API Gateway's limit for one message, both ways
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
pub const MESSAGE_LIMIT: usize = 128 * 1024;

/// API Gateway's limit for one WebSocket frame.
pub const FRAME_LIMIT: usize = 32 * 1024;

/// The pause before the next look at the correlation record, `waited` after
/// the post: most answers come soon, and a breakpoint lasts minutes.
#[must_use]
pub fn poll_pause(waited: Duration) -> Duration {
    let pause = match waited.as_millis() {
        0..500 => 10,
        500..2_000 => 25,
        2_000..30_000 => 100,
        _ => 250,
    };
    Duration::from_millis(pause)
}
