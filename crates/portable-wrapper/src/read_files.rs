//! The files that were read for a key besides the sources, and whether they were changed since.
//!
//! A compile reads them later. If one of them was written meanwhile, it is not known which content its output is of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::digest::FileStamp;
use super::path_map::PathMap;
use super::unit_key::observed::Question;
use sccfg_util::fsio::Exchanged;

/// How far the clocks of the file system and of this process may be apart.
const CLOCKS: Duration = Duration::from_secs(5);
/// The same where it matters that no more files count as new than have to, on this machine: file systems take the time
/// of the last tick.
const TICK: Duration = Duration::from_millis(100);

/// See the [module](self).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadFiles {
    /// When the first one was read.
    since: Option<SystemTime>,
    files: BTreeMap<PathBuf, Option<FileStamp>>,
    /// Whether the sources have been listed.
    is_listed: bool,
    /// The files that were read after that.
    late: Vec<PathBuf>,
    /// What macros were seen to ask of files and directories, and the answers.
    answers: Vec<(Question, PathBuf, String)>,
}

impl ReadFiles {
    /// Of a key that is begun now.
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

    /// The compiler has listed the sources.
    pub(super) fn mark_listed(&mut self) {
        self.is_listed = true;
    }

    /// Adds what a macro was seen to ask of the file or directory at `path`.
    pub(super) fn add_answer(&mut self, question: Question, path: PathBuf, answer: &str) {
        self.answers.push((question, path, answer.to_owned()));
    }

    /// Whether none of them was changed since.
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

    /// Whether those that were read after the sources had been listed are at least as old as `moment`, and nothing above them has
    /// been exchanged since then.
    pub(super) fn were_there_at(&self, moment: SystemTime) -> bool {
        let moment = moment - TICK;
        let exchanged = Exchanged::since(moment);
        let answers = self.answers.iter().map(|(_, path, _)| path);
        let mut late = self.late.iter().chain(answers);
        late.all(|path| {
            // For a missing file, the ctime of its nearest existing ancestor bounds when it was removed.
            let mut stamps = path.ancestors().filter_map(FileStamp::of);
            stamps
                .next()
                .is_some_and(|stamp| !stamp.changed_since(moment))
                && !exchanged.is_on_the_way_to(path)
        })
    }
}
