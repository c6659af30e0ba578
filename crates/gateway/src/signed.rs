//! Requests that are signed by SigV4.

use crate::callers::Signer;
use crate::desk::Desk;
use tether_apigw::caller::{Caller, IamCaller};
use tether_apigw::http::Request;
use tether_apigw::sigv4::{self, Unsigned};

/// What a signature must be for.
pub(crate) struct Wanted<'a> {
    /// `execute-api`, `lambda`
    pub(crate) service: &'a str,
    /// `execute-api:Invoke`, `lambda:InvokeFunctionUrl`
    pub(crate) action: &'a str,
    /// Of the method, or of the function.
    pub(crate) arn: &'a str,
}

/// Why a request is not let in.
pub(crate) enum NotSigned {
    /// It is not signed, or not well.
    Unsigned(Unsigned),
    /// Whoever signed may not; the client's words, and the reason for the log.
    Denied { message: String, reason: String },
}

/// Who signed a request.
pub(crate) fn by(desk: &Desk, request: &Request, wanted: &Wanted<'_>) -> Result<Caller, NotSigned> {
    let signer = signer(desk, request, wanted.service).map_err(NotSigned::Unsigned)?;
    let may = desk
        .settings
        .callers
        .may(&signer, wanted.action, wanted.arn);
    may.map_err(|reason| NotSigned::Denied {
        message: format!(
            "User: {} is not authorized to perform: {} on resource: {}",
            signer.user_arn, wanted.action, wanted.arn
        ),
        reason,
    })?;
    Ok(Caller::Iam(IamCaller {
        access_key: signer.access_key,
        account_id: signer.account_id,
        user_id: signer.user_id,
        user_arn: signer.user_arn,
        principal_org_id: None,
    }))
}

fn signer(desk: &Desk, request: &Request, service: &str) -> Result<Signer, Unsigned> {
    let signature = sigv4::read(request)?;
    let signer = desk.settings.callers.signer(&signature.access_key);
    let signer = signer.ok_or(Unsigned::UnknownKey)?;
    signature.check(service, &desk.at.region, desk.now())?;
    if let Some(secret) = &signer.secret {
        signature.verify(request, secret)?;
    }
    Ok(signer)
}

impl std::fmt::Display for NotSigned {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsigned(Unsigned::Missing) => out
                .write_str("the request is not signed: sign it by SigV4, or let the route be open"),
            Self::Unsigned(unsigned) => write!(out, "the request's signature: {unsigned}"),
            Self::Denied { reason, .. } => out.write_str(reason),
        }
    }
}
