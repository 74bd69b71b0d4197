//! Reads a user's hook line by line, and keeps track of what a line is part of: a block, a quoted text, a here document, a longer command.

use super::hook_conflicts::{Conflict, conflict};

/// Reads a hook line by line, and keeps track of blocks, quotes and here documents.
#[derive(Debug, Default)]
pub(crate) struct HookReader {
    depth: u32,
    continued: bool,
    /// The word that ends the current here document.
    here_document: Option<String>,
    /// The quote that is open at the end of the last line.
    quote: Option<char>,
}

/// A line of a hook.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) conflict: Option<Conflict>,
    /// Whether the line is not part of a longer command.
    pub(crate) is_whole: bool,
    /// Whether it is in an `if`, a loop, a `case` or a function.
    pub(crate) in_block: bool,
}

impl HookReader {
    /// Reads the next line.
    pub(crate) fn read(&mut self, line: &str) -> Line {
        if let Some(end) = &self.here_document {
            if line.trim() == end {
                self.here_document = None;
            }
            return Line {
                conflict: None,
                is_whole: false,
                in_block: false,
            };
        }
        let quoted = self.quote;
        self.quote = open_quote(line, quoted);
        if quoted.is_some() {
            // The middle of a quoted text.
            return Line {
                conflict: None,
                is_whole: false,
                in_block: false,
            };
        }
        self.here_document = here_document(line);
        match block(line) {
            Block::Opens => self.depth += 1,
            Block::Closes => self.depth = self.depth.saturating_sub(1),
            Block::Neither => {}
        }
        let code = line.trim_end();
        let breaks_off = ["\\", "&&", "|"].iter().any(|end| code.ends_with(end));
        let continued = std::mem::replace(&mut self.continued, breaks_off);
        Line {
            conflict: conflict(line),
            is_whole: !continued && !breaks_off && self.quote.is_none(),
            in_block: self.depth > 0,
        }
    }
}

/// The quote that is open after a line, if `open` was before it.
fn open_quote(line: &str, open: Option<char>) -> Option<char> {
    // In a Nix string, `\'\'\'` is two quotes, and `\'\'$` a dollar sign.
    let line = line.replace("\'\'\'", "\'\'").replace("\'\'$", "$");
    let mut quote = open;
    let mut before = ' ';
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('\''), '\'') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                characters.next();
            }
            (Some(open), character) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '#') if before.is_whitespace() || before == ';' => break,
            _ => {}
        }
        before = character;
    }
    quote
}

/// The word behind `<<`, which ends the here document that starts on this line.
fn here_document(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("<<")?;
    if rest.starts_with('<') || before.trim_start().starts_with('#') {
        return None;
    }
    let word: String = rest
        .trim_start_matches(['-', ' '])
        .trim_start_matches(['\'', '"', '\\'])
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

/// The effect of a line on the nesting of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Opens,
    Closes,
    Neither,
}

/// Whether a line opens or closes an `if`, a loop, a `case` or a function.
fn block(line: &str) -> Block {
    let code = line.trim();
    let mut words = code.split([' ', ';', '\t']).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let behind = words.next_back();
    let last = behind.unwrap_or(first);
    // `a | while read b; do`; a `do` alone belongs to a loop that is open.
    let opens_behind = matches!(behind, Some("do" | "then")) && first != "elif";
    let opens =
        matches!(first, "if" | "for" | "while" | "until" | "case") || last == "{" || opens_behind;
    let closes = matches!(last, "fi" | "done" | "esac" | "}");
    match (opens, closes) {
        (true, false) => Block::Opens,
        (false, true) => Block::Closes,
        _ if first == "fi" || first == "done" || first == "esac" => Block::Closes,
        _ => Block::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        assert_eq!(block("if [ -z \"$CI\" ]; then"), Block::Opens);
        assert_eq!(block("  fi"), Block::Closes);
        assert_eq!(block("fi || true"), Block::Closes);
        assert_eq!(block("if true; then echo; fi"), Block::Neither);
        assert_eq!(block("export A=1"), Block::Neither);
        assert_eq!(block("greet() {"), Block::Opens);
        assert_eq!(block("list | while read -r a; do"), Block::Opens);
        assert_eq!(block("[ -n \"$CI\" ] && if a; then"), Block::Opens);
        for neither in ["do", "then", "elif a; then"] {
            assert_eq!(block(neither), Block::Neither, "{neither}");
        }
        assert_eq!(block("else"), Block::Neither);
    }

    #[test]
    fn printed_text_is_not_a_command() {
        let mut reader = HookReader::default();
        let text = [
            "echo \"put this into .envrc:",
            "export RUSTC_WRAPPER=z",
            "\"",
            "cat <<'END'",
            "export RUSTC_WRAPPER=z",
            "END",
            "echo it\\'s fine # don't",
            "export RUSTC_WRAPPER=z",
        ];
        let found: Vec<bool> = text
            .iter()
            .map(|line| reader.read(line).conflict.is_some())
            .collect();
        assert_eq!(
            found,
            [false, false, false, false, false, false, false, true]
        );
    }

    #[test]
    fn a_line_after_an_operator_is_no_whole_command() {
        let mut reader = HookReader::default();
        assert!(!reader.read("test -n \"$X\" &&").is_whole);
        assert!(!reader.read("  export SCCACHE_DIR=$X").is_whole);
        assert!(reader.read("export SCCACHE_DIR=$X").is_whole);
    }
}
