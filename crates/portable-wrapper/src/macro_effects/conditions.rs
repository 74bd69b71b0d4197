//! The conditions of `#[cfg(…)]`, as far as they are known for a crate.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::tokens::{Kind, Token};

/// The known conditions under which a crate is compiled.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub(crate) struct Conditions {
    /// The enabled features; `None` if they are not known.
    features: Option<BTreeSet<String>>,
    /// Whether `cfg(test)` may hold.
    may_be_test: bool,
    /// Whether it may be compiled for another system than this one.
    #[serde(default)]
    has_target: bool,
    /// Whether `#[test]` is the language's attribute, not a macro's.
    pub(super) has_plain_tests: bool,
    /// Whether `cfg!` is the language's macro.
    pub(super) has_plain_cfg: bool,
}

impl Conditions {
    /// The conditions in rustc's arguments.
    pub(crate) fn of_arguments(words: &[String]) -> Self {
        let pairs = words.windows(2).filter(|pair| pair[0] == "--cfg");
        let values: Vec<&str> = pairs.map(|pair| pair[1].as_str()).collect();
        let features = values.iter().filter_map(|value| {
            let name = value
                .strip_prefix("feature")?
                .trim_start()
                .strip_prefix('=')?;
            Some(name.trim().trim_matches('"').to_owned())
        });
        Self {
            features: Some(features.collect()),
            may_be_test: values.contains(&"test") || words.iter().any(|word| word == "--test"),
            has_target: words.iter().any(|word| word.starts_with("--target")),
            has_plain_tests: false,
            has_plain_cfg: false,
        }
    }

    /// The conditions for the library of a published crate with any features, for any system.
    pub(super) fn of_any_target() -> Self {
        let any = Self {
            has_target: true,
            ..Self::default()
        };
        any.of_published()
    }

    /// The conditions for a published crate, which defines no other `#[test]` or `cfg!`.
    pub(crate) fn of_published(self) -> Self {
        Self {
            has_plain_tests: !self.may_be_test,
            has_plain_cfg: true,
            ..self
        }
    }

    /// The conditions as text, for a key.
    pub(crate) fn describe(&self) -> String {
        format!("{self:?}")
    }

    /// Whether `condition`, the inside of `cfg(…)`, holds; `None` if that is not known.
    pub(super) fn holds(&self, condition: &[Token<'_>]) -> Option<bool> {
        let [name, rest @ ..] = condition else {
            return None;
        };
        if name.kind != Kind::Ident {
            return None;
        }
        match rest {
            [] => match name.text {
                "test" => (!self.may_be_test).then_some(false),
                "unix" => (!self.has_target).then_some(true),
                "windows" => (!self.has_target).then_some(false),
                _ => None,
            },
            [equals, value] if equals.is_punctuation("=") && value.kind == Kind::Text => {
                match name.text {
                    "feature" => Some(self.features.as_ref()?.contains(value.text)),
                    "target_os" | "target_arch" | "target_family" | "target_pointer_width"
                        if self.has_target =>
                    {
                        None
                    }
                    "target_os" => Some(value.text == std::env::consts::OS),
                    "target_arch" => Some(value.text == std::env::consts::ARCH),
                    "target_family" => Some(value.text == std::env::consts::FAMILY),
                    "target_pointer_width" => Some(value.text == usize::BITS.to_string()),
                    _ => None,
                }
            }
            [open, inside @ .., _] if matches!(open.kind, Kind::Open(_)) => {
                let mut parts = split(inside).map(|part| self.holds(part));
                match name.text {
                    "not" => parts.next()?.map(|holds| !holds),
                    "all" => parts
                        .try_fold(true, |all, part| match (all, part) {
                            // The result is decided.
                            (_, Some(false)) => Err(Some(false)),
                            (_, None) => Ok(false),
                            (all, Some(true)) => Ok(all),
                        })
                        .map_or_else(|known| known, |all| all.then_some(true)),
                    "any" => parts
                        .try_fold(true, |none, part| match (none, part) {
                            (_, Some(true)) => Err(Some(true)),
                            (_, None) => Ok(false),
                            (none, Some(false)) => Ok(none),
                        })
                        .map_or_else(|known| known, |none| none.then_some(false)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The parts of a list that is separated by commas.
fn split<'a, 'b>(tokens: &'b [Token<'a>]) -> impl Iterator<Item = &'b [Token<'a>]> {
    let mut depth = 0_usize;
    tokens
        .split(move |token| {
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && token.is_punctuation(",")
        })
        .filter(|part| !part.is_empty())
}
