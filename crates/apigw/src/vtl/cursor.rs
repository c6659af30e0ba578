//! A place in a template's text.

use super::VtlError;

/// So deep may directives, brackets and quoted texts nest.
pub(super) const DEPTH: usize = 48;

pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
    /// The lines before the text, if it is a part of a template.
    line: usize,
    pub(super) depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            depth: 0,
        }
    }

    /// For a text within this one.
    pub(super) fn within<'b>(&self, text: &'b str) -> Cursor<'b> {
        Cursor {
            text,
            at: 0,
            line: self.line(),
            depth: self.depth + 1,
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(super) fn before(&self) -> &'a str {
        &self.text[..self.at]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    pub(super) fn skip(&mut self, is_skipped: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        let rest = self.rest();
        self.at += rest
            .find(|letter| !is_skipped(letter))
            .unwrap_or(rest.len());
        self.since(start)
    }

    pub(super) fn blank(&mut self) {
        self.skip(char::is_whitespace);
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), VtlError> {
        self.blank();
        match self.eat(token) {
            true => Ok(()),
            false => Err(self.error(format!("{token:?} is missing"))),
        }
    }

    /// A name as references and directives have them.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        if !self.peek()?.is_ascii_alphabetic() && self.peek()? != '_' {
            return None;
        }
        Some(self.skip(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'))
    }

    fn line(&self) -> usize {
        self.line + self.text[..self.at].matches('\n').count()
    }

    pub(super) fn error(&self, what: impl Into<String>) -> VtlError {
        VtlError::Syntax {
            line: self.line(),
            what: what.into(),
        }
    }

    /// Runs something one deeper.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, VtlError>,
    ) -> Result<T, VtlError> {
        if self.depth >= DEPTH {
            return Err(VtlError::Depth(DEPTH));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
