//! The lines of a file of records.

use serde::{Deserialize, Serialize};

use super::super::differential::Verified;
use super::super::entry_origin::Origin;
use super::super::uncacheable::Uncacheable;
use super::Change;

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// A unit has ended.
    Unit(Box<UnitRecord>),
    /// A build has begun.
    Build(BuildStart),
    /// A unit was not found at once.
    Started(Started),
}

/// A unit that has ended: one run of rustc, of a build script, or of a C compiler for one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnitRecord {
    /// Identifies it in the build directory: the crate's name with cargo's hash; of a run of a build script, `run`
    /// and its directory; of an object, `object` and its path.
    pub unit: String,
    /// The directory of its outputs, relative to the root of the build directory.
    pub dir: String,
    /// The name of its package.
    pub package: String,
    /// The version of its package.
    pub version: String,
    /// The name of the crate.
    pub name: String,
    /// The crate types; `test` for a test, `build-script` for the program of a build script, `run` for a run of it, `object` for C and C++.
    pub types: Vec<String>,
    /// The value of `--target`; `None` for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The outcome.
    pub outcome: Outcome,
    /// When the wrapper began, in milliseconds since 1970.
    pub start: u64,
    /// When it ended, in milliseconds since 1970. `None` if the wrapper was replaced by the program that it ran (`exec`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// Its key; empty if it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The units that it depends on, as in [`UnitRecord::unit`]. `name=unit` if it calls the crate `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// Further facts.
    #[serde(flatten)]
    pub details: Details,
}

/// Facts that only some units have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Details {
    /// For a hit: the duration of the compile or run that produced the entry, in milliseconds, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// How long it waited for another build that compiled the same unit, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited: u64,
    /// Why it is shared only between checkouts at the same path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    /// Whether it is shared only between checkouts whose paths are equally long, because it is compiled from vendored packages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_same_length: bool,
    /// Whether it was not stored because an input changed during the compile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_stale: bool,
    /// Because of what the unit is not cached: the path of a file or program that is not in the key or was written, or the crate of a
    /// build script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_input: Option<String>,
    /// For a hit that was compiled as well: the result of the comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// For a unit that was compiled: its previous state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The outcome of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The local store had it.
    Store,
    /// sccache had it. `shared` if other machines may have stored it there.
    Sccache {
        /// Whether the cache is shared with other machines.
        shared: bool,
    },
    /// It was compiled, and stored unless [`Details::is_stale`].
    Miss,
    /// It has no key. The name of the reason.
    Uncached(String),
    /// It failed to compile.
    Failed,
}

impl Outcome {
    pub(in super::super) fn uncached(why: Uncacheable) -> Self {
        Self::Uncached(format!("{why:?}"))
    }

    /// The outcome for an entry whose files come from `origin`. `is_shared`: sccache shares entries with other machines.
    pub(in super::super) fn of_entry(origin: Origin, is_shared: bool) -> Self {
        match origin {
            Origin::Store => Self::Store,
            Origin::Sccache => Self::Sccache { shared: is_shared },
            Origin::Compiled | Origin::CompiledStale => Self::Miss,
        }
    }

    /// Whether a cache had it.
    pub fn is_hit(&self) -> bool {
        matches!(self, Self::Store | Self::Sccache { .. })
    }

    /// Why it has no key, and what can be done about that, if so.
    pub fn why_uncached(&self) -> Option<(String, Option<&'static str>)> {
        let Self::Uncached(name) = self else {
            return None;
        };
        let known = serde_json::from_value::<Uncacheable>(name.as_str().into()).ok();
        Some(match known {
            Some(why) => (why.describe().to_owned(), why.hint()),
            // A reason of another version of sccfg.
            None => (name.clone(), None),
        })
    }
}

/// The previous state of a unit that was compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Its key; empty if it had none.
    pub key: String,
    /// Why it had none, as the name of the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncached: Option<String>,
    /// The parts in which the keys differ, the most likely cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Change>,
    /// The number of further changes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// The start of a build.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildStart {
    /// The time of the first record, in milliseconds since 1970.
    pub at: u64,
    /// Where cargo was called.
    pub directory: String,
    /// `cargo`, its subcommand, and flags of it.
    pub command: String,
}

/// A unit that was not found at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Started {
    /// See [`UnitRecord::unit`].
    pub unit: String,
    /// The name of the crate.
    pub name: String,
    /// The name of its package.
    pub package: String,
    /// See [`UnitRecord::types`].
    pub types: Vec<String>,
    /// When, in milliseconds since 1970.
    pub start: u64,
}
