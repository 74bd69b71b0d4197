//! The files that were read for a key besides the sources, and whether they have changed since. The compile reads them later.
//! If one of them is written in between, it is not known which content the output was compiled from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::digest::FileStamp;
use super::path_map::PathMap;
use super::unit_key::observed::Question;
use sccfg_util::fsio::Exchanged;

/// The maximum difference between the clocks of the file system and of this process.
const CLOCKS: Duration = Duration::from_secs(5);
/// The maximum lag of file times on a local file system, which have the granularity of a tick. Used where a larger value would
/// make too many files count as new.
const TICK: Duration = Duration::from_millis(100);

/// The files that were read for a key; see the [module](self).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadFiles {
    /// When the first file was read.
    since: Option<SystemTime>,
    files: BTreeMap<PathBuf, Option<FileStamp>>,
    /// Whether the sources have been listed.
    is_listed: bool,
    /// The files that were read after the sources had been listed.
    late: Vec<PathBuf>,
    /// The sources that were read only after they had been listed.
    late_sources: Vec<PathBuf>,
    /// The observed questions of macros about files and directories, and the answers.
    answers: Vec<(Question, PathBuf, String)>,
}

impl ReadFiles {
    /// The files of a key whose computation begins now.
    pub(super) fn from_now() -> Self {
        Self {
            since: Some(SystemTime::now()),
            ..Self::default()
        }
    }

    /// Adds the file at `path`, which is read next.
    pub(super) fn add(&mut self, path: &Path) {
        self.files.insert(path.to_owned(), FileStamp::of(path));
        if self.is_listed {
            self.late.push(path.to_owned());
        }
    }

    /// Marks that the compiler has listed the sources.
    pub(super) fn mark_listed(&mut self) {
        self.is_listed = true;
    }

    /// Adds the source at `path`, which is read only after the compiler has listed it.
    pub(super) fn add_late_source(&mut self, path: PathBuf) {
        self.late_sources.push(path);
    }

    /// Adds an observed question of a macro about the file or directory at `path`, and the answer.
    pub(super) fn add_answer(&mut self, question: Question, path: PathBuf, answer: &str) {
        self.answers.push((question, path, answer.to_owned()));
    }

    /// Whether none of the files has changed since it was read.
    pub(super) fn are_unchanged(&self, path_map: &PathMap) -> bool {
        let since = self.since.unwrap_or(SystemTime::UNIX_EPOCH + CLOCKS) - CLOCKS;
        let exchanged = Exchanged::since(since);
        let is_recent = |path: &Path| {
            let stamp = FileStamp::of(path);
            stamp.is_none_or(|stamp| stamp.changed_since(since)) || exchanged.is_on_the_way_to(path)
        };
        let mut files = self.files.iter();
        files.all(|(path, stamp)| FileStamp::of(path) == *stamp)
            && self.answers.iter().all(|(question, path, answer)| {
                !is_recent(path) || question.answer(path, path_map) == *answer
            })
    }

    /// Whether the files that were read after the sources had been listed have not changed since `moment`, and no directory or
    /// link in their paths has been replaced since then.
    pub(super) fn were_there_at(&self, moment: SystemTime) -> bool {
        let answers = self.answers.iter().map(|(_, path, _)| path);
        is_unchanged_since(moment - TICK, self.late.iter().chain(answers))
            && is_unchanged_since(moment - CLOCKS, self.late_sources.iter())
    }
}

/// Whether none of the files has changed since `moment`, and no directory or link in their paths has been replaced since then.
fn is_unchanged_since<'a>(
    moment: SystemTime,
    mut paths: impl Iterator<Item = &'a PathBuf>,
) -> bool {
    let exchanged = Exchanged::since(moment);
    paths.all(|path| {
        // For a missing file, the ctime of its nearest existing ancestor bounds when it was removed.
        let mut stamps = path.ancestors().filter_map(FileStamp::of);
        stamps
            .next()
            .is_some_and(|stamp| !stamp.changed_since(moment))
            && !exchanged.is_on_the_way_to(path)
    })
}
