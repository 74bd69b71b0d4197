//! The variables that a source reads by `env!` and `option_env!`, and how it uses those with paths.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Author;
use super::conditions::Conditions;
use super::inactive_code::inactive_code;
use super::path_variables::{self, AttributeMacros};
use super::tokens::{Kind, Token, tokens};

/// The variables that the compiler reads for a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompileTimeVariables {
    /// The variables that `env!` and `option_env!` name by string literals. Macros may read others.
    pub(crate) named: BTreeSet<String>,
    /// Variables with paths that may be used for more than including a file.
    pub(crate) paths: BTreeSet<String>,
    /// Whether generated code may ask for its own path by the call of a macro.
    pub(crate) asks_for_place: bool,
    /// The procedural macros that attributes in generated code may be.
    pub(crate) attributes: AttributeMacros,
    /// The files with code that the sources include, and whether the path is known to be relative to the directory of the source.
    #[serde(skip)]
    pub(crate) included: BTreeSet<(String, bool)>,
}

impl CompileTimeVariables {
    /// Adds the variables of a source.
    pub(crate) fn read(&mut self, source: &str, author: Author) {
        if author == Author::Other || path_variables::may_read_or_include(source) {
            self.read_tokens(tokens(source), author);
        }
    }

    /// Adds the variables of a file that a build script generated.
    pub(crate) fn read_generated(&mut self, source: &str) {
        let tokens = tokens(source);
        self.asks_for_place |= path_variables::may_ask_for_place(&tokens);
        let attributes = path_variables::macros_of_attributes(&tokens);
        self.attributes = self.attributes.max(attributes);
        self.read_tokens(tokens, Author::Other);
    }

    fn read_tokens(&mut self, tokens: Vec<Token<'_>>, author: Author) {
        self.named.extend(named_in(&tokens));
        let tokens = &match author {
            Author::Published => {
                let conditions = Conditions::of_any_target();
                inactive_code(&tokens, &conditions).remove_from(tokens)
            }
            Author::Other => tokens,
        };
        let used = path_variables::used_otherwise(tokens, author);
        self.paths.extend(used);
        let included = path_variables::included_files(tokens);
        let included = included.map(|(name, is_beside)| (name.to_owned(), is_beside));
        self.included.extend(included);
    }

    /// Clears the list of included files. A file that `is_read` does not accept may use all variables with paths.
    pub(crate) fn end_of_files(&mut self, is_read: impl Fn(&Path) -> bool) {
        let included = std::mem::take(&mut self.included);
        let mut names = included.iter().map(|(name, _)| Path::new(name));
        if !names.all(is_read) {
            self.add_all_paths();
        }
    }

    /// Adds all variables with paths, because some code is not known.
    pub(crate) fn add_all_paths(&mut self) {
        self.paths = path_variables::all();
    }

    /// Adds the variables of other sources.
    pub(crate) fn add(&mut self, other: Self) {
        self.named.extend(other.named);
        self.paths.extend(other.paths);
        self.asks_for_place |= other.asks_for_place;
        self.attributes = self.attributes.max(other.attributes);
        self.included.extend(other.included);
    }
}

/// The variables that `env!` and `option_env!` name.
fn named_in(tokens: &[Token<'_>]) -> impl Iterator<Item = String> {
    tokens.windows(4).filter_map(|window| match window {
        [name, mark, open, variable]
            if matches!(name.text, "env" | "option_env")
                && name.kind == Kind::Ident
                && mark.is_punctuation("!")
                && matches!(open.kind, Kind::Open(_))
                && variable.kind == Kind::Text =>
        {
            Some(variable.text.to_owned())
        }
        _ => None,
    })
}
