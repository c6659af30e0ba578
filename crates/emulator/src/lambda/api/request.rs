//! A request to Lambda's API, taken apart.

use super::{Answer, LambdaError, ok};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// See the module.
pub(super) struct Request<'a> {
    method: &'a Method,
    path: &'a str,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    headers: &'a HeaderMap,
    pub(super) body: Bytes,
}

impl<'a> Request<'a> {
    pub(super) fn read(
        method: &'a Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        body: Bytes,
    ) -> Self {
        let query = uri.query().unwrap_or_default();
        let segments = uri.path().trim_matches('/').split('/');
        let decode = |it: &str| percent_decode_str(it).decode_utf8_lossy().into_owned();
        Self {
            method,
            path: uri.path(),
            segments: segments.map(decode).collect(),
            query: serde_urlencoded::from_str(query).unwrap_or_default(),
            headers,
            body,
        }
    }

    pub(super) fn is(&self, method: &str) -> bool {
        self.method == method
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query; an empty one is none.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let first = self.queries(name).into_iter().next();
        first.filter(|it| !it.is_empty())
    }

    /// A parameter that may be there more than once.
    pub(super) fn queries(&self, name: &str) -> Vec<&str> {
        let all = self.query.iter().filter(|(it, _)| it == name);
        all.map(|(_, value)| value.as_str()).collect()
    }

    /// `Qualifier`
    pub(super) fn qualifier(&self) -> Option<&str> {
        self.query("Qualifier")
    }

    /// The body; none is an empty object.
    pub(super) fn json(&self) -> Result<Value, LambdaError> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            LambdaError::InvalidContent(format!("Could not parse request body into json: {error}"))
        })
    }

    pub(super) fn not_served(&self) -> LambdaError {
        LambdaError::NotServed(format!("{} {} of Lambda", self.method, self.path))
    }

    /// One page of a list, whose items stand in the order of their keys.
    pub(super) fn page(
        &self,
        name: &str,
        most: usize,
        items: Vec<(String, Value)>,
    ) -> Result<Answer, LambdaError> {
        let size = match self.query("MaxItems") {
            None => most,
            Some(text) => match text.parse() {
                Ok(size) if size >= 1 => most.min(size),
                _ => {
                    let constraint = "Member must have value greater than or equal to 1";
                    return Err(LambdaError::constraint(text, "maxItems", constraint));
                }
            },
        };
        let marker = self.query("Marker").unwrap_or_default();
        let mut left = items
            .into_iter()
            .skip_while(|(key, _)| !marker.is_empty() && key.as_str() <= marker);
        let page: Vec<(String, Value)> = left.by_ref().take(size).collect();
        let last = page.last().map(|(key, _)| key.clone());
        let page: Vec<Value> = page.into_iter().map(|(_, item)| item).collect();
        let mut answer = json!({ name: page });
        if let (Some(last), true) = (last, left.next().is_some()) {
            answer["NextMarker"] = json!(last);
        }
        Ok(ok(&answer))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart_before_it_is_decoded() {
        let uri = "/2015-03-31/functions/arn%3Aaws%3Ax%2Fy/invocations?Qualifier=%24LATEST&Marker=";
        let uri: Uri = uri.parse().unwrap();
        let headers = HeaderMap::new();
        let request = Request::read(&Method::POST, &uri, &headers, Bytes::new());
        let segments = ["2015-03-31", "functions", "arn:aws:x/y", "invocations"];
        assert_eq!(request.segments(), segments);
        assert_eq!(request.qualifier(), Some("$LATEST"));
        assert_eq!(request.query("Marker"), None);
        assert_eq!(request.json().unwrap(), json!({}));
    }
}
