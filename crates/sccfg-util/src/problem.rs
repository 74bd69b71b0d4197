//! Errors for users.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// The file.
    #[serde(serialize_with = "crate::printed::serialize_path")]
    pub path: PathBuf,
    /// The first line is 1.
    pub line: usize,
    /// The first column is 1.
    pub column: usize,
}

impl Place {
    /// The place of byte `offset` in `text`, the contents of `path`.
    pub fn at(path: &Path, text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// An error that a user can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What failed, and on what.
    pub what: String,
    /// Where, if it concerns a place in a file.
    pub place: Option<Place>,
    /// What to do; printed on a `hint:` line.
    pub hint: Option<String>,
    /// Whether the command line is wrong by itself, whatever is on the machine: exit status 2.
    pub is_usage: bool,
}

impl Problem {
    /// A problem without a place and a hint.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            place: None,
            hint: None,
            is_usage: false,
        }
    }

    /// Marks it as wrong usage.
    #[must_use]
    pub fn in_arguments(mut self) -> Self {
        self.is_usage = true;
        self
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_never_split_one() {
        let text = "a\nüx\n";
        let place = Place::at(Path::new("f"), text, 4);
        assert_eq!((place.line, place.column), (2, 2));
        assert_eq!(Place::at(Path::new("f"), text, 3).column, 1);
        assert_eq!(Place::at(Path::new("f"), text, 999).line, 3);
    }
}
