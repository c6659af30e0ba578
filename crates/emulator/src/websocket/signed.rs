//! Handshakes of routes with `AWS_IAM`: who signed, and whether they may connect.

use super::Api;
use crate::iam::{Ask, api_arn};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use tether_apigw::authorizer;
use tether_apigw::http::Request;
use tether_apigw::sigv4;
use tether_apigw::websocket::{Connection, HandshakeAnswer};
use tether_gateway::{Callers as _, LocalKeys};

const SERVICE: &str = "execute-api";

/// Somebody who signed.
struct Signer {
    access_key: String,
    /// Known of keys that were given by hand.
    user_arn: Option<String>,
}

/// A signature for `execute-api`; whose it is must be allowed to connect.
pub(super) fn check_signature(
    api: &Api,
    connection: &mut Connection,
    request: &Request,
) -> Option<HandshakeAnswer> {
    let signer = match &api.keys {
        Some(keys) => verified(api, keys, request),
        None => believed(api, request),
    };
    let signer = match signer {
        Ok(signer) => signer,
        Err(message) => return Some(refuse(&message)),
    };
    let part = format!("{}/$connect", connection.stage);
    let arn = api_arn(&api.lambda.place, &api.id, &part);
    let ask = Ask::new(authorizer::INVOKE, arn);
    if let Err(denied) = api.iam.authorize(&signer.access_key, &ask) {
        return Some(refuse(&denied.to_string()));
    }
    let of_roles = || api.callers.arn(&signer.access_key);
    let root = || format!("arn:{}:iam::{}:root", api.partition, api.account_id);
    let arn = signer.user_arn.or_else(of_roles).unwrap_or_else(root);
    connection.user_arn = Some(arn);
    None
}

fn refuse(message: &str) -> HandshakeAnswer {
    let body = json!({ "message": message }).to_string();
    HandshakeAnswer::Refuse { status: 403, body }
}

/// Held against the secrets that are known: nobody else is let in.
fn verified(api: &Api, keys: &LocalKeys, request: &Request) -> Result<Signer, String> {
    let verify = || {
        let signature = sigv4::read(request)?;
        let signer = keys.signer(&signature.access_key);
        let signer = signer.ok_or(sigv4::Unsigned::UnknownKey)?;
        signature.check(SERVICE, &api.region, tether_host::now().0)?;
        signature.verify(request, signer.secret.as_deref().unwrap_or_default())?;
        Ok(Signer {
            access_key: signer.access_key,
            user_arn: Some(signer.user_arn),
        })
    };
    verify().map_err(|unsigned: sigv4::Unsigned| unsigned.to_string())
}

/// Read and not verified, as every one of this cloud.
fn believed(api: &Api, request: &Request) -> Result<Signer, String> {
    let query = Some(request.query.as_str());
    let signature = api
        .callers
        .admit(&header_map(request), query, tether_host::now());
    let signature = signature.map_err(|unsigned| unsigned.message().to_owned())?;
    if signature.service != SERVICE {
        return Err(format!(
            "Credential should be scoped to correct service: '{SERVICE}', not '{}'.",
            signature.service
        ));
    }
    Ok(Signer {
        access_key: signature.access_key,
        user_arn: None,
    })
}

fn header_map(request: &Request) -> HeaderMap {
    let headers = request.headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    headers.collect()
}
