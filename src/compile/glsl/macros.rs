//! Macros and their expansion, with the rules of C's preprocessor: arguments are expanded first, the result is scanned again, and a macro
//! is not expanded inside its own expansion. The number of steps is bounded, because thirty short lines can expand to a billion tokens.

use std::collections::HashMap;

use super::flat_text::{File, TokenSpan};
use super::lex::{LexemeKind, Lexemes};

/// The most tokens that are processed while all macros of a kernel are expanded.
const MAX_STEPS: usize = 2 << 20;
/// The deepest nesting of macro uses in macro arguments.
const MAX_DEPTH: usize = 32;
/// The most parameters of a macro.
const MAX_PARAMETERS: usize = 256;
/// The most bytes of text that token pasting creates.
const MAX_PASTED: usize = 1 << 20;
/// The file index of pasted tokens.
const PASTED: u32 = u32::MAX;

/// An error and its span.
#[derive(Clone, Debug)]
pub(super) struct PreprocessError {
    /// The span of the error.
    pub(super) place: TokenSpan,
    /// The message.
    pub(super) message: String,
}

/// An error at a span.
pub(super) fn error_at<T>(place: TokenSpan, message: impl Into<String>) -> Result<T, PreprocessError> {
    Err(PreprocessError { place, message: message.into() })
}

/// A token of a file or of an expansion.
#[derive(Clone, Copy, Debug)]
pub(super) struct PpToken {
    /// The kind of the token.
    pub(super) kind: LexemeKind,
    /// The token is a macro's name that occurred inside the macro's own expansion. It is never expanded (C's "painted blue").
    painted: bool,
    /// The span of the token's characters.
    text: TokenSpan,
    /// The span in the user's text. For a token of an expansion, this is the span of the macro's use.
    pub(super) place: TokenSpan,
    /// The line of this span, counted from 1.
    pub(super) line: u32,
}

/// The texts that tokens refer to.
#[derive(Debug, Default)]
pub(super) struct TokenTexts {
    /// The files.
    pub(super) files: Vec<File>,
    /// The text of pasted tokens.
    pasted: String,
}

impl TokenTexts {
    /// Creates the texts for some files.
    pub(super) fn new(files: Vec<File>) -> TokenTexts {
        TokenTexts { files, pasted: String::new() }
    }

    /// The characters of a token.
    pub(super) fn of(&self, token: &PpToken) -> &str {
        let whole = match token.text.file {
            PASTED => Some(self.pasted.as_str()),
            file => self.files.get(file as usize).map(|file| file.text.as_str()),
        };
        let start = token.text.at as usize;
        whole.and_then(|whole| whole.get(start..start + token.text.length as usize)).unwrap_or("")
    }

    /// The tokens of a file, including line ends.
    pub(super) fn tokens(&self, file: u32) -> Vec<PpToken> {
        let text = self.files.get(file as usize).map_or("", |file| file.text.as_str());
        let (mut line, mut counted) = (1, 0);
        Lexemes::new(text)
            .map(|lexeme| {
                let between = text.as_bytes().get(counted..lexeme.start).unwrap_or(&[]);
                line += between.iter().filter(|&&byte| byte == b'\n').count() as u32;
                counted = lexeme.start;
                let place = TokenSpan { file, at: lexeme.start as u32, length: (lexeme.end - lexeme.start) as u32 };
                PpToken { kind: lexeme.kind, painted: false, text: place, place, line }
            })
            .collect()
    }

    /// Creates a token with new characters. The token takes its span from `like`.
    pub(super) fn made(&mut self, kind: LexemeKind, text: &str, like: &PpToken) -> Result<PpToken, PreprocessError> {
        if self.pasted.len() + text.len() > MAX_PASTED {
            return error_at(
                like.place,
                format!("the macros of this kernel make more than {MAX_PASTED} bytes of new tokens, which is the limit"),
            );
        }
        let place = TokenSpan { file: PASTED, at: self.pasted.len() as u32, length: text.len() as u32 };
        self.pasted.push_str(text);
        Ok(PpToken { kind, text: place, painted: false, ..*like })
    }
}

/// A macro.
#[derive(Clone, Debug)]
struct Macro {
    /// The number of parameters; `None` for an object-like macro.
    parameters: Option<usize>,
    /// The replacement list.
    body: Vec<MacroPart>,
    /// The macro is being expanded.
    busy: bool,
}

/// An element of a replacement list.
#[derive(Clone, Copy, Debug)]
enum MacroPart {
    /// A token.
    Token(PpToken),
    /// The argument of a parameter.
    Parameter(usize),
    /// The operator `##`, which pastes the tokens on its left and right.
    Paste,
}

impl Macro {
    /// Whether two macros have the same parameters and the same replacement list.
    fn means(&self, other: &Macro, texts: &TokenTexts) -> bool {
        let same = |pair: (&MacroPart, &MacroPart)| match pair {
            (MacroPart::Token(a), MacroPart::Token(b)) => texts.of(a) == texts.of(b),
            (MacroPart::Parameter(a), MacroPart::Parameter(b)) => a == b,
            (MacroPart::Paste, MacroPart::Paste) => true,
            _ => false,
        };
        self.parameters == other.parameters && self.body.len() == other.body.len() && self.body.iter().zip(&other.body).all(same)
    }
}

/// The macros that are defined.
#[derive(Debug, Default)]
pub(super) struct Macros {
    /// The index of each macro by name. `None` means that the name was undefined, even if the compiler predefines it.
    names: HashMap<String, Option<usize>>,
    /// All macros that were ever defined.
    list: Vec<Macro>,
    /// The number of tokens that were processed so far.
    steps: usize,
}

/// The remaining input of the expansion.
enum PendingToken {
    /// A token.
    Token(PpToken),
    /// The end of a macro's expansion.
    End(usize),
}

impl Macros {
    /// Whether a name is a macro; `None` for a name that was neither defined nor undefined.
    pub(super) fn knows(&self, name: &str) -> Option<bool> {
        self.names.get(name).map(Option::is_some)
    }

    /// Undefines a macro.
    pub(super) fn undefine(&mut self, name: &str) {
        self.names.insert(name.to_owned(), None);
    }

    /// Defines a macro from the tokens after `#define`. A macro of the same name must be identical.
    pub(super) fn define(&mut self, tokens: &[PpToken], texts: &TokenTexts, at: TokenSpan) -> Result<(), PreprocessError> {
        let Some((name, mut rest)) = tokens.split_first().filter(|(name, _)| name.kind == LexemeKind::Word) else {
            return error_at(at, "#define needs the name of a macro");
        };
        let title = texts.of(name);
        if matches!(title, "defined" | "__LINE__" | "__FILE__" | "__VERSION__") {
            return error_at(name.place, format!("{title} cannot be defined as a macro"));
        }
        let mut parameters = None;
        // A list of parameters must follow the name without a blank.
        if let Some(open) = rest.first().filter(|open| texts.of(open) == "(" && open.place.at == name.place.at + name.place.length) {
            let close = rest.iter().position(|token| texts.of(token) == ")");
            let Some(close) = close else { return error_at(open.place, "this list of parameters is not closed by )") };
            let inside = rest.get(1..close).unwrap_or(&[]);
            let mut names: Vec<&str> = Vec::new();
            for (index, token) in inside.iter().enumerate() {
                let text = texts.of(token);
                let right = if index % 2 == 0 { token.kind == LexemeKind::Word && !names.contains(&text) } else { text == "," };
                if !right || (index % 2 == 1 && index + 1 == inside.len()) {
                    return error_at(token.place, "parameters of a macro are different names with , between them");
                }
                if index % 2 == 0 {
                    names.push(text);
                }
                if names.len() > MAX_PARAMETERS {
                    return error_at(token.place, format!("a macro has at most {MAX_PARAMETERS} parameters"));
                }
            }
            parameters = Some(names);
            rest = rest.get(close + 1..).unwrap_or(&[]);
        }
        let ends = [rest.first(), rest.last()];
        if let Some(paste) = ends.into_iter().flatten().find(|token| texts.of(token) == "##") {
            return error_at(paste.place, "## joins two tokens, and there is only one here");
        }
        let names = parameters.as_deref().unwrap_or(&[]);
        let part = |token: &PpToken| match texts.of(token) {
            "##" => MacroPart::Paste,
            text => names.iter().position(|name| *name == text).map_or(MacroPart::Token(*token), MacroPart::Parameter),
        };
        let new = Macro { body: rest.iter().map(part).collect(), parameters: parameters.map(|names| names.len()), busy: false };
        let old = self.names.get(title).copied().flatten().and_then(|index| self.list.get(index));
        match old {
            Some(old) if old.means(&new, texts) => return Ok(()),
            Some(_) => return error_at(name.place, format!("the macro {title} is defined already, as something else: #undef it first")),
            None => {}
        }
        self.names.insert(title.to_owned(), Some(self.list.len()));
        self.list.push(new);
        Ok(())
    }

    /// Expands all macros in a sequence of tokens. `depth` is the number of enclosing macro arguments.
    pub(super) fn expand(&mut self, run: &[PpToken], texts: &mut TokenTexts, depth: usize) -> Result<Vec<PpToken>, PreprocessError> {
        let mut out = Vec::with_capacity(run.len());
        let mut left: Vec<PendingToken> = run.iter().rev().map(|&token| PendingToken::Token(token)).collect();
        while let Some(next) = left.pop() {
            let mut token = match next {
                PendingToken::Token(token) => token,
                PendingToken::End(index) => {
                    self.set_busy(index, false);
                    continue;
                }
            };
            self.step(1, token.place)?;
            let named =
                if token.kind == LexemeKind::Word && !token.painted { self.names.get(texts.of(&token)).copied().flatten() } else { None };
            let used = named.and_then(|index| self.list.get(index).map(|found| (index, found.busy, found.parameters)));
            let Some((index, busy, parameters)) = used else {
                if token.kind == LexemeKind::Word && texts.of(&token) == "__LINE__" {
                    token = texts.made(LexemeKind::Number, &token.line.to_string(), &token)?;
                }
                out.push(token);
                continue;
            };
            if busy {
                token.painted = true;
                out.push(token);
                continue;
            }
            let result = match parameters {
                None => self.substitute(index, &[], &token, texts, depth)?,
                Some(count) if self.opens(&left, texts) => {
                    let arguments = self.arguments(&mut left, &token, count, texts)?;
                    self.substitute(index, &arguments, &token, texts, depth)?
                }
                // The name of a function-like macro without a bracket after it is an ordinary name.
                Some(_) => {
                    out.push(token);
                    continue;
                }
            };
            self.set_busy(index, true);
            left.push(PendingToken::End(index));
            left.extend(result.into_iter().rev().map(PendingToken::Token));
        }
        Ok(out)
    }

    /// Counts processed tokens against the limit.
    fn step(&mut self, count: usize, place: TokenSpan) -> Result<(), PreprocessError> {
        self.steps += count;
        if self.steps > MAX_STEPS {
            return error_at(place, format!("the macros of this kernel expand to too much: more than {MAX_STEPS} tokens were processed"));
        }
        Ok(())
    }

    /// Sets whether a macro is being expanded.
    fn set_busy(&mut self, index: usize, busy: bool) {
        if let Some(found) = self.list.get_mut(index) {
            found.busy = busy;
        }
    }

    /// Whether the next token is an opening bracket.
    fn opens(&self, left: &[PendingToken], texts: &TokenTexts) -> bool {
        let next = left.iter().rev().find_map(|left| match left {
            PendingToken::Token(token) => Some(token),
            PendingToken::End(_) => None,
        });
        next.is_some_and(|token| texts.of(token) == "(")
    }

    /// Reads the arguments of a macro with `count` parameters. `user` is the token that names the macro.
    fn arguments(
        &mut self,
        left: &mut Vec<PendingToken>,
        user: &PpToken,
        count: usize,
        texts: &TokenTexts,
    ) -> Result<Vec<Vec<PpToken>>, PreprocessError> {
        let mut arguments = vec![Vec::new()];
        let mut open = 0_usize;
        while let Some(next) = left.pop() {
            let token = match next {
                PendingToken::Token(token) => token,
                PendingToken::End(index) => {
                    self.set_busy(index, false);
                    continue;
                }
            };
            self.step(1, user.place)?;
            match texts.of(&token) {
                "(" => {
                    open += 1;
                    if open == 1 {
                        continue;
                    }
                }
                ")" => {
                    open -= 1;
                    if open == 0 {
                        return self.counted(arguments, user, count, texts);
                    }
                }
                "," if open == 1 => {
                    arguments.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if let Some(last) = arguments.last_mut() {
                last.push(token);
            }
        }
        error_at(user.place, format!("the arguments of the macro {} are not closed by )", texts.of(user)))
    }

    /// Checks the number of arguments.
    fn counted(
        &self,
        mut arguments: Vec<Vec<PpToken>>,
        user: &PpToken,
        count: usize,
        texts: &TokenTexts,
    ) -> Result<Vec<Vec<PpToken>>, PreprocessError> {
        if count == 0 && arguments.iter().all(Vec::is_empty) {
            arguments.clear();
        }
        if arguments.len() != count {
            let message = format!("the macro {} takes {count} arguments, and {} are given", texts.of(user), arguments.len());
            return error_at(user.place, message);
        }
        Ok(arguments)
    }

    /// The replacement list of a macro with the arguments substituted.
    fn substitute(
        &mut self,
        index: usize,
        arguments: &[Vec<PpToken>],
        user: &PpToken,
        texts: &mut TokenTexts,
        depth: usize,
    ) -> Result<Vec<PpToken>, PreprocessError> {
        if depth > MAX_DEPTH {
            return error_at(user.place, format!("macros are used in the arguments of macros more than {MAX_DEPTH} levels deep"));
        }
        let body = self.list.get(index).map(|found| found.body.clone()).unwrap_or_default();
        self.step(body.len(), user.place)?;
        let is_paste = |at: Option<usize>| matches!(at.and_then(|at| body.get(at)), Some(MacroPart::Paste));
        let mut expanded: Vec<Option<Vec<PpToken>>> = vec![None; arguments.len()];
        let mut out: Vec<PpToken> = Vec::with_capacity(body.len());
        // Whether the operand on the left was an empty argument.
        let mut left_is_empty = false;
        for (at, part) in body.iter().enumerate() {
            let joined = is_paste(at.checked_sub(1));
            let mut piece = match *part {
                MacroPart::Paste => continue,
                MacroPart::Token(token) => vec![PpToken { place: user.place, line: user.line, ..token }],
                MacroPart::Parameter(which) if joined || is_paste(Some(at + 1)) => arguments.get(which).cloned().unwrap_or_default(),
                MacroPart::Parameter(which) => {
                    let known = expanded.get(which).cloned().flatten();
                    let whole = match known {
                        Some(whole) => whole,
                        None => self.expand(arguments.get(which).map_or(&[], Vec::as_slice), texts, depth + 1)?,
                    };
                    if let Some(place) = expanded.get_mut(which) {
                        *place = Some(whole.clone());
                    }
                    whole
                }
            };
            self.step(piece.len(), user.place)?;
            let is_empty = piece.is_empty();
            if joined && !left_is_empty && !is_empty {
                let first = piece.remove(0);
                let last = out.pop().unwrap_or(first);
                out.push(paste(&last, &first, user, texts)?);
            }
            left_is_empty = is_empty && (!joined || left_is_empty);
            out.append(&mut piece);
        }
        Ok(out)
    }
}

/// Pastes two tokens into one.
fn paste(left: &PpToken, right: &PpToken, user: &PpToken, texts: &mut TokenTexts) -> Result<PpToken, PreprocessError> {
    let text = format!("{}{}", texts.of(left), texts.of(right));
    let mut lexemes = Lexemes::new(&text);
    match (lexemes.next(), lexemes.next()) {
        (Some(one), None)
            if one.end == text.len() && !matches!(one.kind, LexemeKind::Stray | LexemeKind::Unclosed | LexemeKind::LineEnd) =>
        {
            texts.made(one.kind, &text, user)
        }
        _ => error_at(user.place, format!("## joins {} and {}, which do not form a token", texts.of(left), texts.of(right))),
    }
}
