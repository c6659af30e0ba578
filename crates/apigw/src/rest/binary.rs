//! Which media types are binary for an API: its `binaryMediaTypes`.

/// Media types that an API takes as bytes and not as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MediaTypes(pub Vec<String>);

impl MediaTypes {
    /// Whether the value of a `Content-Type` header is one of them.
    #[must_use]
    pub fn content_type(&self, value: Option<&str>) -> bool {
        let _ = value;
        todo!()
    }

    /// Whether the value of an `Accept` header asks for one of them: its first media type counts.
    #[must_use]
    pub fn accept(&self, value: Option<&str>) -> bool {
        let _ = value;
        todo!()
    }
}
