//! The declarations of a crate: modules, functions, macros and constants.

use super::Reader;
use crate::macro_effects::tokens::{Kind, Token};

/// A function, with the positions of its tokens.
pub(super) struct Function<'a> {
    pub(super) file: usize,
    pub(super) name: &'a str,
    pub(super) parameters: (usize, usize),
    pub(super) body: (usize, usize),
    /// Whether it may be called under another name or from another crate.
    pub(super) is_open: bool,
}

/// A constant whose value is a string literal.
pub(super) struct Constant<'a> {
    pub(super) value: &'a str,
    /// The file and token of its declaration.
    pub(super) place: (usize, usize),
}

/// Whether the crate defines procedural macros.
pub(super) fn defines_procedural(tokens: &[Token<'_>]) -> bool {
    const NAMES: [&str; 3] = ["proc_macro", "proc_macro_derive", "proc_macro_attribute"];
    tokens.windows(3).any(|window| {
        window[0].is_punctuation("#")
            && window[1].text == "["
            && NAMES.iter().any(|name| window[2].is_ident(name))
    })
}

impl<'a> Reader<'a> {
    /// Collects imports, modules, functions and constants.
    pub(super) fn declare(&mut self, file: usize) {
        let files = self.files;
        let tokens = files[file];
        let next = |at: usize| tokens.get(at + 1);
        // The end of the innermost `impl … for …` or `trait`.
        let mut foreign_end = 0;
        // The enclosing modules: name, whether public, end.
        let mut around: Vec<(&str, bool, usize)> = Vec::new();
        for at in 0..tokens.len() {
            if tokens[at].kind != Kind::Ident {
                continue;
            }
            around.retain(|(.., end)| at < *end);
            let within = || {
                around
                    .iter()
                    .map(|module| (module.0, module.1))
                    .collect::<Vec<_>>()
            };
            let is_named = next(at).is_some_and(|token| token.kind == Kind::Ident);
            match tokens[at].text {
                "use" => {
                    let is_exported = at > 0 && tokens[at - 1].is_ident("pub");
                    self.imports_at(tokens, at + 1, is_exported, &within());
                }
                "crate" if at > 0 && tokens[at - 1].is_ident("extern") => {
                    let is_exported = at > 1 && tokens[at - 2].is_ident("pub");
                    self.imports_at(tokens, at + 1, is_exported, &within());
                }
                "mod" if is_named => {
                    self.local.insert(tokens[at + 1].text);
                    self.modules.insert(tokens[at + 1].text);
                    let is_public = at > 0 && tokens[at - 1].is_ident("pub");
                    if let Some(Kind::Open(end)) = tokens.get(at + 2).map(|token| token.kind) {
                        around.push((tokens[at + 1].text, is_public, end));
                    }
                }
                "impl" | "trait" => {
                    let rest = tokens[at..].iter();
                    let head = rest.take_while(|token| token.text != "{" && token.text != ";");
                    let is_foreign = tokens[at].text == "trait"
                        || head.clone().any(|token| token.is_ident("for"));
                    let open = at + head.count();
                    if let (true, Some(Kind::Open(end))) =
                        (is_foreign, tokens.get(open).map(|token| token.kind))
                    {
                        foreign_end = foreign_end.max(end);
                    }
                }
                "fn" if is_named => self.function_at(file, tokens, at, at < foreign_end),
                "macro_rules" => {
                    self.own_macros
                        .extend(tokens.get(at + 2).map(|token| token.text));
                }
                "const" | "static" => self.constant_at(file, tokens, at + 1),
                _ => {}
            }
        }
    }

    fn function_at(&mut self, file: usize, tokens: &'a [Token<'a>], at: usize, is_foreign: bool) {
        const QUALIFIERS: [&str; 4] = ["async", "const", "extern", "unsafe"];
        let mut before = at;
        while before > 0
            && (QUALIFIERS
                .iter()
                .any(|qualifier| tokens[before - 1].is_ident(qualifier))
                || tokens[before - 1].kind == Kind::Text)
        {
            before -= 1;
        }
        let is_exported = !self.is_macro_crate && before > 0 && tokens[before - 1].is_ident("pub");
        let rest = tokens.iter().enumerate().skip(at + 2);
        let mut groups = rest.filter_map(|(start, token)| match token.kind {
            Kind::Open(end) => Some((start, end, token.text)),
            Kind::Punctuation if token.text == ";" => Some((start, start, ";")),
            _ => None,
        });
        let parameters = groups.find(|(_, _, text)| *text == "(");
        let Some((start, end, _)) = parameters else {
            return;
        };
        let body = groups
            .filter(|(at, ..)| *at > end)
            .find(|(_, _, text)| matches!(*text, "{" | ";"));
        let body = body.map_or((end, end), |(start, end, _)| (start, end));
        self.functions.push(Function {
            file,
            name: tokens[at + 1].text,
            parameters: (start, end),
            body,
            is_open: is_foreign || is_exported,
        });
    }

    fn constant_at(&mut self, file: usize, tokens: &'a [Token<'a>], at: usize) {
        let Some(name) = tokens.get(at).filter(|token| token.kind == Kind::Ident) else {
            return;
        };
        if !tokens
            .get(at + 1)
            .is_some_and(|token| token.is_punctuation(":"))
        {
            return;
        }
        let rest = &tokens[at + 2..];
        let value = rest
            .iter()
            .position(|token| token.is_punctuation("=") || token.is_punctuation(";"));
        let value = value.and_then(|value| match rest.get(value..)? {
            [equals, text, end, ..]
                if equals.text == "=" && text.kind == Kind::Text && end.is_punctuation(";") =>
            {
                Some(text.text)
            }
            _ => None,
        });
        self.constants
            .entry(name.text)
            .and_modify(|value| *value = None)
            .or_insert(value.map(|value| Constant {
                value,
                place: (file, at),
            }));
    }
}
