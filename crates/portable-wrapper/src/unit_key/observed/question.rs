//! What a macro was observed to ask about a file or directory, and the answers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::{self, Key};
use crate::macro_effects::AmbientInputs;
use crate::observation::Uses;
use crate::path_map::PathMap;
use sccfg_util::fsio;

/// A question about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Question {
    /// Its content.
    Read,
    /// Whether it exists, and its kind.
    Found,
    /// Its canonical path.
    Resolved,
    /// Its mode, owner, links and blocks.
    Metadata,
    /// When it was written and created, and if it is a link, also when that was.
    Times,
    /// Whether a file of the same name is in an ancestor of its directory.
    Above,
}

impl Question {
    const ALL: [(Self, &str); 6] = [
        (Self::Above, "above "),
        (Self::Metadata, "metadata "),
        (Self::Times, "times "),
        (Self::Read, "read "),
        (Self::Found, "found "),
        (Self::Resolved, "resolved "),
    ];

    /// The label of the key part for the file `path`.
    pub(crate) fn part(self, path: &str) -> String {
        let prefix = Self::ALL.iter().find(|(question, _)| *question == self);
        format!("{}{path}", prefix.map_or("", |(_, prefix)| prefix))
    }

    /// The question and the path in the label of a key part, if it is one of these.
    pub(crate) fn of_part(what: &str) -> Option<(Self, &str)> {
        let mut all = Self::ALL.iter();
        all.find_map(|(question, prefix)| Some((*question, what.strip_prefix(prefix)?)))
    }

    /// The files that it is about, if it is asked about the file at `path`.
    pub(crate) fn files(self, path: &Path) -> Vec<PathBuf> {
        if self != Self::Above {
            return vec![path.to_owned()];
        }
        let name = path.file_name().unwrap_or_default();
        let directories = path.ancestors().skip(2);
        directories.map(|directory| directory.join(name)).collect()
    }

    /// The answer for the file at `path`.
    pub(crate) fn answer(self, path: &Path, path_map: &PathMap) -> String {
        let hidden = |path: &Path| path_map.to_placeholders_path(path);
        if self == Self::Resolved {
            let resolved = path.canonicalize().ok();
            return resolved.map_or_else(|| "absent".to_owned(), |path| hidden(&path));
        }
        if self == Self::Above {
            let mut files = self.files(path).into_iter();
            let nearest = files.find(|file| file.symlink_metadata().is_ok());
            return nearest.map_or_else(|| "absent".to_owned(), |path| hidden(&path));
        }
        if self == Self::Metadata {
            return fsio::inode_text(path).unwrap_or_else(|| "absent".to_owned());
        }
        if self == Self::Times {
            return fsio::times_text(path).unwrap_or_else(|| "absent".to_owned());
        }
        let link = fsio::read_link(path);
        let link = link.map_or_else(String::new, |target| {
            format!(" link to {}", hidden(&target))
        });
        let Ok(metadata) = path.metadata() else {
            return format!("absent{link}");
        };
        if metadata.is_file() {
            let digest = digest::of_source(path, path_map).unwrap_or_default();
            let mode = if fsio::is_executable(path) {
                " executable"
            } else {
                ""
            };
            format!("{digest}{mode}{link}")
        } else if !metadata.is_dir() {
            let kind = path.canonicalize().ok().and_then(fsio::file_kind);
            format!("other {}{link}", kind.unwrap_or_default())
        } else if self == Self::Read {
            let mut names = Key::default();
            for entry in fsio::entries(path).unwrap_or_default() {
                let kind = match entry.kind {
                    fsio::EntryKind::Directory => "/".to_owned(),
                    fsio::EntryKind::File(_) => String::new(),
                    fsio::EntryKind::Other => {
                        fsio::file_kind(&entry.path).unwrap_or_default().to_string()
                    }
                };
                let name = entry.path.file_name().unwrap_or_default();
                names.add(kind, name.as_encoded_bytes());
            }
            format!("directory {}{link}", names.finish())
        } else {
            format!("directory{link}")
        }
    }
}

/// The questions about a file with these uses, by a macro with these inputs.
pub(crate) fn questions(uses: Uses, inputs: &AmbientInputs) -> impl Iterator<Item = Question> {
    let content = if uses.is_read {
        Question::Read
    } else {
        Question::Found
    };
    let path = uses.is_resolved.then_some(Question::Resolved);
    let metadata = inputs.asks_for_metadata.then_some(Question::Metadata);
    let times = inputs.reads_file_times().then_some(Question::Times);
    [Some(content), path, metadata, times].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_depends_on_the_question() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let answer = |question: Question, path: &Path| question.answer(path, &PathMap::default());
        assert_eq!(answer(Question::Found, &path("a")), "absent");
        fsio::replace(&path("a"), b"one").unwrap();
        let one = answer(Question::Read, &path("a"));
        fsio::replace(&path("a"), b"two").unwrap();
        assert_ne!(answer(Question::Read, &path("a")), one);
        // Only the answer to a read of a directory has its names.
        let all =
            [Question::Read, Question::Found].map(|question| answer(question, directory.path()));
        fsio::create_dir_all(&path("b")).unwrap();
        assert_ne!(answer(Question::Read, directory.path()), all[0]);
        assert_eq!(answer(Question::Found, directory.path()), all[1]);
        fsio::replace_link(&path("c"), &path("a")).unwrap();
        let real = path("a").canonicalize().unwrap();
        assert_eq!(
            answer(Question::Resolved, &path("c")),
            real.to_str().unwrap()
        );
    }

    #[test]
    fn parts_of_keys_name_questions() {
        let part = Question::Found.part("a b");
        assert_eq!(part, "found a b");
        assert_eq!(Question::of_part(&part), Some((Question::Found, "a b")));
        assert_eq!(Question::of_part("file a"), None);
    }

    #[test]
    fn a_file_above_is_in_any_ancestor_of_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let asked = directory.path().join("a/b/name");
        fsio::create_dir_all(asked.parent().unwrap()).unwrap();
        let answer = || Question::Above.answer(&asked, &PathMap::default());
        fsio::replace(&asked, b"").unwrap();
        assert_eq!(answer(), "absent");
        let above = directory.path().join("name");
        fsio::replace(&above, b"").unwrap();
        assert_eq!(answer(), above.to_str().unwrap());
    }
}
