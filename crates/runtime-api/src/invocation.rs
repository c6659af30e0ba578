//! The head of an event.

use crate::header;
use http::{HeaderMap, HeaderName, HeaderValue};

/// What `next` says about an event besides its payload.
///
/// Headers that are not named here travel in `rest`: a new one that AWS adds
/// tomorrow reaches the local runtime all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Lambda's request id.
    pub request_id: String,
    /// When Lambda ends the invocation, epoch milliseconds.
    pub deadline_ms: u64,
    /// The ARN that was invoked.
    pub function_arn: String,
    /// Unique over retries, if the Runtime API gives one.
    pub invocation_id: Option<String>,
    /// Other headers, names in lower case.
    pub rest: Vec<(String, String)>,
}

/// `next` answered something that is no event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the Runtime API gave an event without `{0}`")]
pub struct NotAnInvocation(&'static str);

impl Invocation {
    /// Reads the headers of an answer to `next`.
    ///
    /// # Errors
    /// When the request id or the deadline is missing.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, NotAnInvocation> {
        Self::from_pairs(headers.iter().filter_map(|(name, value)| {
            let text = value.to_str().ok()?;
            Some((name.as_str(), text))
        }))
    }

    /// Reads the same from names in lower case and values.
    ///
    /// # Errors
    /// When the request id or the deadline is missing.
    pub fn from_pairs<'a>(
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, NotAnInvocation> {
        let mut invocation = Self::default();
        let mut deadline = None;
        for (name, value) in pairs {
            let text = value.to_owned();
            match name {
                _ if name == header::REQUEST_ID => invocation.request_id = text,
                _ if name == header::DEADLINE => deadline = text.parse().ok(),
                _ if name == header::FUNCTION_ARN => invocation.function_arn = text,
                _ if name == header::INVOCATION_ID => invocation.invocation_id = Some(text),
                _ if name.starts_with(header::PREFIX) || name == "content-type" => {
                    invocation.rest.push((name.to_owned(), text));
                }
                _ => {}
            }
        }
        if invocation.request_id.is_empty() {
            return Err(NotAnInvocation("Lambda-Runtime-Aws-Request-Id"));
        }
        invocation.deadline_ms = deadline.ok_or(NotAnInvocation("Lambda-Runtime-Deadline-Ms"))?;
        Ok(invocation)
    }

    /// Names in lower case and values, as they travel.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            (header::REQUEST_ID.to_string(), self.request_id.clone()),
            (header::DEADLINE.to_string(), self.deadline_ms.to_string()),
            (header::FUNCTION_ARN.to_string(), self.function_arn.clone()),
        ];
        if let Some(id) = &self.invocation_id {
            pairs.push((header::INVOCATION_ID.to_string(), id.clone()));
        }
        pairs.extend(self.rest.iter().cloned());
        pairs
    }

    /// Headers of an answer to `next`. What cannot stand in a header is left
    /// out: it came out of one. So are those that a [`HeaderMap`] has no room
    /// for: collecting more than 24,576 of them would panic.
    #[must_use]
    pub fn to_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.to_pairs() {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value))
                && headers.try_append(name, value).is_err()
            {
                break;
            }
        }
        headers
    }

    /// One of the other headers.
    #[must_use]
    pub fn other(&self, name: &HeaderName) -> Option<&str> {
        let found = self.rest.iter().find(|(it, _)| it == name.as_str());
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_written_back() {
        let invocation = Invocation {
            request_id: "r".into(),
            deadline_ms: 17,
            function_arn: "arn".into(),
            invocation_id: Some("i".into()),
            rest: vec![("lambda-runtime-news-of-tomorrow".into(), "x".into())],
        };
        let read = Invocation::from_headers(&invocation.to_headers());
        assert_eq!(read.unwrap(), invocation);
    }

    #[test]
    fn more_headers_than_a_map_holds_are_no_panic() {
        let many = (0..40_000).map(|index| (format!("lambda-runtime-{index}"), "x".to_owned()));
        let invocation = Invocation {
            request_id: "r".into(),
            rest: many.collect(),
            ..Invocation::default()
        };
        assert_eq!(invocation.to_headers()[header::REQUEST_ID], "r");
    }

    #[test]
    fn an_event_without_deadline_is_refused_by_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::REQUEST_ID, HeaderValue::from_static("r"));
        let error = Invocation::from_headers(&headers).unwrap_err();
        assert!(error.to_string().contains("Deadline-Ms"), "{error}");
    }
}
