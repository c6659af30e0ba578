//! Which media types are binary for an API: its `binaryMediaTypes`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html>).

/// Media types that an API takes as bytes and not as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MediaTypes(pub Vec<String>);

impl MediaTypes {
    /// Whether the value of a `Content-Type` header is one of them; without one a body is JSON.
    #[must_use]
    pub fn content_type(&self, value: Option<&str>) -> bool {
        self.has(value.unwrap_or("application/json"))
    }

    /// Whether the value of an `Accept` header asks for one of them: its first media type counts
    /// and no other, so that a browser's `<img>` gets bytes from an API with `*/*` alone.
    #[must_use]
    pub fn accept(&self, value: Option<&str>) -> bool {
        let first = value.and_then(|value| value.split(',').next());
        self.has(first.unwrap_or_default())
    }

    fn has(&self, wanted: &str) -> bool {
        let wanted = wanted.trim();
        let bare = wanted.split(';').next().unwrap_or_default().trim_end();
        self.0.iter().any(|pattern| {
            let pattern = pattern.trim();
            matches(pattern, bare) || pattern.eq_ignore_ascii_case(wanted)
        })
    }
}

/// `*/*` is everything, `image/*` every image.
fn matches(pattern: &str, media_type: &str) -> bool {
    if pattern == "*/*" || pattern.eq_ignore_ascii_case(media_type) {
        return true;
    }
    let kind = |text: &str| {
        text.split_once('/')
            .map(|(kind, _)| kind.to_ascii_lowercase())
    };
    pattern.ends_with("/*") && kind(pattern).is_some() && kind(pattern) == kind(media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(names: &[&str]) -> MediaTypes {
        MediaTypes(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn parameters_and_case_of_a_content_type_do_not_count() {
        let binary = types(&["multipart/form-data", "image/*"]);
        assert!(binary.content_type(Some("multipart/form-data; boundary=x")));
        assert!(binary.content_type(Some("Image/PNG")));
        assert!(!binary.content_type(Some("text/plain")));
        assert!(!binary.content_type(None));
        assert!(!types(&[]).content_type(Some("image/png")));
    }

    #[test]
    fn everything_is_everything() {
        let all = types(&["*/*"]);
        assert!(all.content_type(None) && all.content_type(Some("text/plain")));
        assert!(all.accept(None) && all.accept(Some("text/html,*/*")));
    }

    #[test]
    fn the_first_media_type_that_a_client_accepts_counts() {
        let binary = types(&["image/png"]);
        assert!(binary.accept(Some("image/png;q=0.5, text/html")));
        assert!(!binary.accept(Some("text/html, image/png")));
        assert!(!binary.accept(Some("*/*")));
        assert!(!binary.accept(None));
    }
}
