//! Copies of files in `OUT_DIR` that a build script makes next to the programs of the build, which look for libraries there:
//! sdl2-sys copies `libSDL2.so` to `target/debug` and `target/debug/deps`. They belong to the result of the run. What a script does if
//! a file exists there already is not known, so copies are recorded and made only where nothing was before.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::manifest_of_run;
use crate::digest;
use crate::path_map::{PathMap, Role};
use crate::unit_manifest::UnitManifest;
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
    /// How `copy` is a copy of `original`, the final path of which is `final_path`; `None` if it is not.
    fn of(copy: &Path, original: &Path, final_path: &Path) -> Option<Self> {
        let targets = [copy, original].map(fsio::read_link);
        match targets {
            [Some(target), _] if target == final_path => Some(Self::Link),
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

/// Whether a file or link next to the programs of the profile has the name of one in `out_dir`, so that the script may have copied it.
pub(crate) fn has_namesake(out_dir: &Path, profile: &Path) -> bool {
    let originals = originals_in(out_dir);
    let names = OF_PROGRAMS
        .iter()
        .flat_map(|name| fsio::names_in(&profile.join(name)));
    !originals.is_empty()
        && names
            .into_iter()
            .any(|name| originals.contains_key(OsStr::new(&name)))
}

/// Removes the copies that the run with this `OUT_DIR` made, unless they were changed. `OUT_DIR` will be moved to `final_out_dir`.
pub(crate) fn remove_copies(out_dir: &Path, final_out_dir: &Path) {
    let manifest = manifest_of_run(out_dir).and_then(|path| UnitManifest::read(&path));
    if let Some(manifest) = manifest {
        manifest.copies.remove(out_dir, final_out_dir);
    }
}

/// Whether a relative path from the workspace to the target directory leads to the same place with both maps. A script of a published
/// package does not know the workspace.
fn is_target_at_same_place(one: &PathMap, other: &PathMap) -> bool {
    let [workspaces, targets] = [Role::Workspace, Role::Target]
        .map(|role| [one, other].map(|path_map| path_map.directory(role)));
    let below = |nth: usize| Path::new(targets[nth]?).strip_prefix(workspaces[nth]?).ok();
    workspaces == [None; 2] || below(0).is_some() && below(0) == below(1)
}

impl Copies {
    /// The copies at `paths` of files in `out_dir`, in the directory of the profile `profile`. None of them existed before the run,
    /// according to `is_new`: a script may leave an existing file as it is.
    ///
    /// # Errors
    /// The first path that is not such a copy.
    pub(super) fn find<'p>(
        paths: &[&'p Path],
        out_dir: &Path,
        profile: Option<&Path>,
        is_new: impl Fn(&Path) -> bool,
    ) -> Result<Self, &'p Path> {
        let Some(first) = paths.first() else {
            return Ok(Self::default());
        };
        let below =
            profile.and_then(|profile| out_dir.strip_prefix(profile).ok().zip(Some(profile)));
        let (below, profile) = below.ok_or(*first)?;
        let originals = originals_in(out_dir);
        let copy_at = |path: &Path| {
            let relative = path.strip_prefix(profile).ok().filter(|_| is_new(path))?;
            let mut originals = originals.get(path.file_name()?)?.iter();
            let (original, kind) = originals
                .find_map(|original| Some((original, Kind::of(path, original, original)?)))?;
            let copy = Copy {
                path: relative.to_str()?.to_owned(),
                original: original.strip_prefix(out_dir).ok()?.to_str()?.to_owned(),
                kind,
            };
            copy.is_valid().then_some(copy)
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
        let copies = self.copies.iter();
        copies.filter_map(move |copy| self.path_of(copy, out_dir))
    }

    fn path_of(&self, copy: &Copy, out_dir: &Path) -> Option<PathBuf> {
        let profile = out_dir.ancestors().nth(self.levels)?;
        Some(profile.join(&copy.path))
    }

    /// Whether a run with this `out_dir` makes them in the directory of the profile `profile`, and finds that in the same way as one
    /// with the paths of `there`. `here` are its own.
    pub(crate) fn belong_to(
        &self,
        profile: Option<&Path>,
        out_dir: &Path,
        (there, here): (&PathMap, &PathMap),
    ) -> bool {
        profile.is_some()
            && out_dir.ancestors().nth(self.levels) == profile
            && is_target_at_same_place(there, here)
    }

    /// Whether all are still what the run made, where `out_dir` is its `OUT_DIR`.
    pub(crate) fn are_whole(&self, out_dir: &Path) -> bool {
        let mut copies = self.copies.iter();
        copies.all(|copy| self.whole_path_of(copy, out_dir, out_dir).is_some())
    }

    /// The path of a copy, if it is still what the run made.
    fn whole_path_of(&self, copy: &Copy, out_dir: &Path, final_out_dir: &Path) -> Option<PathBuf> {
        let path = self.path_of(copy, out_dir)?;
        let [original, final_path] = [out_dir, final_out_dir].map(|path| path.join(&copy.original));
        let kind = Kind::of(&path, &original, &final_path);
        (kind == Some(copy.kind)).then_some(path)
    }

    /// Whether nothing is where they would be made, where `out_dir` is the `OUT_DIR`.
    pub(super) fn have_free_places(&self, out_dir: &Path) -> bool {
        self.paths(out_dir).all(|path| fsio::is_missing(&path))
    }

    /// Removes those that are still what the run made.
    fn remove(&self, out_dir: &Path, final_out_dir: &Path) {
        let copies = self.copies.iter();
        for path in copies.filter_map(|copy| self.whole_path_of(copy, out_dir, final_out_dir)) {
            let _ = fsio::remove_file(&path);
        }
    }

    /// Makes them from the files in `out_dir`. Links lead to `final_out_dir`, to which `out_dir` will be moved.
    ///
    /// # Errors
    /// If something exists in the place of one, or one cannot be made. None is left then.
    pub(crate) fn restore(&self, out_dir: &Path, final_out_dir: &Path) -> io::Result<()> {
        let mut made = Vec::new();
        let result = self.copies.iter().try_for_each(|copy| {
            let path = self.path_of(copy, out_dir).filter(|_| copy.is_valid());
            let path = path.ok_or(io::ErrorKind::InvalidData)?;
            let original = out_dir.join(&copy.original);
            // cargo creates this directory before it runs a script. Seeding delivers before that.
            fsio::create_dir_all(path.parent().ok_or(io::ErrorKind::InvalidData)?)?;
            match copy.kind {
                Kind::Link => fsio::create_link(&path, &final_out_dir.join(&copy.original)),
                Kind::Same => fsio::create_copy(&original, &path),
            }?;
            made.push(path);
            Ok(())
        });
        if result.is_err() {
            for path in made {
                let _ = fsio::remove_file(&path);
            }
        }
        result
    }
}

impl Copy {
    /// Whether it is in a directory of programs, and its original in `OUT_DIR`.
    fn is_valid(&self) -> bool {
        let path = Path::new(&self.path);
        let is_normal = |part: Component<'_>| matches!(part, Component::Normal(_));
        let directory = path.parent().filter(|_| path.file_name().is_some());
        let is_known =
            |directory: &Path| OF_PROGRAMS.iter().any(|name| directory == Path::new(name));
        directory.is_some_and(is_known)
            && !self.original.is_empty()
            && Path::new(&self.original).components().all(is_normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeding makes them in another directory, and then renames that.
    #[test]
    fn copies_are_removed_where_they_were_made() {
        let root = tempfile::tempdir().unwrap();
        let staged = root.path().join("staged/debug/build/x/out");
        let last = root.path().join("target/debug/build/x/out");
        fsio::replace_and_create_dir(&staged.join("lib.so"), b"library").unwrap();
        fsio::create_link(&staged.join("lib.so.1"), Path::new("lib.so")).unwrap();
        let copy = |path: &str, original: &str, kind| Copy {
            path: path.to_owned(),
            original: original.to_owned(),
            kind,
        };
        let copies = Copies {
            levels: 3,
            copies: vec![
                copy("lib.so", "lib.so", Kind::Same),
                copy("lib.so.1", "lib.so.1", Kind::Same),
                copy("deps/lib.so", "lib.so", Kind::Link),
            ],
        };
        let paths: Vec<PathBuf> = copies.paths(&staged).collect();
        let are_there = || {
            paths
                .iter()
                .map(|path| fsio::exists(path) || fsio::read_link(path).is_some())
                .collect::<Vec<_>>()
        };
        copies.restore(&staged, &last).unwrap();
        assert_eq!(are_there(), [true; 3]);
        assert_eq!(fsio::read_link(&paths[2]), Some(last.join("lib.so")));
        // Each is in the way of another, which does not remove it.
        copies.restore(&staged, &last).unwrap_err();
        assert_eq!(are_there(), [true; 3]);
        copies.remove(&staged, &last);
        assert_eq!(are_there(), [false; 3]);
        // A file of the user stays.
        fsio::replace(&paths[0], b"other").unwrap();
        copies.remove(&staged, &last);
        assert_eq!(are_there(), [true, false, false]);
        // The other two are not made either.
        fsio::rename(&paths[0], &paths[2]).unwrap();
        copies.restore(&staged, &last).unwrap_err();
        assert_eq!(are_there(), [false, false, true]);
    }

    #[rstest::rstest]
    #[case("lib.so", "lib/lib.so", true)]
    #[case("deps/lib.so", "lib.so", true)]
    #[case("", "lib.so", false)]
    #[case("lib.so", "", false)]
    #[case("..", "lib.so", false)]
    #[case("/lib.so", "lib.so", false)]
    #[case("build/lib.so", "lib.so", false)]
    #[case("deps/../../lib.so", "lib.so", false)]
    #[case("lib.so", "../lib.so", false)]
    #[case("lib.so", "/etc/passwd", false)]
    fn copies_are_in_directories_of_programs(
        #[case] path: &str,
        #[case] original: &str,
        #[case] is_valid: bool,
    ) {
        let copy = Copy {
            path: path.to_owned(),
            original: original.to_owned(),
            kind: Kind::Same,
        };
        assert_eq!(copy.is_valid(), is_valid);
    }
}
