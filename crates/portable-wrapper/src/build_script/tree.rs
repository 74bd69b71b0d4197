//! The files that a build script wrote to `OUT_DIR`, as they are stored. Small files are stored together in one file, the pack:
//! a build script may write thousands. In text files, the paths of this checkout are replaced by placeholders. In objects and
//! libraries they stay, and [`relocate`](crate::relocate) replaces them when the tree is restored in another checkout. With a
//! path in any other file, the tree is valid only for checkouts at the same path.

mod capture;
mod ninja;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use local_store::{Entry, Store};
use serde::{Deserialize, Serialize};

use crate::path_map::{PathMap, is_below_placeholder};
use crate::relocate::{self, Moves};

pub(crate) use capture::names_workspace;
pub(super) use capture::{capture, with_placeholders};
pub(crate) use ninja::is_deps_log;
use sccfg_util::fsio;

/// The number of threads that restore files: creating a file mostly waits for the file system.
const THREADS: usize = 4;
/// The permission bits for reading and writing of all but the owner.
const ALL_BUT_OWNER: u32 = 0o066;
/// The name of the pack in an entry.
const PACK: &str = "pack";

/// The contents of an `OUT_DIR`. All paths are relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// With their permission bits. Parents come before their children. The `OUT_DIR` itself, without a name, is one of them if
    /// the script has changed its mode.
    directories: Vec<(String, u32)>,
    /// Symbolic links, and their targets with placeholders.
    links: Vec<(String, String)>,
    files: Vec<StoredFile>,
    /// The umask of the run.
    umask: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredFile {
    path: String,
    /// The permission bits.
    mode: u32,
    /// The size of the stored content in bytes.
    size: u64,
    place: Place,
    paths: Paths,
    /// The digest of the stored content, if it is an object or library with paths.
    object: Option<String>,
}

/// Where the content of a file is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// At this offset of the pack.
    Packed(u64),
    /// In the file of this name in the entry.
    Alone(String),
}

/// How the stored content of a file contains paths of the checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Paths {
    None,
    /// As placeholders, in a text file.
    Text,
    /// As the paths of the run, in sections of an object or of the objects in an archive.
    Object,
}

impl Tree {
    /// Whether a file has placeholders, or an object has paths of the checkout.
    pub(super) fn has_paths(&self) -> bool {
        let mut files = self.files.iter();
        let mut links = self.links.iter();
        files.any(|file| file.paths != Paths::None)
            || links.any(|(_, target)| is_below_placeholder(Path::new(target)))
    }

    /// The libraries, programs, and objects beside static libraries, that have paths of the checkout, and the digests of their
    /// stored contents.
    pub(super) fn libraries(&self) -> impl Iterator<Item = (&str, &str)> {
        let parent = |file: &'_ StoredFile| Path::new(&file.path).parent().map(Path::to_owned);
        let has_extension = |file: &StoredFile, extension: &str| {
            Path::new(&file.path).extension() == Some(extension.as_ref())
        };
        let archives = self.files.iter().filter(|file| has_extension(file, "a"));
        let directories: BTreeSet<_> = archives.map(parent).collect();
        let is_recorded = move |file: &&StoredFile| {
            directories.contains(&parent(file)) || !has_extension(file, "o")
        };
        let recorded = self.files.iter().filter(is_recorded);
        recorded.filter_map(|file| Some((&*file.path, file.object.as_deref()?)))
    }

    /// Whether it is known which modes a run with this `umask` would give. Where the umask of the stored run leaves others nothing, a
    /// script may have made a file for this user alone by itself.
    pub(super) fn knows_modes_for(&self, umask: u32) -> bool {
        self.umask == umask || self.umask & ALL_BUT_OWNER != ALL_BUT_OWNER
    }

    /// `mode` as a run with this `umask` would have given it, if that of the stored run gave all of `asked` that its umask allows.
    fn mode_for(&self, umask: u32, mode: u32, asked: u32) -> u32 {
        if mode == asked & !self.umask {
            asked & !umask
        } else {
            mode
        }
    }

    /// Writes the tree into the empty directory `out_dir`, with the paths of `path_map`. `moves` are the paths that differ from
    /// those of the stored run. `Ok(false)` if a path in an object cannot be replaced.
    pub(super) fn restore(
        &self,
        store: &Store,
        entry: &Entry,
        out_dir: &Path,
        path_map: &PathMap,
        moves: &Moves,
    ) -> io::Result<bool> {
        let umask = fsio::umask();
        for (directory, _) in &self.directories {
            fsio::create_dir_all(&out_dir.join(directory))?;
        }
        let has_pack = self
            .files
            .iter()
            .any(|file| matches!(file.place, Place::Packed(_)) && file.size > 0);
        let pack = has_pack.then(|| store.open(entry, PACK)).transpose()?;
        let restore = |file: &StoredFile| -> io::Result<bool> {
            let to = out_dir.join(&file.path);
            let is_moved = file.paths == Paths::Object && !moves.is_empty();
            let mode = self.mode_for(umask, file.mode, 0o666);
            let mut created = fsio::create_output(&to, mode | 0o200)?;
            created.set_permissions(Permissions::from_mode(mode))?;
            if let Place::Alone(name) = &file.place
                && file.paths != Paths::Text
            {
                let mut stored = store.open(entry, name)?;
                if is_moved {
                    return relocate::copy_moved(stored, created, moves);
                }
                return io::copy(&mut stored, &mut created).map(|_| true);
            }
            let mut bytes = match (&file.place, &pack) {
                (Place::Packed(at), Some(pack)) => {
                    let length = usize::try_from(file.size).map_err(io::Error::other)?;
                    let mut bytes = vec![0; length];
                    pack.read_exact_at(&mut bytes, *at)?;
                    bytes
                }
                (Place::Packed(_), None) => Vec::new(),
                (Place::Alone(name), _) => {
                    let mut bytes = Vec::new();
                    store.open(entry, name)?.read_to_end(&mut bytes)?;
                    bytes
                }
            };
            if file.paths == Paths::Text {
                bytes = path_map.to_real_paths(&bytes);
            }
            if is_moved {
                return relocate::copy_moved(io::Cursor::new(bytes), created, moves);
            }
            created.write_all(&bytes)?;
            Ok(true)
        };
        let part = self.files.len().div_ceil(THREADS).max(16);
        let results: Vec<io::Result<bool>> = std::thread::scope(|scope| {
            let restore = &restore;
            let threads: Vec<_> = self
                .files
                .chunks(part)
                .map(|files| {
                    scope.spawn(move || {
                        for file in files {
                            if !restore(file)? {
                                return Ok(false);
                            }
                        }
                        Ok(true)
                    })
                })
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, io::Result<bool>>| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a thread ended early")))
            };
            threads.into_iter().map(join).collect()
        });
        for (link, target) in &self.links {
            let target = path_map.to_real_str(target);
            fsio::replace_link(&out_dir.join(link), Path::new(&target))?;
        }
        // The parents last: one may be read-only.
        for (directory, mode) in self.directories.iter().rev() {
            let mode = self.mode_for(umask, *mode, 0o777);
            fsio::set_mode_of_dir(&out_dir.join(directory), mode)?;
        }
        let mut fits = true;
        for result in results {
            fits &= result?;
        }
        Ok(fits)
    }
}
