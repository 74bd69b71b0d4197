//! Code in other languages: effects that neither the source nor the observer shows.

use super::Reader;
use crate::macro_effects::tokens::{Kind, Token};
use crate::macro_effects::{Author, c_library, words};
/// Instructions that make system calls, call other code, or read a clock or random numbers.
const INSTRUCTIONS: [&str; 21] = [
    "bl", "blr", "call", "callq", "ecall", "hvc", "int", "mrs", "rdcycle", "rdpid", "rdpmc",
    "rdrand", "rdseed", "rdtime", "rdtsc", "rdtscp", "smc", "svc", "syscall", "sysenter", "vmcall",
];
const BLOCK: &str = "foreign code (`extern` block)";

impl Reader<'_> {
    /// Handles the block after the `extern` before `at`. Published crates are assumed to call the functions that they declare
    /// under these names. The crate `libc` declares all functions; the crate that calls one names it.
    pub(super) fn foreign_block(&mut self, tokens: &[Token<'_>], at: usize) {
        if self.author == Author::Published && self.found.name == "libc" {
            self.found.exports_c = true;
            return;
        }
        let open = (at..tokens.len()).find(|at| tokens[*at].text == "{");
        let block = open.and_then(|open| match tokens[open].kind {
            Kind::Open(end) => tokens.get(open + 1..end),
            _ => None,
        });
        let names = block
            .filter(|_| self.author == Author::Published)
            .and_then(declared);
        let Some(names) = names else {
            self.found.add_volatile(BLOCK);
            return;
        };
        for name in names {
            self.reach(c_library::reach(name), &["std", "libc", name], None);
        }
    }

    /// Whether the keyword at `at` is the argument of `syn::Token!`, which expands to the type of that token.
    pub(super) fn is_token_of_syn(&self, tokens: &[Token<'_>], at: usize) -> bool {
        let text = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].text);
        let is_alone = at > 0 && tokens[at - 1].kind == Kind::Open(at + 1);
        if !is_alone || text(2) != "!" || text(3) != "Token" {
            return false;
        }
        if text(4) == "::" {
            return text(5) == "syn" && text(6) != "::";
        }
        let imports = self.imports.iter();
        let mut imports = imports
            .filter(|import| import.name == Some("Token"))
            .peekable();
        imports.peek().is_some()
            && imports.all(|import| !import.is_local && import.path == ["syn", "Token"])
            && !self.own_macros.contains("Token")
    }

    /// Handles a macro for inline assembly, or its name, at `at`.
    pub(super) fn assembler(&mut self, tokens: &[Token<'_>], at: usize) {
        let is_known = match (tokens.get(at + 1), tokens.get(at + 2)) {
            (Some(next), Some(open)) if next.is_punctuation("!") => match open.kind {
                Kind::Open(end) => tokens.get(at + 3..end).is_some_and(only_computes),
                _ => false,
            },
            (Some(next), _) => !next.is_ident("as"),
            _ => true,
        };
        if self.author == Author::Other || !is_known {
            self.found.add_volatile("assembler code");
        }
    }

    /// Handles a name that may be that of a function of the C library, which a crate of any name may export.
    pub(super) fn call_of_c(&mut self, tokens: &[Token<'_>], at: usize) {
        let name = tokens[at].text;
        let is_module = tokens
            .get(at + 1)
            .is_some_and(|next| next.kind == Kind::PathSeparator);
        if self.author == Author::Other && !is_module && c_library::is_unseen(name) {
            let why = format!("{}: `{name}`", self.found.name);
            self.found.names_c.get_or_insert(why);
        }
    }
}

/// The functions and variables that the tokens of an `extern` block declare, by their symbol names; `None` if a macro may
/// generate some.
fn declared<'a>(block: &[Token<'a>]) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    let mut is_renamed = false;
    for (at, token) in block.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| block[before]);
        let next = block.get(at + 1);
        match token.text {
            "$" => return None,
            "!" if before.is_some_and(|before| before.kind == Kind::Ident) => return None,
            "fn" | "static" => {
                let name = next.filter(|next| !next.is_ident("mut"));
                let name = name.or(block.get(at + 2))?.text;
                if !std::mem::take(&mut is_renamed) {
                    names.push(name);
                }
            }
            "link_name" => {
                names.push(block.get(at + 2)?.text.trim_matches('"'));
                // In `cfg_attr`, the attribute may not apply, so both names count.
                is_renamed = before.is_some_and(|before| before.text == "[");
            }
            _ => {}
        }
    }
    Some(names)
}

/// Whether inline assembly with this template and these operands has no effect but its result.
fn only_computes(code: &[Token<'_>]) -> bool {
    // `options(pure)` declares that the result depends only on the operands.
    let is_pure = code.iter().any(|token| token.is_ident("pure"));
    code.iter().enumerate().all(|(at, token)| match token.kind {
        Kind::Text | Kind::Literal => {
            !words(token.text).any(|word| INSTRUCTIONS.contains(&word.to_lowercase().as_str()))
        }
        Kind::Ident => {
            let is_macro = code
                .get(at + 1)
                .is_some_and(|next| next.is_punctuation("!"));
            !is_macro || is_pure || token.text == "concat"
        }
        _ => token.text != "$",
    })
}
