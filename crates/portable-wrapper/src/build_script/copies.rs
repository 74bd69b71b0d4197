//! Copies of files in `OUT_DIR` that a build script makes next to the programs of the build, which look for libraries there:
//! sdl2-sys copies `libSDL2.so` to `target/debug` and `target/debug/deps`. They belong to the result of the run.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use crate::digest;
use sccfg_util::fsio;

/// The directories of programs, relative to that of the profile.
const OF_PROGRAMS: [&str; 3] = ["", "deps", "examples"];

/// The copies that a run made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copies {
    /// The number of directories from `OUT_DIR` up to that of the profile.
    levels: usize,
    copies: Vec<Copy>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Copy {
    /// Relative to the directory of the profile.
    path: String,
    /// The file or link in `OUT_DIR`, relative to that.
    original: String,
    kind: Kind,
}

#[derive(Debug, Clone, std::marker::Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// A file with the content and mode of the original, or a link with the same target in its own directory.
    Same,
    /// A link to the absolute path of the original.
    Link,
}

impl Kind {
    /// How `copy` is a copy of `original`; `None` if it is not.
    fn of(copy: &Path, original: &Path) -> Option<Self> {
        let targets = [copy, original].map(fsio::read_link);
        match targets {
            [Some(target), _] if target == original => Some(Self::Link),
            [Some(target), Some(other)] => {
                let mut parts = target.components();
                let is_beside = matches!(
                    (parts.next(), parts.next()),
                    (Some(Component::Normal(_)), None)
                );
                (is_beside && target == other).then_some(Self::Same)
            }
            [None, None] => is_same_file(copy, original).then_some(Self::Same),
            _ => None,
        }
    }
}

/// Whether these are regular files with the same content and mode.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let (Ok(metadata), Ok(of_other)) = (one.symlink_metadata(), other.symlink_metadata()) else {
        return false;
    };
    let is_same_inode = (metadata.dev(), metadata.ino()) == (of_other.dev(), of_other.ino());
    metadata.is_file()
        && of_other.is_file()
        && metadata.len() == of_other.len()
        && metadata.mode() == of_other.mode()
        && (is_same_inode
            || digest::of_file(one).is_some_and(|digest| digest::of_file(other) == Some(digest)))
}

/// The files and links in `out_dir`, by name.
fn originals_in(out_dir: &Path) -> HashMap<OsString, Vec<PathBuf>> {
    let mut originals: HashMap<_, Vec<_>> = HashMap::new();
    let walk = WalkBuilder::new(out_dir).standard_filters(false).build();
    for entry in walk.flatten() {
        if entry.file_type().is_some_and(|kind| !kind.is_dir()) {
            let of_name = originals.entry(entry.file_name().to_owned()).or_default();
            of_name.push(entry.into_path());
        }
    }
    originals
}

impl Copies {
    /// The copies at `paths` of files in `out_dir`, in the directory of the profile `profile`.
    ///
    /// # Errors
    /// The first path that is not such a copy.
    pub(super) fn find<'p>(
        paths: &[&'p Path],
        out_dir: &Path,
        profile: Option<&Path>,
    ) -> Result<Self, &'p Path> {
        let Some(first) = paths.first() else {
            return Ok(Self::default());
        };
        let below =
            profile.and_then(|profile| out_dir.strip_prefix(profile).ok().zip(Some(profile)));
        let (below, profile) = below.ok_or(*first)?;
        let originals = originals_in(out_dir);
        let copy_at = |path: &Path| {
            let relative = path.strip_prefix(profile).ok()?;
            let directory = relative.parent()?;
            if !OF_PROGRAMS.iter().any(|name| directory == Path::new(name)) {
                return None;
            }
            let mut originals = originals.get(path.file_name()?)?.iter();
            let (original, kind) =
                originals.find_map(|original| Some((original, Kind::of(path, original)?)))?;
            Some(Copy {
                path: relative.to_str()?.to_owned(),
                original: original.strip_prefix(out_dir).ok()?.to_str()?.to_owned(),
                kind,
            })
        };
        let copies = paths.iter().map(|path| copy_at(path).ok_or(*path));
        Ok(Self {
            levels: below.iter().count(),
            copies: copies.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// The path of each, where `out_dir` is the `OUT_DIR`.
    pub(super) fn paths(&self, out_dir: &Path) -> impl Iterator<Item = PathBuf> {
        let profile = self.profile(out_dir).map(Path::to_owned);
        let copies = self.copies.iter();
        copies.filter_map(move |copy| Some(profile.as_ref()?.join(&copy.path)))
    }

    fn profile<'p>(&self, out_dir: &'p Path) -> Option<&'p Path> {
        out_dir.ancestors().nth(self.levels)
    }

    /// Whether this is the directory of the profile in which a run with this `out_dir` makes them.
    pub(super) fn belong_to(&self, profile: &Path, out_dir: &Path) -> bool {
        self.profile(out_dir) == Some(profile)
    }

    /// Whether all are still what the run made, where `out_dir` is its `OUT_DIR`.
    pub(crate) fn are_whole(&self, out_dir: &Path) -> bool {
        self.copies.iter().all(|copy| {
            let profile = self.profile(out_dir);
            let kind = profile.and_then(|profile| {
                Kind::of(&profile.join(&copy.path), &out_dir.join(&copy.original))
            });
            kind == Some(copy.kind)
        })
    }

    /// Makes them from the files in `out_dir`. Links lead to `final_out_dir`, to which `out_dir` will be moved.
    pub(crate) fn restore(&self, out_dir: &Path, final_out_dir: &Path) -> io::Result<()> {
        for copy in &self.copies {
            let profile = self.profile(out_dir).ok_or(io::ErrorKind::NotFound)?;
            let to = profile.join(&copy.path);
            let original = out_dir.join(&copy.original);
            match copy.kind {
                Kind::Link => fsio::replace_link(&to, &final_out_dir.join(&copy.original))?,
                Kind::Same if fsio::exists(&original) => fsio::copy(&original, &to)?,
                Kind::Same => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        Ok(())
    }
}
