//! Templates, read: text, references and directives.

use super::VtlError;
use super::cursor::Cursor;
use super::expression::{expression, reference};
use super::syntax::{Loop, Node, Template};
use std::rc::Rc;

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, VtlError> {
        let mut cursor = Cursor::new(text);
        let (nodes, end) = block(&mut cursor)?;
        match end {
            End::Text => Ok(Self(nodes)),
            other => Err(cursor.error(format!("{} without its beginning", other.name()))),
        }
    }
}

/// The text of double quotes, which begins on that line.
pub(super) fn quoted(outer: &Cursor<'_>, line: usize, text: &str) -> Result<Rc<[Node]>, VtlError> {
    let mut cursor = outer.within(line, text);
    let (nodes, end) = cursor.deeper(block)?;
    match end {
        End::Text => Ok(nodes),
        other => Err(cursor.error(format!("{} within quotes", other.name()))),
    }
}

/// What ends a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Close,
    Else,
    ElseIf,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "the end",
            Self::Close => "#end",
            Self::Else => "#else",
            Self::ElseIf => "#elseif",
        }
    }
}

enum Piece {
    Node(Node),
    Nothing,
    End(End),
}

fn block(cursor: &mut Cursor<'_>) -> Result<(Rc<[Node]>, End), VtlError> {
    let mut nodes = Vec::new();
    let mut text = String::new();
    while let Some(letter) = cursor.peek() {
        let start = cursor.at;
        let piece = match letter {
            '$' => printed(cursor)?,
            '#' => directive(cursor, &mut text)?,
            '\\' => escaped(cursor, &mut text),
            _ => None,
        };
        if piece.is_none() {
            if cursor.at == start {
                cursor.next();
            }
            if letter != '\\' {
                text.push_str(cursor.since(start));
            }
            continue;
        }
        if let Some(Piece::Node(_) | Piece::End(_)) = &piece
            && !text.is_empty()
        {
            nodes.push(Node::Text(std::mem::take(&mut text)));
        }
        match piece {
            Some(Piece::Node(node)) => nodes.push(node),
            Some(Piece::End(end)) => return Ok((nodes.into(), end)),
            Some(Piece::Nothing) | None => {}
        }
    }
    if !text.is_empty() {
        nodes.push(Node::Text(text));
    }
    Ok((nodes.into(), End::Text))
}

fn printed(cursor: &mut Cursor<'_>) -> Result<Option<Piece>, VtlError> {
    let start = cursor.at;
    match reference(cursor)? {
        Some(found) => {
            let written = cursor.since(start).to_owned();
            Ok(Some(Piece::Node(Node::Print(found, written))))
        }
        None => {
            cursor.at = start;
            Ok(None)
        }
    }
}

/// `\$x` and `\#if` are text; any other backslash is itself.
fn escaped(cursor: &mut Cursor<'_>, text: &mut String) -> Option<Piece> {
    let mut after = cursor.rest()[1..].chars();
    let sign = after.next().filter(|sign| "$#".contains(*sign));
    let is_name = after
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic() || it == '{' || it == '!');
    cursor.next();
    match sign.filter(|_| is_name) {
        Some(sign) => {
            cursor.next();
            text.push(sign);
        }
        None => text.push('\\'),
    }
    None
}

fn directive(cursor: &mut Cursor<'_>, text: &mut String) -> Result<Option<Piece>, VtlError> {
    let start = cursor.at;
    if cursor.eat("##") {
        cursor.skip(|letter| letter != '\n');
        cursor.eat("\n");
        return Ok(Some(Piece::Nothing));
    }
    if cursor.eat("#*") {
        return comment(cursor).map(Some);
    }
    if cursor.eat("#[[") {
        return unparsed(cursor).map(Some);
    }
    cursor.next();
    let in_braces = cursor.eat("{");
    let name = cursor.skip(|letter| letter.is_ascii_alphabetic());
    let is_closed = !in_braces || cursor.eat("}");
    const KNOWN: [&str; 10] = [
        "set", "if", "elseif", "else", "end", "foreach", "break", "stop", "define", "macro",
    ];
    let unknown = ["include", "parse", "evaluate", "return"];
    if is_closed && unknown.contains(&name) && cursor.rest().starts_with('(') {
        return Err(cursor.error(format!("#{name} is not a directive of API Gateway")));
    }
    if !is_closed || !KNOWN.contains(&name) {
        cursor.at = start + 1;
        return Ok(None);
    }
    cursor
        .deeper(|cursor| known(cursor, name, start, text))
        .map(Some)
}

fn known(
    cursor: &mut Cursor<'_>,
    name: &str,
    start: usize,
    text: &mut String,
) -> Result<Piece, VtlError> {
    let piece = match name {
        "set" => set(cursor)?,
        "if" => {
            let condition = condition(cursor)?;
            alone(cursor, start, text);
            return branches(cursor, condition, text).map(Piece::Node);
        }
        "foreach" => return foreach(cursor, start, text).map(Piece::Node),
        "define" => return define(cursor, start, text).map(Piece::Node),
        "break" => Piece::Node(Node::Break),
        "stop" => Piece::Node(Node::Stop),
        "elseif" => return Ok(Piece::End(End::ElseIf)),
        "else" => Piece::End(End::Else),
        "end" => Piece::End(End::Close),
        _ => return Err(cursor.error("#macro is not supported: write its body where it is used")),
    };
    alone(cursor, start, text);
    Ok(piece)
}

/// A directive that stands alone on its line leaves no line.
fn alone(cursor: &mut Cursor<'_>, start: usize, text: &mut String) {
    let before = &cursor.before()[..start];
    let indentation = before.len() - before.trim_end_matches([' ', '\t']).len();
    let begins =
        before.len() == indentation || before[..before.len() - indentation].ends_with('\n');
    let place = cursor.at;
    cursor.skip(|letter| letter == ' ' || letter == '\t' || letter == '\r');
    let ends = cursor.eat("\n") || cursor.peek().is_none();
    if !ends || !begins {
        cursor.at = place;
        return;
    }
    if text.len() >= indentation {
        text.truncate(text.len() - indentation);
    }
}

fn comment(cursor: &mut Cursor<'_>) -> Result<Piece, VtlError> {
    match cursor.rest().find("*#") {
        Some(end) => cursor.at += end + 2,
        None => return Err(cursor.error("the comment has no *#")),
    }
    Ok(Piece::Nothing)
}

fn unparsed(cursor: &mut Cursor<'_>) -> Result<Piece, VtlError> {
    let rest = cursor.rest();
    let Some(end) = rest.find("]]#") else {
        return Err(cursor.error("#[[ has no ]]#"));
    };
    cursor.at += end + 3;
    Ok(Piece::Node(Node::Text(rest[..end].to_owned())))
}

fn set(cursor: &mut Cursor<'_>) -> Result<Piece, VtlError> {
    cursor.expect("(")?;
    cursor.blank();
    let Some(target) = reference(cursor)? else {
        return Err(cursor.error("#set needs a reference, as in #set($x = 1)"));
    };
    cursor.expect("=")?;
    let value = expression(cursor)?;
    cursor.expect(")")?;
    Ok(Piece::Node(Node::Set(target, value)))
}

fn condition(cursor: &mut Cursor<'_>) -> Result<super::syntax::Expression, VtlError> {
    cursor.expect("(")?;
    let condition = expression(cursor)?;
    cursor.expect(")")?;
    Ok(condition)
}

fn branches(
    cursor: &mut Cursor<'_>,
    first: super::syntax::Expression,
    text: &mut String,
) -> Result<Node, VtlError> {
    let mut all = Vec::new();
    let mut condition = Some(first);
    loop {
        let start = cursor.at;
        let (nodes, end) = block(cursor)?;
        let Some(is_true) = condition.take() else {
            return match end {
                End::Close => Ok(Node::If(all, nodes)),
                other => Err(cursor.error(format!("#else is followed by {}", other.name()))),
            };
        };
        all.push((is_true, nodes));
        match end {
            End::Close => return Ok(Node::If(all, Rc::from([]))),
            End::Else => {}
            End::ElseIf => {
                condition = Some(self::condition(cursor)?);
                alone(cursor, start, text);
            }
            End::Text => return Err(cursor.error("#if has no #end")),
        }
    }
}

fn foreach(cursor: &mut Cursor<'_>, start: usize, text: &mut String) -> Result<Node, VtlError> {
    cursor.expect("(")?;
    cursor.blank();
    let item = reference(cursor)?.filter(|item| item.steps.is_empty());
    let Some(item) = item else {
        return Err(cursor.error("#foreach needs a name, as in #foreach($x in $list)"));
    };
    cursor.expect("in")?;
    let over = expression(cursor)?;
    cursor.expect(")")?;
    alone(cursor, start, text);
    match block(cursor)? {
        (body, End::Close) => Ok(Node::Foreach(Loop {
            line: item.line,
            name: item.name,
            over,
            body,
        })),
        _ => Err(cursor.error("#foreach has no #end")),
    }
}

fn define(cursor: &mut Cursor<'_>, start: usize, text: &mut String) -> Result<Node, VtlError> {
    cursor.expect("(")?;
    cursor.blank();
    let Some(name) = reference(cursor)? else {
        return Err(cursor.error("#define needs a name, as in #define($x)"));
    };
    cursor.expect(")")?;
    alone(cursor, start, text);
    match block(cursor)? {
        (body, End::Close) => Ok(Node::Define(name.name, body)),
        _ => Err(cursor.error("#define has no #end")),
    }
}
