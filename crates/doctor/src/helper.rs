//! The helper stack and the role that attach works with.

use super::finding::{Book, Finding, Step, silent};
use super::outputs::Outputs;
use super::{PATIENCE, Wish};
use std::cmp::Ordering;
use tether_protocol::PROTOCOL_VERSION;
use tether_receiver::{Account, Developer, Error, HelperStack};

/// An installation that is there.
pub(crate) struct Helper {
    pub(crate) stack: HelperStack,
    pub(crate) outputs: Outputs,
}

/// None: there is none, or it is of no use.
pub(crate) async fn find(wish: &Wish, account: &Account, book: &Book<'_>) -> Option<Helper> {
    let name = &wish.helper_stack_name;
    let found = async {
        let stack = HelperStack::find(account, name).await?;
        Ok::<_, Error>((stack, describe(account, name).await?))
    };
    let (stack, (status, outputs)) = match tokio::time::timeout(PATIENCE, found).await {
        Ok(Ok(found)) => found,
        Ok(Err(Error::Aws { what, failure })) => {
            let fix = format!(
                "whoever administers the account grants cloudformation:DescribeStacks on the stack {name}"
            );
            book.put(Finding::failed(
                Step::HelperStack,
                format!("{what} ({failure})"),
                fix,
            ));
            return None;
        }
        Ok(Err(error)) => {
            book.put(Finding::error(Step::HelperStack, &error));
            return None;
        }
        Err(_) => {
            book.put(silent(Step::HelperStack));
            return None;
        }
    };
    book.put(judge(name, &status, &outputs, stack.version));
    Some(Helper { stack, outputs })
}

async fn describe(account: &Account, name: &str) -> Result<(String, Outputs), Error> {
    let client = aws_sdk_cloudformation::Client::new(account.caller());
    let described = client.describe_stacks().stack_name(name).send().await;
    let described = described.map_err(|error| Error::Aws {
        what: format!("the helper stack {name} cannot be looked up"),
        failure: tether_aws::classify(&error),
    })?;
    let stack = described.stacks().first();
    let status = stack
        .and_then(|it| it.stack_status())
        .map(|it| it.as_str().to_owned());
    let outputs = stack.map(|it| it.outputs()).unwrap_or_default();
    let pairs = outputs
        .iter()
        .filter_map(|it| Some((it.output_key()?.to_owned(), it.output_value()?.to_owned())));
    Ok((status.unwrap_or_default(), Outputs(pairs.collect())))
}

fn judge(name: &str, status: &str, outputs: &Outputs, version: u32) -> Finding {
    let failed = |what: String, fix: &str| Finding::failed(Step::HelperStack, what, fix);
    let missing = outputs.missing();
    if !missing.is_empty() {
        let what = format!("{name} has no output {}", missing.join(", "));
        return failed(
            what,
            "it is incomplete or of another version: install it again",
        );
    }
    match version.cmp(&PROTOCOL_VERSION) {
        Ordering::Less => {
            let what = format!(
                "{name} speaks version {version} of the protocol, and this command {PROTOCOL_VERSION}"
            );
            return failed(what, "run `tether upgrade`");
        }
        Ordering::Greater => {
            let what = format!(
                "{name} speaks version {version} of the protocol, and this command only {PROTOCOL_VERSION}"
            );
            return failed(what, "take a newer tether");
        }
        Ordering::Equal => {}
    }
    if status.ends_with("_IN_PROGRESS") {
        let what = format!("{name} is being changed ({status})");
        return Finding::warning(
            Step::HelperStack,
            what,
            "wait until that is over, and look again",
        );
    }
    let is_good = [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "IMPORT_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    ];
    if !is_good.contains(&status) {
        let what = format!("{name} is not whole ({status})");
        return failed(
            what,
            "look at its events in CloudFormation, and install it again",
        );
    }
    let layers: Vec<&str> = ["x86_64", "arm64"]
        .into_iter()
        .filter(|it| outputs.layer(it).is_some())
        .collect();
    let what = format!(
        "{name} is there ({status}), version {version} of the protocol, layers for {}",
        layers.join(" and ")
    );
    Finding::ok(Step::HelperStack, what)
}

/// Assumes the role, as attach does.
pub(crate) async fn developer(
    account: &Account,
    helper: &Helper,
) -> Result<(Developer, Finding), Finding> {
    let role = helper.outputs.of("DeveloperRoleArn");
    match tokio::time::timeout(PATIENCE, account.developer(&helper.stack)).await {
        Ok(Ok(developer)) => {
            let ok = Finding::ok(Step::DeveloperRole, format!("{role} can be assumed"));
            Ok((developer, ok))
        }
        Ok(Err(Error::NotAssumed { words, .. })) => Err(Finding::failed(
            Step::DeveloperRole,
            format!("{role} cannot be assumed ({words})"),
            format!(
                "whoever administers the account lets you call sts:AssumeRole on {role}; an explicit deny or a permissions boundary must not forbid it"
            ),
        )),
        Ok(Err(error)) => Err(Finding::error(Step::DeveloperRole, &error)),
        Err(_) => Err(silent(Step::DeveloperRole)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::super::outputs::EXPECTED;
    use super::*;

    fn outputs() -> Outputs {
        let names = EXPECTED.into_iter().chain(["ExternalId", "LayerX86Arn"]);
        Outputs(names.map(|it| (it.to_owned(), "x".to_owned())).collect())
    }

    #[test]
    fn a_helper_stack_is_judged_by_outputs_version_and_status() {
        let state = |status, outputs: &Outputs, version| judge("t", status, outputs, version).state;
        let whole = outputs();
        assert_eq!(
            state("UPDATE_COMPLETE", &whole, PROTOCOL_VERSION),
            State::Ok
        );
        assert_eq!(
            state("UPDATE_IN_PROGRESS", &whole, PROTOCOL_VERSION),
            State::Warning
        );
        assert_eq!(
            state("ROLLBACK_COMPLETE", &whole, PROTOCOL_VERSION),
            State::Failed
        );
        let older = judge("t", "CREATE_COMPLETE", &whole, PROTOCOL_VERSION - 1);
        assert_eq!(older.fix.as_deref(), Some("run `tether upgrade`"));
        assert_eq!(
            state("CREATE_COMPLETE", &whole, PROTOCOL_VERSION + 1),
            State::Failed
        );
        let mut half = outputs();
        half.0.remove("ApiId");
        let said = judge("t", "CREATE_COMPLETE", &half, PROTOCOL_VERSION).what;
        assert_eq!(said, "t has no output ApiId");
    }
}
