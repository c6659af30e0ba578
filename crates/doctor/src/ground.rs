//! What everything else stands on: region, network, credentials, clock.

use super::finding::{Book, Finding, State, Step, silent};
use super::{PATIENCE, Wish};
use http::Uri;
use std::time::{Duration, SystemTime};
use tether_aws::{Failure, Partition, Road};
use tether_receiver::{Account, Error, Keys, Surroundings};

/// Credentials that end so soon are spoken of.
const SOON: Duration = Duration::from_secs(15 * 60);

/// What is set; none if it is set to what cannot be.
pub(crate) async fn surroundings(wish: &Wish, book: &Book<'_>) -> Option<Surroundings> {
    let looked = tokio::time::timeout(PATIENCE, Surroundings::look(&wish.whereabouts)).await;
    match looked {
        Ok(Ok(surroundings)) => Some(surroundings),
        Ok(Err(error)) => {
            book.put(Finding::error(Step::Network, &error));
            None
        }
        Err(_) => {
            book.put(Finding::failed(
                Step::Network,
                "the region and the profile could not be read in time",
                "pass --region, or set AWS_REGION: whatever else says it does not answer",
            ));
            None
        }
    }
}

/// Whether there is one that can be.
pub(crate) fn region(surroundings: &Surroundings, book: &Book<'_>) -> bool {
    let finding = judge(surroundings);
    let is_good = finding.state == State::Ok;
    book.put(finding);
    is_good
}

fn judge(surroundings: &Surroundings) -> Finding {
    let Some((region, place)) = &surroundings.region else {
        return Finding::error(Step::Region, &Error::NoRegion);
    };
    let partition = Partition::of_region(region).name;
    if !Partition::is_region(region) {
        return Finding::failed(
            Step::Region,
            format!("{region} (of {place}) is no region"),
            "write it as AWS does, eu-west-1 for example",
        );
    }
    let what = format!("{region}, in the partition {partition} (from {place})");
    Finding::ok(Step::Region, what)
}

/// Whether AWS, or what stands for it, can be reached.
pub(crate) async fn network(surroundings: &Surroundings, book: &Book<'_>) -> bool {
    let url = match (&surroundings.endpoint_url, &surroundings.region) {
        (Some(url), _) => url.clone(),
        (None, Some((region, _))) => {
            let suffix = Partition::of_region(region).url_suffix;
            format!("https://sts.{region}.{suffix}/")
        }
        (None, None) => {
            book.put(Finding::skipped(Step::Network, "needs a region"));
            return false;
        }
    };
    let is_own = surroundings.endpoint_url.is_some();
    let Ok(uri) = url.parse::<Uri>() else {
        let what = format!("{url} is no URL");
        let fix = "correct AWS_ENDPOINT_URL or --endpoint-url";
        book.put(Finding::failed(Step::Network, what, fix));
        return false;
    };
    let reached = tokio::time::timeout(PATIENCE, tether_relay::reach(&surroundings.road, &uri));
    let reached = match reached.await {
        Ok(reached) => reached,
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let is_good = reached.is_ok();
    book.put(match reached {
        Ok(()) => Finding::ok(Step::Network, reached_in_words(&surroundings.road, &uri)),
        Err(reason) => out_of_reach(&url, &reason, is_own),
    });
    is_good
}

fn reached_in_words(road: &Road, uri: &Uri) -> String {
    let host = uri.authority().map_or("", http::uri::Authority::as_str);
    let way = match road.proxy(uri) {
        Some(proxy) => format!("through the proxy {proxy}"),
        None => "without a proxy".to_owned(),
    };
    let trust = match (uri.scheme_str(), road.bundle()) {
        (Some("https"), Some(bundle)) => format!(
            ", its certificate trusted by {} ({})",
            bundle.path().display(),
            bundle.variable()
        ),
        (Some("https"), None) => ", its certificate trusted by this machine".to_owned(),
        _ => String::new(),
    };
    format!("{host} is reached {way}{trust}")
}

fn out_of_reach(url: &str, reason: &str, is_own: bool) -> Finding {
    // These say what to do themselves.
    if reason.starts_with("the proxy ") || reason.starts_with("the certificate ") {
        return Finding::error(Step::Network, &reason);
    }
    let fix = if is_own {
        "start `tether emulator`, or correct AWS_ENDPOINT_URL or --endpoint-url"
    } else {
        "check the region's name and the network; behind a proxy, set HTTPS_PROXY to it"
    };
    let what = format!("{url} cannot be reached ({reason})");
    Finding::failed(Step::Network, what, fix)
}

/// Credentials without AWS: whether there are any.
pub(crate) async fn keys(surroundings: &Surroundings, needs: &str) -> Finding {
    match tokio::time::timeout(PATIENCE, surroundings.keys()).await {
        Ok(Ok(keys)) => Finding::skipped(
            Step::Credentials,
            format!(
                "there are some, by {}; whether AWS takes them needs {needs}",
                keys.source()
            ),
        ),
        Ok(Err(error)) => Finding::error(Step::Credentials, &error),
        Err(_) => silent(Step::Credentials),
    }
}

/// Who is calling, by what AWS says; and what time it is there.
pub(crate) async fn account(surroundings: Surroundings, book: &Book<'_>) -> Option<Account> {
    let account = match tokio::time::timeout(PATIENCE, Account::of(surroundings)).await {
        Ok(Ok(account)) => account,
        Ok(Err(error)) => {
            book.put(Finding::error(Step::Credentials, &error));
            book.skip(&[Step::Clock], "credentials");
            return None;
        }
        Err(_) => {
            book.put(silent(Step::Credentials));
            return None;
        }
    };
    let client = aws_sdk_sts::Client::new(account.caller());
    let asked = tokio::time::timeout(PATIENCE, client.get_caller_identity().send()).await;
    let identity = match asked {
        Ok(Ok(identity)) => identity,
        Ok(Err(error)) => {
            let failure = tether_aws::classify(&error);
            book.put(not_known(&failure, account.keys()));
            match failure.status {
                Some(_) => book.put(clock(&account)),
                None => book.skip(&[Step::Clock], "an answer of AWS"),
            }
            return None;
        }
        Err(_) => {
            book.put(silent(Step::Credentials));
            return None;
        }
    };
    let arn = identity.arn().unwrap_or_default();
    book.put(known(arn, account.keys()));
    book.put(clock(&account));
    Some(account)
}

fn known(arn: &str, keys: &Keys) -> Finding {
    let source = keys.source();
    let Some(until) = keys.until else {
        let end = if keys.are_temporary {
            "temporary, and nobody says until when"
        } else {
            "without an end"
        };
        return Finding::ok(Step::Credentials, format!("{arn}, by {source}, {end}"));
    };
    let at = keys.until_in_words().unwrap_or_default();
    let what = format!("{arn}, by {source}, good until {at}");
    match until.duration_since(SystemTime::now()) {
        Ok(left) if left > SOON => Finding::ok(Step::Credentials, what),
        _ => Finding::warning(Step::Credentials, what, keys.remedy()),
    }
}

fn not_known(failure: &Failure, keys: &Keys) -> Finding {
    let source = keys.source();
    let fix = match failure.code.as_str() {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => keys.remedy(),
        _ if failure.status.is_none() => {
            "see the network: AWS's STS cannot be reached from here".to_owned()
        }
        _ => format!("check the keys of {source}, and that they are of this partition"),
    };
    let what = format!("AWS does not take the credentials of {source} ({failure})");
    Finding::failed(Step::Credentials, what, fix)
}

fn clock(account: &Account) -> Finding {
    match account.skew().in_words() {
        None => Finding::ok(Step::Clock, "right, by AWS's answers"),
        Some(off) => Finding::warning(
            Step::Clock,
            format!("this machine's clock is {off}; tether goes by AWS's"),
            "set it: `timedatectl set-ntp true` on Linux",
        ),
    }
}
