//! Until when the caller's credentials are good, in a session that may last
//! longer. Those that can be renewed are, in silence; of the others people hear
//! in time.
//!
//! The developer role is assumed again by SDK clients when it has expired, which
//! needs the caller's credentials: without them the session ends with the role,
//! within an hour.

use crate::account::Account;
use crate::report::{CredentialsState, Report, Reports};
use crate::surroundings::{Keys, Origin, clock, millis};
use std::time::{Duration, SystemTime};
use tether_aws::TimeSource as _;

/// People hear of an end so long before it, or for a quarter of a shorter life.
const NOTICE: Duration = Duration::from_secs(5 * 60);
/// Machines have new ones five minutes before the end of the old ones
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>).
const NOTICE_OF_MACHINES: Duration = Duration::from_secs(4 * 60);
/// How often new ones are looked for, once the old ones have expired.
const LOOK: Duration = Duration::from_secs(5);
/// The same where that starts a program of somebody else's.
const LOOK_AT_PROCESS: Duration = Duration::from_secs(60);
/// A program that waits for somebody is not waited for.
const ASKED_FOR: Duration = Duration::from_secs(20);
/// The longest sleep: a laptop that was asleep itself notices soon.
const NAP: Duration = Duration::from_secs(30);

/// What to say at the start; nothing of credentials that are there for good.
pub(crate) fn at_the_start(account: &Account) -> Option<Report> {
    let keys = account.keys();
    let source = keys.source();
    let (until, message) = match keys.until {
        Some(until) => {
            let at = clock(until);
            let what = format!("the AWS credentials of {source} are good until {at}");
            (
                Some(until),
                format!(
                    "{what}; they are renewed if that is possible, and you are told if it is not"
                ),
            )
        }
        None if keys.are_temporary => {
            let what = format!(
                "the AWS credentials of {source} are temporary, and nobody says until when"
            );
            (
                None,
                format!("{what}: when they have expired, {}", keys.remedy()),
            )
        }
        None => return None,
    };
    Some(Report::Credentials {
        state: CredentialsState::Temporary,
        until: until.map(millis),
        message,
    })
}

/// Watches them for as long as it is polled; never ends.
pub(crate) async fn watch(account: &Account, reports: &Reports) {
    let mut keys = account.keys().clone();
    while let Some(until) = keys.until {
        let notice = match keys.origin {
            Origin::Machine => NOTICE_OF_MACHINES,
            _ => NOTICE,
        };
        let life = until.duration_since(account.skew().now());
        let life = life.unwrap_or_default();
        wait(account, until, |left, whole| left <= notice.min(whole / 4)).await;
        match renewed(account, until).await {
            Ok(new) => keys = new,
            Err(why) => {
                tell(reports, CredentialsState::Expiring, &keys, &why);
                keys = after(account, reports, keys, life).await;
            }
        }
    }
    // Good for good, or nobody knows for how long.
    std::future::pending().await
}

/// They could not be renewed before their end; perhaps somebody logs in. Keys that
/// live for seconds are looked for more often than others.
async fn after(account: &Account, reports: &Reports, keys: Keys, life: Duration) -> Keys {
    let Some(until) = keys.until else {
        return keys;
    };
    let mut told = false;
    loop {
        let left = until.duration_since(account.skew().now());
        // Each look starts a `credential_process` anew, which may open a window.
        let look = match keys.origin {
            Origin::Process => LOOK_AT_PROCESS.min(life.max(LOOK)),
            _ => LOOK,
        };
        tokio::time::sleep(left.unwrap_or(look).min(look)).await;
        if let Ok(new) = renewed(account, until).await {
            tell(reports, CredentialsState::Renewed, &new, "");
            return new;
        }
        if account.skew().now() >= until && !told {
            told = true;
            tell(reports, CredentialsState::Expired, &keys, "");
        }
    }
}

/// Credentials that are good for longer than these, or why there are none.
async fn renewed(account: &Account, until: SystemTime) -> Result<Keys, String> {
    let asked = tokio::time::timeout(ASKED_FOR, account.keys_again()).await;
    let found = asked.map_err(|_| "whoever hands them out does not answer".to_owned())?;
    let found = found.map_err(|it| it.to_string())?;
    match found.until {
        Some(new) if new <= until => Err("the same ones were handed out again".to_owned()),
        _ => Ok(found),
    }
}

async fn wait(account: &Account, until: SystemTime, is_over: impl Fn(Duration, Duration) -> bool) {
    let left = || {
        until
            .duration_since(account.skew().now())
            .unwrap_or_default()
    };
    let whole = left();
    loop {
        let left = left();
        if is_over(left, whole) {
            return;
        }
        tokio::time::sleep((left / 4).clamp(Duration::from_millis(50), NAP)).await;
    }
}

fn tell(reports: &Reports, state: CredentialsState, keys: &Keys, why: &str) {
    let (source, remedy) = (keys.source(), keys.remedy());
    let at = keys.until.map(clock).unwrap_or_default();
    let message = match state {
        CredentialsState::Expiring => format!(
            "the AWS credentials of {source} expire at {at} and are not renewed ({why}): {remedy}"
        ),
        CredentialsState::Expired => format!(
            "the AWS credentials of {source} have expired: {remedy}. This session goes on with the developer role until that expires, an hour after it was assumed; then the deployed code answers"
        ),
        CredentialsState::Renewed if keys.until.is_some() => {
            format!("there are new AWS credentials of {source}, good until {at}")
        }
        _ => format!("there are new AWS credentials of {source}"),
    };
    reports(Report::Credentials {
        state,
        until: keys.until.map(millis),
        message,
    });
}
