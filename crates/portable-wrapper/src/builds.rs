//! Records of builds: the units that cargo built, the outcome of each, and why it was compiled.
//!
//! # Where
//!
//! Each build has a file of its own, `.sccfg/builds/<pid>-<ticks>.jsonl` below the root of the build directory. The
//! name is that of cargo's process: its number, and when it was started, in the system's clock ticks. So builds that
//! run at the same time are kept apart, and a server's counters are not needed. The process that writes the first
//! record of a build removes old builds: the last [`KEPT_BUILDS`] are kept, and at most [`KEPT_BYTES`].
//!
//! # What
//!
//! A line is one [`Line`], as JSON. Each wrapper appends its line in one write, so that lines do not mix. Nothing is
//! read or locked. A reader skips lines that it does not understand, such as the rest of one that was cut off on a full
//! disk.
//!
//! ```text
//! {"unit":{"unit":"app-0a1b…","dir":"debug/deps","package":"app","version":"0.1.0","name":"app","types":["bin"],
//!          "outcome":"miss","start":1763712000003,"end":1763712001336,"key":"52c1…","uses":["low-77ab…"],
//!          "before":{"key":"9f00…","changed":[{"what":"file src/main.rs","from":"18ab…","to":"77cd…"}]}}}
//! {"build":{"at":1763712000000,"directory":"/home/me/app","command":"cargo build --release"}}
//! {"started":{"unit":"app-0a1b…","name":"app","package":"app","types":["bin"],"start":1763712000005}}
//! ```
//!
//! - `unit`: a unit has ended. The last one of that name counts.
//! - `build`: written after the first record of the build. It says where and how cargo was called: only its
//!   subcommand and known flags, as other arguments may be secret.
//! - `started`: a unit was not found at once, so that it is looked up or compiled now. A hit of the local store has
//!   none, so that it writes one line.
//!
//! Times are milliseconds since 1970; durations are measured with another clock, which nobody sets. Nothing but reports
//! depends on them. Of variables, records contain the names, but no value and no digest of one.
//!
//! # What is not recorded
//!
//! What cargo finds fresh, and C compiles, which are part of the run of their build script. Runs of build scripts are
//! recorded with the local store. Units that the wrapper passes on without parsing them are not recorded either, such
//! as probes of build scripts.

mod before;
mod change;
mod read;
mod record;
mod recorder;
mod seeding;

pub(super) use self::before::{BeforeUnit, before_of_run, is_test};
pub(super) use self::change::changes;
pub use self::change::{Change, Kind, Part};
pub(super) use self::read::last_record;
pub use self::read::{Build, RecordedBuilds, builds};
pub use self::record::{Before, BuildStart, Details, Line, Outcome, Started, UnitRecord};
pub(super) use self::recorder::{Recorder, Subject};
pub use self::seeding::Seeding;

/// The number of builds whose records are kept.
pub const KEPT_BUILDS: usize = 20;
/// The maximum size of all records in bytes. The last build is kept whatever its size.
pub const KEPT_BYTES: u64 = 8 << 20;

/// The directory of the records, in the wrapper's directory below the root of a build directory.
const BUILDS: &str = "builds";
/// The crate type of tests in records, which rustc compiles as programs.
pub(super) const TEST: &str = "test";
/// The extension of a file of records.
const EXTENSION: &str = ".jsonl";
