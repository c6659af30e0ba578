//! Why a reply was not accepted.

use tether_protocol::{ClaimId, SessionId};

/// Reads the reason from the record as it is, whose text attributes `row`
/// looks up; none: there is no record.
pub(crate) fn reason<'a>(
    row: Option<impl Fn(&str) -> Option<&'a str>>,
    session: &SessionId,
    claim: &ClaimId,
) -> &'static str {
    let Some(row) = row else {
        return "the invocation has ended: its record is gone";
    };
    if row("SessionId") != Some(session.as_str()) {
        return "the invocation belongs to another session";
    }
    match row("Status") {
        Some("ABANDONED") => {
            "nobody claimed the invocation in time: the deployed code has answered it"
        }
        Some("DECLINED") => "the invocation was declined: the deployed code has answered it",
        Some("EXPIRED") => "the invocation has failed at its deadline: the reply came too late",
        _ if row("ClaimId") != Some(claim.as_str()) => "another claim has the invocation",
        Some("COMPLETED" | "FAILED") => "the invocation has another answer already",
        _ => "the invocation's record is not one that takes a reply",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_for(session: &str, claim: &str, status: &str) -> &'static str {
        let row = |name: &str| match name {
            "SessionId" => Some(session),
            "ClaimId" => Some(claim),
            "Status" => Some(status),
            _ => None,
        };
        reason(Some(row), &SessionId::new("s"), &ClaimId::new("c"))
    }

    #[test]
    fn the_reason_names_what_became_of_the_invocation() {
        for (session, claim, status, expected) in [
            ("other", "c", "ACCEPTED", "another session"),
            ("s", "other", "ACCEPTED", "another claim"),
            ("s", "", "ABANDONED", "nobody claimed"),
            ("s", "c", "DECLINED", "declined"),
            ("s", "c", "EXPIRED", "too late"),
            ("s", "c", "COMPLETED", "another answer"),
            ("s", "c", "DANCING", "not one that takes"),
        ] {
            let reason = reason_for(session, claim, status);
            assert!(reason.contains(expected), "{status}: {reason}");
        }
    }

    #[test]
    fn a_record_that_is_gone_means_that_the_invocation_has_ended() {
        let gone = None::<fn(&str) -> Option<&'static str>>;
        let reason = reason(gone, &SessionId::new("s"), &ClaimId::new("c"));
        assert!(reason.contains("has ended"));
    }
}
