//! The same things have other names in documents and in resources.

/// Who names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// OpenAPI: `timeoutInMillis`.
    Document,
    /// `AWS::ApiGateway`: `TimeoutInMillis`.
    Rest,
    /// `AWS::ApiGatewayV2`
    Http,
}

impl Spelling {
    /// What a document's key is here.
    pub(super) fn key(self, key: &str) -> String {
        match (self, key) {
            (Self::Document, "authorizerType") => "type".to_owned(),
            (Self::Document, key) => key.to_owned(),
            (Self::Rest, "httpMethod") => "IntegrationHttpMethod".to_owned(),
            (Self::Rest, "responses") => "IntegrationResponses".to_owned(),
            (Self::Http, "type") => "IntegrationType".to_owned(),
            (Self::Http, "uri") => "IntegrationUri".to_owned(),
            (Self::Http, "httpMethod") => "IntegrationMethod".to_owned(),
            (Self::Http, "authorizerType") => "AuthorizerType".to_owned(),
            (Self::Rest, "authorizerType") => "Type".to_owned(),
            (_, key) => capitalized(key),
        }
    }
}

fn capitalized(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
