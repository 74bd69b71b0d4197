//! Branches of `if` and `match`, whose value is that of the whole expression.

use super::super::constant_code::block_at;
use super::super::tokens::Kind;
use super::{Use, Uses, outwards};

impl<'t> Uses<'t> {
    /// The use of a text that is the value of the block at `open`, if that is a branch.
    pub(super) fn branch(&self, open: usize) -> Use<'t> {
        if self.is_arm(open) {
            return self.arm(open);
        }
        let (Some(first), Some(last)) = (self.start_of_if(open), self.end_of_if(open)) else {
            return Use::Unknown;
        };
        self.expression(first, last, &[])
    }

    /// Whether an arm of `match` begins at `at`, behind its pattern.
    pub(super) fn is_arm(&self, at: usize) -> bool {
        at > 1 && self.is(at - 1, ">") && self.is(at - 2, "=")
    }

    /// The use of a text that is the value of the arm at `at`.
    pub(super) fn arm(&self, at: usize) -> Use<'t> {
        let body = self.around[at].filter(|open| self.is(*open, "{"));
        let first = body.and_then(|body| self.keyword_before(body, "match"));
        let last = body.and_then(|body| Some(block_at(self.tokens, body)?.end));
        match (first, last) {
            (Some(first), Some(last)) => self.expression(first, last, &[]),
            _ => Use::Unknown,
        }
    }

    /// The keyword of the expression whose block opens at `open`.
    fn keyword_before(&self, open: usize, keyword: &str) -> Option<usize> {
        let level = self.around[open];
        let mut before = (0..open).rev().filter(|at| self.around[*at] == level);
        let found = before.find(|at| {
            let token = self.tokens[*at];
            // The condition has no block and no statement.
            matches!(
                token.text,
                ";" | "{" | "}" | "if" | "match" | "else" | "while" | "for"
            ) && token.kind != Kind::Text
        })?;
        self.tokens[found].is_ident(keyword).then_some(found)
    }

    /// The first `if` of the expression with the block at `open`.
    fn start_of_if(&self, mut open: usize) -> Option<usize> {
        loop {
            let is_last = open > 0 && self.tokens[open - 1].is_ident("else");
            let start = if is_last {
                open
            } else {
                self.keyword_before(open, "if")?
            };
            let before = start.checked_sub(1)?;
            if !self.tokens[before].is_ident("else") {
                return Some(start);
            }
            let close = before.checked_sub(1)?;
            let is_block =
                |at: &usize| block_at(self.tokens, *at).is_some_and(|all| all.end == close);
            open = (0..close).rev().find(is_block)?;
        }
    }

    /// The end of the last block of the expression with the block at `open`.
    fn end_of_if(&self, mut open: usize) -> Option<usize> {
        loop {
            let end = block_at(self.tokens, open)?.end;
            if !self
                .tokens
                .get(end + 1)
                .is_some_and(|next| next.is_ident("else"))
            {
                return Some(end);
            }
            let level = self.around[open];
            open = (end + 1..self.tokens.len())
                .find(|at| self.around[*at] == level && self.is(*at, "{"))?;
        }
    }

    /// Whether the innermost function around `at` returns what it is given: it is neither always inlined nor evaluated.
    pub(super) fn is_in_body(&self, at: usize) -> bool {
        let mut bodies =
            outwards(self.around, at).filter_map(|open| self.functions.is_known_body(open));
        bodies.next().unwrap_or(false)
    }
}
