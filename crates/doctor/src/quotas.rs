//! What the account has left of what the road needs.

use super::finding::{Finding, Step};
use aws_sdk_lambda::types::AccountLimit;
use tether_receiver::Account;

/// An invocation under debug lasts as long as the developer looks at it, and the
/// helper Lambdas run beside it. New accounts have ten in all.
const FEW: i32 = 20;

pub(crate) async fn look(account: &Account) -> Vec<Finding> {
    let client = aws_sdk_lambda::Client::new(account.caller());
    match client.get_account_settings().send().await {
        Ok(settings) => vec![judge(settings.account_limit())],
        Err(error) => {
            let failure = tether_aws::classify(&error);
            vec![Finding::skipped(
                Step::Quotas,
                format!("you may not look at them with lambda:GetAccountSettings ({failure})"),
            )]
        }
    }
}

fn judge(limit: Option<&AccountLimit>) -> Finding {
    let all = limit.map_or(0, AccountLimit::concurrent_executions);
    let free = limit.and_then(AccountLimit::unreserved_concurrent_executions);
    let free = free.unwrap_or(all);
    let what = format!("{free} of {all} concurrent executions are not reserved");
    if free < FEW {
        return Finding::warning(
            Step::Quotas,
            format!("only {what}, and a paused invocation holds one"),
            "ask AWS for more (Service Quotas, Lambda, concurrent executions), or debug few at a time",
        );
    }
    Finding::ok(
        Step::Quotas,
        format!("{what}; Lambda's control plane takes 15 calls a second of everybody together"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn an_account_with_few_executions_is_warned() {
        let of = |all, free| {
            let limit = AccountLimit::builder().concurrent_executions(all);
            judge(Some(&limit.unreserved_concurrent_executions(free).build()))
        };
        assert_eq!(of(1000, 900).state, State::Ok);
        assert_eq!(of(10, 10).state, State::Warning);
    }
}
