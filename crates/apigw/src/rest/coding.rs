//! Request bodies that come compressed.
//!
//! API Gateway decompresses whatever says that it is, before any mapping, whether or not the API
//! compresses its answers, and leaves `Content-Encoding` in the event
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-make-request-with-compressed-payload.html>,
//! <https://github.com/dougmoscrop/serverless-http/issues/194>).

use super::answers::Compression;
use super::fault::{Fault, FaultKind};
use super::limits::PAYLOAD_BYTES;
use crate::http::Request;

/// How a request's body is compressed; none: it is passed on as it came. `minimum` is the API's
/// `minimumCompressionSize`: what is shorter is left alone, as
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_RestApi.html> has it.
///
/// # Errors
/// [`UnsupportedMediaType`](FaultKind::UnsupportedMediaType) for a coding that is not known.
pub fn request_coding(
    request: &Request,
    minimum: Option<u64>,
) -> Result<Option<Compression>, Fault> {
    let bytes = u64::try_from(request.body.len()).unwrap_or(u64::MAX);
    if bytes == 0 || minimum.is_some_and(|minimum| bytes < minimum) {
        return Ok(None);
    }
    let Some(coding) = request.header("Content-Encoding") else {
        return Ok(None);
    };
    match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" => Ok(Some(Compression::Gzip)),
        "deflate" => Ok(Some(Compression::Deflate)),
        _ => Err(Fault::new(
            FaultKind::UnsupportedMediaType,
            "the request's Content-Encoding is none that REST APIs know: send gzip, deflate or identity",
        )),
    }
}

/// What a body is refused by that is not compressed as it says.
#[must_use]
pub fn malformed_body(coding: Compression) -> Fault {
    let name = match coding {
        Compression::Gzip => "gzip",
        Compression::Deflate => "deflate",
    };
    let reason = format!(
        "the request's body is not {name}, which its Content-Encoding says it is: compress it whole, or leave the header out"
    );
    Fault::new(FaultKind::UnsupportedMediaType, reason)
}

/// What a body is refused by that is too long as soon as it is decompressed. `[inf]`
#[must_use]
pub fn body_too_long() -> Fault {
    let reason = format!(
        "the request's body has more than {PAYLOAD_BYTES} bytes once it is decompressed: send it in parts, or to S3"
    );
    Fault::new(FaultKind::BodyTooLarge, reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::rest::fixtures::{request, with};

    fn coding(
        name: &str,
        body: &str,
        minimum: Option<u64>,
    ) -> Result<Option<Compression>, FaultKind> {
        let sent = with(
            request("POST", "/dev/"),
            &[("content-ENCODING", name)],
            body,
        );
        request_coding(&sent, minimum).map_err(|fault| fault.kind)
    }

    #[test]
    fn a_body_is_decompressed_as_it_says() {
        assert_eq!(coding("gzip", "x", None), Ok(Some(Compression::Gzip)));
        assert_eq!(coding(" GZip ", "x", None), Ok(Some(Compression::Gzip)));
        assert_eq!(coding("deflate", "x", None), Ok(Some(Compression::Deflate)));
        assert_eq!(coding("identity", "x", None), Ok(None));
        let plain = with(request("POST", "/dev/"), &[], "x");
        assert_eq!(request_coding(&plain, None), Ok(None));
    }

    #[test]
    fn what_is_not_known_is_415() {
        for other in ["br", "gzip, deflate", "aws-chunked"] {
            let refused = Err(FaultKind::UnsupportedMediaType);
            assert_eq!(coding(other, "x", None), refused, "{other}");
            assert_eq!(coding(other, "", None), Ok(None), "there is no body");
        }
    }

    #[test]
    fn what_is_shorter_than_the_api_compresses_is_left_alone() {
        assert_eq!(coding("gzip", "four", Some(5)), Ok(None));
        assert_eq!(
            coding("gzip", "five5", Some(5)),
            Ok(Some(Compression::Gzip))
        );
        assert_eq!(coding("gzip", "x", Some(0)), Ok(Some(Compression::Gzip)));
    }
}
