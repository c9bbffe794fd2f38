//! Preparation of WGSL text: comments are replaced by blanks. So is `enable subgroups;`, which is standard WGSL that the compiler rejects,
//! although it supports subgroup operations. Every byte keeps its position, so error messages show positions in the user's text.

use super::token::{Token, Tokens, is_line_end};

/// The text without comments, and without `subgroups` in its `enable` directives.
pub(crate) fn prepare(source: &str) -> std::result::Result<String, Unclosed> {
    let text = without_comments(source)?;
    Ok(without_subgroups(&text).unwrap_or(text))
}

/// An unclosed block comment: the byte at which it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclosed(pub(crate) usize);

/// Replaces each byte of a comment by a blank. Line ends stay.
fn without_comments(source: &str) -> std::result::Result<String, Unclosed> {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = find_comment(rest) {
        let (before, comment) = rest.split_at(start);
        out.push_str(before);
        let length = if comment.starts_with("//") {
            comment.find(is_line_end).unwrap_or(comment.len())
        } else {
            block_length(comment).ok_or(Unclosed(source.len() - comment.len()))?
        };
        let (comment, after) = comment.split_at(length);
        push_blanks(&mut out, comment);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Appends a blank for each byte of `text`. Line ends stay.
pub(crate) fn push_blanks(out: &mut String, text: &str) {
    for c in text.chars() {
        if is_line_end(c) {
            out.push(c);
        } else {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
}

/// The position of the first comment.
fn find_comment(text: &str) -> Option<usize> {
    text.as_bytes().windows(2).position(|pair| pair == b"//" || pair == b"/*")
}

/// The length of the block comment that the text starts with. Block comments nest. `None` if the comment is not closed.
pub(crate) fn block_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Replaces `subgroups` by blanks in the `enable` directives at the top of a text without comments. `None` if no directive enables
/// `subgroups`.
fn without_subgroups(text: &str) -> Option<String> {
    let mut blanks = Vec::new();
    let mut tokens = Tokens::new(text).peekable();
    loop {
        // Directives come first. Each ends with a semicolon.
        let (word, start) = match tokens.next() {
            Some((Token::Word(word @ ("enable" | "requires" | "diagnostic")), range)) => (word, range.start),
            Some((Token::Mark(';'), _)) => continue,
            _ => break,
        };
        let mut items = Vec::new();
        let mut subgroups = None;
        let end = loop {
            match tokens.next() {
                Some((Token::Mark(';'), range)) => break range.end,
                Some((token, range)) => {
                    if token == Token::Word("subgroups") {
                        subgroups = Some(items.len());
                    }
                    items.push((token, range));
                }
                None => return None,
            }
        };
        let Some(position) = subgroups.filter(|_| word == "enable") else { continue };
        let words = items.iter().filter(|(token, _)| matches!(token, Token::Word(_))).count();
        if words == 1 {
            blanks.push(start..end);
            continue;
        }
        // In a list of several extensions one comma is removed too: the comma before `subgroups`, or else the one after it.
        let comma = |index: Option<usize>| {
            let (token, range) = items.get(index?)?;
            (*token == Token::Mark(',')).then(|| range.clone())
        };
        blanks.extend(items.get(position).map(|(_, range)| range.clone()));
        blanks.extend(comma(position.checked_sub(1)).or_else(|| comma(Some(position + 1))));
    }
    if blanks.is_empty() {
        return None;
    }
    let mut out = text.to_owned();
    for range in blanks {
        let blank: String = text.get(range.clone())?.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        out.replace_range(range, &blank);
    }
    Some(out)
}

#[cfg(test)]
mod tests;
