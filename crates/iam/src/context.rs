//! What is known about a request beside action and resource: condition keys and
//! their values
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).

use std::borrow::Cow;

/// The keys of one request. Names are compared whatever their case.
#[derive(Debug, Clone, Default)]
pub struct Context {
    keys: Vec<(Cow<'static, str>, Vec<String>)>,
    /// Keys that begin like one of these are not told.
    untold: Vec<Cow<'static, str>>,
}

/// What a context says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// One value or several.
    Present(&'a [String]),
    /// The request does not have it.
    Absent,
    /// It may have it: this context does not tell.
    Unknown,
}

impl Context {
    /// Everything that is known of a request: a key that is not in it is not in
    /// the request either.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A part of what AWS knows: to ask for another key is an error.
    #[must_use]
    pub fn partial() -> Self {
        Self {
            untold: vec![Cow::Borrowed("")],
            ..Self::default()
        }
    }

    /// Everything that is known but keys that begin so, `dynamodb:` for example:
    /// the request may have them. Who asks for one is denied what hangs on it.
    #[must_use]
    pub fn not_telling(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.untold.push(prefix.into());
        self
    }

    /// With a key that has one value.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// With a key that has several values, or an empty list of them.
    #[must_use]
    pub fn with_all(mut self, key: impl Into<Cow<'static, str>>, values: Vec<String>) -> Self {
        self.put(key.into(), values);
        self
    }

    /// Sets a key that has one value.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.put(key.into(), vec![value.into()]);
    }

    fn put(&mut self, key: Cow<'static, str>, values: Vec<String>) {
        let same = |it: &&mut (Cow<'static, str>, Vec<String>)| it.0.eq_ignore_ascii_case(&key);
        match self.keys.iter_mut().find(same) {
            Some(entry) => entry.1 = values,
            None => self.keys.push((key, values)),
        }
    }

    fn is_untold(&self, key: &str) -> bool {
        self.untold.iter().any(|prefix| {
            let start = key.get(..prefix.len());
            start.is_some_and(|it| it.eq_ignore_ascii_case(prefix))
        })
    }

    pub(crate) fn value(&self, key: &str) -> Value<'_> {
        let found = self.keys.iter().find(|it| it.0.eq_ignore_ascii_case(key));
        match found {
            Some((_, values)) => Value::Present(values),
            None if self.is_untold(key) => Value::Unknown,
            None => Value::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_whatever_its_case_and_set_once() {
        let context = Context::new()
            .with("aws:PrincipalAccount", "1")
            .with("AWS:principalaccount", "2");
        let two = ["2".to_owned()];
        assert_eq!(context.value("aws:principalAccount"), Value::Present(&two));
        assert_eq!(context.value("aws:username"), Value::Absent);
        assert_eq!(Context::partial().value("aws:username"), Value::Unknown);
        let dynamodb = Context::new().not_telling("dynamodb:");
        assert_eq!(dynamodb.value("DynamoDB:LeadingKeys"), Value::Unknown);
        assert_eq!(dynamodb.value("aws:username"), Value::Absent);
    }
}
