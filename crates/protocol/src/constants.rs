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

/// The receiver opens its next connection this long after it opened one: API
/// Gateway cuts a connection after 2 h, whatever it carries, and ten minutes
/// are left for tries on a bad line (see [`KEEP_ALIVE`] for the link).
pub const RENEW_CONNECTION_AFTER: Duration = secs(110 * 60);

/// A connection that has a successor is read for this much longer: bootstraps
/// believe in it for [`BELIEVE_ACTIVE`], a post takes [`LAYER_CALL_TIMEOUT`] at
/// most, and answers to replies may still be on their way on it.
pub const CONNECTION_OVERLAP: Duration = secs(30);

/// A local process whose remote environment was not heard of for this long
/// ends. Lambda ends an idle environment after some minutes; one that comes
/// back later has a new process, as a cold start has.
pub const LOCAL_PROCESS_IDLE: Duration = secs(15 * 60);

/// How often an attached laptop has its functions compared with what they should
/// be: a deploy in the middle leaves one dead for no longer than this.
pub const CHECK_FUNCTIONS: Duration = secs(15);

/// How long a session lives without a keep-alive: three of them may be lost.
pub const LEASE: Duration = secs(90);

/// A session row outlives its lease by this, so that a receiver that wakes up
/// can be told what became of its session.
pub const SESSION_KEPT_AFTER_LEASE: Duration = secs(600);

/// The wait for a claim: a laptop that is awake claims within a network round
/// trip, and an unattended function should not lose more than this.
pub const CLAIM_WAIT: Duration = secs(2);

/// A claim whose outcome is not known is made so often: its id makes that safe.
pub const CLAIM_TRIES: u8 = 3;

/// A reply without an acknowledgement is sent again after this. Sooner, it would
/// only meet its own first copy.
pub const REPEAT_REPLY_AFTER: Duration = secs(5);

/// The laptop writes into the record what the handler is doing this long before
/// the bootstrap has to answer: a write takes a fraction of it.
pub const TELL_BEFORE_ANSWER: Duration = secs(1);

/// The wait for a claim takes at most this part of the remaining time, so that
/// the deployed code can still do its work.
pub const CLAIM_WAIT_DIVISOR: u32 = 4;

/// The part of the remaining time that a wait for the laptop may take: see
/// [`CLAIM_WAIT_DIVISOR`].
#[must_use]
pub fn share_of(left: Duration) -> Duration {
    left.checked_div(CLAIM_WAIT_DIVISOR).unwrap_or_default()
}

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

/// A connection that was good before and gives no answer for this long is given
/// up for a new one: an answer takes milliseconds, a TLS handshake in a small
/// function some hundreds of them.
pub const SILENCE: Duration = Duration::from_millis(700);

/// Temporary credentials are renewed when they have less than this left, which
/// is more than one AWS call may take and less than the shortest role session.
pub const RENEW_CREDENTIALS_BEFORE: Duration = secs(300);

/// Correlation records vanish this long after the deadline, should the
/// bootstrap not have lived to delete them.
pub const RECORD_KEPT_AFTER_DEADLINE: Duration = secs(3600);

/// A laptop drops a message that it reads so long after the deadline: half the
/// time for which the record that forbids a second run is certain to be there.
pub const MESSAGE_STALE_AFTER_DEADLINE: Duration = secs(1800);

/// The timeout of a function while attached, in seconds: Lambda's largest.
/// A breakpoint is not a reason to fail.
pub const ATTACHED_TIMEOUT_SECONDS: u32 = 900;

/// API Gateway's limit for one message, both ways
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
pub const MESSAGE_LIMIT: usize = 128 * 1024;

/// API Gateway's limit for one WebSocket frame.
pub const FRAME_LIMIT: usize = 32 * 1024;

/// Largest buffered event or answer of a function: 6 MB and 100 bytes of grace
/// (`MaxPayloadSize` of AWS's runtime interface emulator).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024 + 100;

/// A payload from this size on is compressed if that makes it a quarter
/// smaller: below it, a slow line is no slower and the caller waits for less.
pub const COMPRESS_FROM: usize = 4 * 1024;

/// Bytes of one chunk of a large payload. An item has at most 400 KB, its
/// attribute names included
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
pub const CHUNK_BYTES: usize = 384 * 1024;

/// A payload has no more chunks than this: a record that speaks of more was not
/// written by tether, and nobody makes room for them.
pub const MOST_CHUNKS: u32 = 17;
const _: () = assert!(MOST_CHUNKS as usize == MAX_PAYLOAD.div_ceil(CHUNK_BYTES));

/// Chunks on their way at the same time: enough to fill a line, few enough to
/// leave the memory of a small function alone.
pub const CHUNKS_AT_ONCE: usize = 6;

/// Storing a large event may take this long, at most a quarter of the remaining
/// time: 6 MB leave a function within a second, and the deployed code waits.
pub const STORE_WAIT: Duration = secs(5);

/// The pause before the next look at the correlation record, `waited` after
/// the post: a quick handler beside a quick line is done within a few
/// milliseconds, most answers come soon, and a breakpoint lasts minutes.
#[must_use]
pub fn poll_pause(waited: Duration) -> Duration {
    let pause = match waited.as_millis() {
        0..12 => 4,
        12..500 => 10,
        500..2_000 => 25,
        2_000..30_000 => 100,
        _ => 250,
    };
    Duration::from_millis(pause)
}
