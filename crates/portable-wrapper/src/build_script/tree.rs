//! The files that a build script wrote to `OUT_DIR`, as the store keeps them.
//!
//! Small files are stored together in one file, the pack: a build script may write thousands. The
//! paths of this checkout are replaced by placeholders in texts. In objects and libraries they stay,
//! and [`relocate`](super::relocate) replaces them when the tree is restored elsewhere. In any other
//! file they make the tree valid only for checkouts at the same path.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use local_store::{Entry, Store};
use memchr::{memchr, memmem};
use serde::{Deserialize, Serialize};

use super::relocate::{self, Moves};
use crate::digest;
use crate::path_map::PathMap;
use sccfg_util::fsio;

/// Files of at most this many bytes are packed.
const LARGEST_PACKED: u64 = 128 << 10;
/// Larger texts with a path are not changed. In bytes.
const LONGEST_TEXT: u64 = 16 << 20;
/// A build script that writes more files is not stored.
const MAX_FILES: usize = 50_000;
/// How many threads restore files: creating a file is mostly waiting for the file system.
const THREADS: usize = 4;
/// The name of the pack in an entry.
const PACK: &str = "pack";

/// The contents of an `OUT_DIR`. All paths are relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// Parents come before their children.
    directories: Vec<String>,
    /// Symbolic links, and their targets with placeholders.
    links: Vec<(String, String)>,
    files: Vec<StoredFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredFile {
    path: String,
    /// The permission bits.
    mode: u32,
    /// In bytes, as it is stored.
    size: u64,
    place: Place,
    paths: Paths,
}

/// Where the content of a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// At this offset of the pack.
    Packed(u64),
    /// In the file of this name in the entry.
    Alone(String),
}

/// How a file contains paths of the checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Paths {
    None,
    /// As placeholders.
    Text,
    /// In sections of an object, or of the objects in an archive.
    Object,
}

/// A tree that was read, and the files to store with it.
pub(super) struct Captured {
    pub(super) tree: Tree,
    /// The name, path and digest of each.
    pub(super) files: Vec<(String, PathBuf, String)>,
    /// Whether it can be restored in a checkout with other paths. If not, it contains no
    /// placeholders.
    pub(super) is_portable: bool,
}

/// Reads the tree in `out_dir`. `work` is an empty directory for files that have to be written to
/// store it. `None` if it contains something that cannot be stored.
pub(super) fn capture(out_dir: &Path, path_map: &PathMap, work: &Path) -> Option<Captured> {
    let mut reader = Capture::new(path_map, work, path_map.is_plain());
    if let Some(captured) = reader.read(out_dir) {
        return Some(captured);
    }
    if !reader.has_fixed_path {
        return None;
    }
    fsio::remove_file(&work.join(PACK)).ok()?;
    let mut captured = Capture::new(&PathMap::default(), work, true).read(out_dir)?;
    captured.is_portable = false;
    Some(captured)
}

struct Capture<'a> {
    path_map: &'a PathMap,
    work: &'a Path,
    /// Whether there is a path that cannot be replaced.
    has_fixed_path: bool,
    is_plain: bool,
    tree: Tree,
    alone: Vec<(String, PathBuf, String)>,
}

impl<'a> Capture<'a> {
    fn new(path_map: &'a PathMap, work: &'a Path, is_plain: bool) -> Self {
        Self {
            path_map,
            work,
            has_fixed_path: !is_plain,
            is_plain,
            tree: Tree::default(),
            alone: Vec::new(),
        }
    }

    fn read(&mut self, out_dir: &Path) -> Option<Captured> {
        if !self.is_plain {
            return None;
        }
        let mut pack = Pack::create(&self.work.join(PACK)).ok()?;
        let mut walk = WalkBuilder::new(out_dir);
        walk.standard_filters(false).sort_by_file_name(Ord::cmp);
        for entry in walk.build() {
            let entry = entry.ok()?;
            if entry.depth() == 0 {
                continue;
            }
            let path = entry.path();
            let name = path.strip_prefix(out_dir).ok()?.to_str()?.to_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.tree.directories.push(name);
            } else if kind.is_symlink() {
                let target = self.link_target(path)?;
                self.tree.links.push((name, target));
            } else if kind.is_file() {
                let file = self.file(path, name, &mut pack)?;
                self.tree.files.push(file);
                if self.tree.files.len() > MAX_FILES {
                    return None;
                }
            } else {
                return None;
            }
        }
        let mut files = std::mem::take(&mut self.alone);
        if pack.size > 0 {
            let digest = pack.hasher.finalize().to_hex().to_string();
            files.push((PACK.to_owned(), self.work.join(PACK), digest));
        }
        Some(Captured {
            tree: std::mem::take(&mut self.tree),
            files,
            is_portable: true,
        })
    }

    /// The target of a link with placeholders; `None` if it depends on what is not stored: an
    /// absolute path to another directory of this checkout may be that of a file that is not there
    /// in another one.
    fn link_target(&mut self, link: &Path) -> Option<String> {
        let target = fsio::read_link(link)?.into_os_string().into_string().ok()?;
        let stored = self.path_map.to_placeholders_str(&target);
        if self.path_map.to_real_str(&stored) != target {
            self.has_fixed_path = true;
            return None;
        }
        Some(stored)
    }

    fn file(&mut self, path: &Path, name: String, pack: &mut Pack) -> Option<StoredFile> {
        let metadata = path.metadata().ok()?;
        let mode = metadata.permissions().mode() & 0o777;
        let mut file = StoredFile {
            path: name,
            mode,
            size: metadata.len(),
            place: Place::Packed(0),
            paths: Paths::None,
        };
        let found = if metadata.len() <= LARGEST_PACKED {
            let bytes = fsio::read_artifact(path)?;
            let found = Found::in_bytes(&bytes, self.path_map);
            file.paths = self.paths(&found, &bytes, metadata.len())?;
            let bytes = match file.paths {
                Paths::Text => self.text(&bytes)?,
                Paths::None | Paths::Object => bytes,
            };
            file.size = bytes.len() as u64;
            file.place = Place::Packed(pack.add(&bytes).ok()?);
            return Some(file);
        } else {
            Found::in_file(path, self.path_map)?
        };
        let mut start = [0; 64];
        let length = fsio::open(path).ok()?.read(&mut start).ok()?;
        file.paths = self.paths(&found, &start[..length], metadata.len())?;
        let stored_name = self.alone.len().to_string();
        let stored = if file.paths == Paths::Text {
            let bytes = self.text(&fsio::read_artifact(path)?)?;
            file.size = bytes.len() as u64;
            let copy = self.work.join(&stored_name);
            fsio::write_output(&copy, &bytes).ok()?;
            copy
        } else {
            path.to_owned()
        };
        let digest = digest::of_file(&stored)?;
        self.alone.push((stored_name.clone(), stored, digest));
        file.place = Place::Alone(stored_name);
        Some(file)
    }

    /// How a file contains paths. `start` is its beginning. `None` if one of them cannot be replaced.
    fn paths(&mut self, found: &Found, start: &[u8], size: u64) -> Option<Paths> {
        if is_packed_data(start) && !self.path_map.is_empty() {
            // It may contain a path that is not found.
            self.has_fixed_path = true;
            return None;
        }
        if !found.has_path {
            return Some(Paths::None);
        }
        if !found.is_binary && size <= LONGEST_TEXT {
            return Some(Paths::Text);
        }
        if relocate::is_object(start) {
            return Some(Paths::Object);
        }
        self.has_fixed_path = true;
        None
    }

    fn text(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let stored = self.path_map.to_placeholders(bytes);
        let comes_back =
            !self.path_map.has_placeholder(bytes) && self.path_map.to_real_paths(&stored) == bytes;
        self.has_fixed_path |= !comes_back;
        comes_back.then_some(stored)
    }
}

/// Whether a file that begins like this is compressed, or is bitcode, whose texts are packed.
fn is_packed_data(start: &[u8]) -> bool {
    const MAGIC: [&[u8]; 8] = [
        b"\x1f\x8b",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"PK\x03\x04",
        b"BZh",
        b"\x04\x22\x4d\x18",
        b"BC\xc0\xde",
        b"\xde\xc0\x17\x0b",
    ];
    MAGIC.iter().any(|magic| start.starts_with(magic))
}

/// What a file contains.
#[derive(Debug, Default)]
struct Found {
    has_path: bool,
    is_binary: bool,
}

impl Found {
    fn in_bytes(bytes: &[u8], path_map: &PathMap) -> Self {
        Self {
            has_path: path_map
                .directories()
                .any(|(_, directory)| memmem::find(bytes, directory.as_bytes()).is_some()),
            is_binary: memchr(0, bytes).is_some(),
        }
    }

    /// Reads the file in parts.
    fn in_file(path: &Path, path_map: &PathMap) -> Option<Self> {
        const PART: usize = 1 << 20;
        let overlap = path_map
            .directories()
            .map(|(_, directory)| directory.len())
            .max()
            .unwrap_or(0);
        let mut file = fsio::open(path).ok()?;
        let mut buffer = vec![0; overlap + PART];
        let mut kept = 0;
        let mut found = Self::default();
        loop {
            let length = file.read(&mut buffer[kept..]).ok()?;
            if length == 0 {
                return Some(found);
            }
            let part = Self::in_bytes(&buffer[..kept + length], path_map);
            found.has_path |= part.has_path;
            found.is_binary |= part.is_binary;
            let end = kept + length;
            kept = overlap.min(end);
            buffer.copy_within(end - kept..end, 0);
        }
    }
}

/// The file in which small files are stored together.
struct Pack {
    file: File,
    size: u64,
    hasher: blake3::Hasher,
}

impl Pack {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: fsio::create_output(path, 0o666)?,
            size: 0,
            hasher: blake3::Hasher::new(),
        })
    }

    /// Returns the offset of `bytes`.
    fn add(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let at = self.size;
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(at)
    }
}

impl Tree {
    /// Writes the tree into the empty directory `out_dir`, with the paths of `path_map`. `moves` are
    /// those that change since it was stored. `Ok(false)` if a path does not fit into an object.
    pub(super) fn restore(
        &self,
        store: &Store,
        entry: &Entry,
        out_dir: &Path,
        path_map: &PathMap,
        moves: &Moves,
    ) -> io::Result<bool> {
        for directory in &self.directories {
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
            if let (Place::Alone(name), false) = (&file.place, is_moved)
                && file.paths != Paths::Text
            {
                return store.restore_copy(entry, name, &to).map(|()| true);
            }
            let created = fsio::create_output(&to, file.mode)?;
            if let (Place::Alone(name), true) = (&file.place, is_moved) {
                return relocate::copy_moved(store.open(entry, name)?, created, moves);
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
            let mut created = created;
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
        let mut fits = true;
        for result in results {
            fits &= result?;
        }
        Ok(fits)
    }
}
