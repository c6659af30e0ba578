//! A place in a template's text.

use super::VtlError;
use std::cell::Cell;

/// So deep may directives, brackets and quoted texts nest.
pub(super) const DEPTH: usize = 48;

pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
    /// The lines before the text, if it is a part of a template.
    line: usize,
    /// A place, and the line breaks before it: what was counted last.
    counted: Cell<(usize, usize)>,
    pub(super) depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            counted: Cell::default(),
            depth: 0,
        }
    }

    /// For a text within this one, which begins on that line.
    pub(super) fn within<'b>(&self, line: usize, text: &'b str) -> Cursor<'b> {
        Cursor {
            text,
            at: 0,
            line,
            counted: Cell::default(),
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

    pub(super) fn line(&self) -> usize {
        let (place, before) = match self.counted.get() {
            (place, before) if place <= self.at => (place, before),
            _ => (0, 0),
        };
        let before = before + self.text[place..self.at].matches('\n').count();
        self.counted.set((self.at, before));
        self.line + before
    }

    pub(super) fn error(&self, what: impl Into<String>) -> VtlError {
        VtlError::Line {
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
