//! Reading the files that a build script wrote to `OUT_DIR`.

use std::cell::LazyCell;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use memchr::memmem;

use super::super::around_target::{AroundTarget, follows_flag};
use super::ninja::is_deps_log;
use super::{PACK, Paths, Place, StoredFile, Tree};
use crate::digest;
use crate::path_map::{PathMap, Role, has_one_component};
use crate::relocate::{self, Moves};
use crate::windows::Part;
use sccfg_util::fsio;

/// The maximum size of a file in the pack, in bytes.
const LARGEST_PACKED: u64 = 128 << 10;
/// The maximum size of a text file with a path, in bytes. In a larger one, the path is not replaced.
const LONGEST_TEXT: u64 = 16 << 20;
/// The maximum number of files in a tree that is stored.
const MAX_FILES: usize = 50_000;

/// A tree, and the files to store with it.
pub(in super::super) struct Captured {
    pub(in super::super) tree: Tree,
    /// The name, path and digest of each.
    pub(in super::super) files: Vec<(String, PathBuf, String)>,
    /// Whether the tree can be restored in a checkout with other paths. If not, it contains no placeholders.
    pub(in super::super) is_portable: bool,
    /// The file or link because of which it cannot be restored there.
    pub(in super::super) fixed_file: Option<String>,
    /// Whether a text file or link contains the path of the workspace, other than in that of the target directory.
    pub(in super::super) names_workspace: bool,
}

/// `text` with placeholders for the paths of the checkout. `None` if replacing the placeholders by other paths could give a
/// wrong text.
pub(in super::super) fn with_placeholders(
    text: &[u8],
    path_map: &PathMap,
    around: &AroundTarget,
) -> Option<Vec<u8>> {
    // The directory is part of a longer path, such as `/w` in `/usr/w`. A makefile of krb5 has names of variables such as
    // `DEPTARGETS_/usr/src/krb5`.
    let is_part = |directory: &str| {
        let follows_word = |byte: u8| byte == b'_' && !has_one_component(directory.as_bytes());
        let is_name = |byte: &u8| {
            byte.is_ascii_alphanumeric() || b"_-./".contains(byte) && !follows_word(*byte)
        };
        memmem::find_iter(text, directory.as_bytes())
            .any(|at| at > 0 && is_name(&text[at - 1]) && !follows_flag(&text[..at]))
    };
    if path_map
        .directories()
        .any(|(_, directory)| is_part(directory))
        || around.is_named_in(text)
    {
        return None;
    }
    let stored = path_map.to_placeholders(text);
    let has_rest = path_map
        .directories()
        .any(|(_, directory)| memmem::find(&stored, directory.as_bytes()).is_some());
    let comes_back =
        !has_rest && !path_map.has_placeholder(text) && path_map.to_real_paths(&stored) == text;
    comes_back.then_some(stored)
}

/// Reads the tree in `out_dir`. `package` is the directory of the script's package, if it is published, so that it is the same in all
/// checkouts. If `around` is `None`, no path is replaced. `work` is an empty directory for files with replaced paths. `None` if the
/// tree contains an entry that cannot be stored.
pub(in super::super) fn capture(
    out_dir: &Path,
    package: Option<&Path>,
    path_map: &PathMap,
    around: Option<&AroundTarget>,
    work: &Path,
) -> Option<Captured> {
    if !out_dir.is_dir() {
        return None;
    }
    let mut fixed_file = None;
    if let Some(around) = around.filter(|_| path_map.is_plain()) {
        let mut reader = Capture::new(path_map, around, package, work);
        if let Some(captured) = reader.read(out_dir) {
            return Some(captured);
        }
        if !reader.has_fixed_path {
            return None;
        }
        fsio::remove_file(&work.join(PACK)).ok()?;
        fixed_file = reader.current;
    }
    let mut captured =
        Capture::new(&PathMap::default(), &AroundTarget::default(), package, work).read(out_dir)?;
    captured.is_portable = false;
    captured.fixed_file = fixed_file;
    Some(captured)
}

struct Capture<'a> {
    path_map: &'a PathMap,
    around: &'a AroundTarget,
    package: Option<&'a Path>,
    work: &'a Path,
    /// Whether there is a path that cannot be replaced.
    has_fixed_path: bool,
    names_workspace: bool,
    /// The name of the entry that is read.
    current: Option<String>,
    tree: Tree,
    alone: Vec<(String, PathBuf, String)>,
}

impl<'a> Capture<'a> {
    fn new(
        path_map: &'a PathMap,
        around: &'a AroundTarget,
        package: Option<&'a Path>,
        work: &'a Path,
    ) -> Self {
        Self {
            path_map,
            around,
            package,
            work,
            has_fixed_path: false,
            names_workspace: false,
            current: None,
            tree: Tree {
                umask: fsio::umask(),
                ..Tree::default()
            },
            alone: Vec::new(),
        }
    }

    fn read(&mut self, out_dir: &Path) -> Option<Captured> {
        let mut pack = Pack::create(&self.work.join(PACK)).ok()?;
        let mut walk = WalkBuilder::new(out_dir);
        walk.standard_filters(false).sort_by_file_name(Ord::cmp);
        for entry in walk.build() {
            let entry = entry.ok()?;
            let path = entry.path();
            if entry.depth() == 0 {
                let mode = fsio::mode_of_dir(path)?;
                if mode != fsio::mode_of_dir(path.parent()?)? {
                    self.tree.directories.push((String::new(), mode));
                }
                continue;
            }
            let name = path.strip_prefix(out_dir).ok()?.to_str()?.to_owned();
            self.current = Some(name.clone());
            if self.may_name_directory(&name) {
                self.has_fixed_path = true;
                return None;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.tree.directories.push((name, fsio::mode_of_dir(path)?));
            } else if kind.is_symlink() {
                let target = self.link_target(out_dir, path)?;
                self.tree.links.push((name, target));
            } else if kind.is_file() {
                if is_deps_log(path) {
                    continue;
                }
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
            fixed_file: None,
            names_workspace: self.names_workspace,
        })
    }

    /// Whether the name of a file may be derived from the path of a directory, as cmake does.
    fn may_name_directory(&self, name: &str) -> bool {
        let mut directories = self.path_map.directories();
        directories.any(|(role, directory)| {
            role != Role::CargoHome
                && !directory.is_empty()
                && name.contains(&directory[1..].replace('/', "_"))
                || name.contains(directory)
        }) || self.around.may_name(name)
    }

    /// The target of the symbolic link `link` in the tree at `root`, with placeholders.
    fn link_target(&mut self, root: &Path, link: &Path) -> Option<String> {
        let target = fsio::read_link(link)?.into_os_string().into_string().ok()?;
        let leaves = Path::new(&target).is_relative() && {
            let depth = link.parent()?.strip_prefix(root).ok()?.components().count();
            let up = Path::new(&target)
                .components()
                .filter(|part| matches!(part, Component::ParentDir));
            up.count() > depth
        };
        let stored = with_placeholders(target.as_bytes(), self.path_map, self.around);
        let stored = stored.and_then(|stored| String::from_utf8(stored).ok());
        self.names_workspace |= stored
            .as_ref()
            .is_some_and(|stored| names_workspace(stored.as_bytes()));
        let is_empty = self.path_map.is_empty();
        self.has_fixed_path |= leaves && !is_empty || stored.is_none();
        stored.filter(|_| !leaves || is_empty)
    }

    fn file(&mut self, path: &Path, name: String, pack: &mut Pack) -> Option<StoredFile> {
        let metadata = path.metadata().ok()?;
        let mode = metadata.permissions().mode() & 0o7777;
        // A file with several names would change with a write to another one. Files with setuid, setgid or sticky bits are not
        // stored.
        if metadata.nlink() > 1 || mode & !0o777 != 0 {
            return None;
        }
        let mut file = StoredFile {
            path: name,
            mode,
            size: metadata.len(),
            place: Place::Packed(0),
            paths: Paths::None,
            object: None,
        };
        let found = if metadata.len() <= LARGEST_PACKED {
            let bytes = fsio::read_artifact(path)?;
            let found = Found::in_bytes(&bytes, self.path_map, self.around);
            file.paths = self.paths(path, &found, &bytes, metadata.len())?;
            self.check_object(&bytes, file.paths, || Some(io::Cursor::new(&*bytes)))?;
            let bytes = match file.paths {
                Paths::Text => self.text(&bytes)?,
                Paths::None | Paths::Object => bytes,
            };
            file.size = bytes.len() as u64;
            file.object = (file.paths == Paths::Object).then(|| digest::of(&bytes));
            file.place = Place::Packed(pack.add(&bytes).ok()?);
            return Some(file);
        } else {
            Found::in_file(path, self.path_map, self.around)?
        };
        let mut start = [0; 64];
        let length = fsio::open(path).ok()?.read(&mut start).ok()?;
        file.paths = self.paths(path, &found, &start[..length], metadata.len())?;
        self.check_object(&start[..length], file.paths, || fsio::open(path).ok())?;
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
        file.object = (file.paths == Paths::Object).then(|| digest.clone());
        self.alone.push((stored_name.clone(), stored, digest));
        file.place = Place::Alone(stored_name);
        Some(file)
    }

    /// How the file at `path`, which begins with `start`, contains paths. `None` if a path cannot be replaced.
    fn paths(&mut self, path: &Path, found: &Found, start: &[u8], size: u64) -> Option<Paths> {
        // Compressed data may contain a path that a search does not find.
        let may_hide_paths = is_packed_data(start) && !self.path_map.is_empty();
        if found.names_around || may_hide_paths && !self.is_copy(path) {
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

    /// Whether the file at `path` is a copy of one of the published package.
    fn is_copy(&self, path: &Path) -> bool {
        let (Some(package), Ok(metadata)) = (self.package, path.metadata()) else {
            return false;
        };
        let is_other = |entry: &DirEntry| {
            let other = entry.metadata().ok();
            other.is_some_and(|other| {
                other.is_file()
                    && other.len() == metadata.len()
                    && (other.dev(), other.ino()) != (metadata.dev(), metadata.ino())
            })
        };
        let mut walk = WalkBuilder::new(package);
        let all = walk.standard_filters(false).build().flatten();
        let mut originals =
            all.filter(|entry| Some(entry.file_name()) == path.file_name() && is_other(entry));
        let digest = LazyCell::new(|| digest::of_file(path));
        originals.any(|entry| digest.is_some() && digest::of_file(entry.path()) == *digest)
    }

    /// Checks that all paths in an object, archive, program or library that begins with `start` are found, and that those that
    /// were found can be replaced. `None` if not.
    fn check_object<R: io::Read + io::Seek>(
        &mut self,
        start: &[u8],
        paths: Paths,
        open: impl Fn() -> Option<R>,
    ) -> Option<()> {
        let directories: Vec<&str> = self.path_map.directories().map(|(_, name)| name).collect();
        if directories.is_empty() || !relocate::is_object(start) {
            return Some(());
        }
        // A linked file without a path may come from elsewhere, and be large.
        if paths == Paths::None && !relocate::is_compiled(start) {
            let is_fit = !relocate::compresses_debug_information(open()?).ok()?;
            self.has_fixed_path |= !is_fit;
            return is_fit.then_some(());
        }
        let other = |(role, directory): (Role, &str)| {
            let there = match role {
                Role::CargoHome => directory.to_owned(),
                Role::Target | Role::Workspace => format!("{directory}/elsewhere"),
            };
            (directory.to_owned(), there)
        };
        let moves = Moves::new(self.path_map.directories().map(other).collect());
        let is_fit =
            relocate::is_searchable(open()?, &directories) && relocate::is_movable(open()?, &moves);
        self.has_fixed_path |= !is_fit;
        is_fit.then_some(())
    }

    fn text(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_text = std::str::from_utf8(bytes).is_ok();
        let stored = is_text.then(|| with_placeholders(bytes, self.path_map, self.around));
        let stored = stored.flatten();
        self.has_fixed_path |= stored.is_none();
        self.names_workspace |= stored.as_deref().is_some_and(names_workspace);
        stored
    }
}

/// Whether a text with placeholders contains that of the workspace.
pub(crate) fn names_workspace(text: &[u8]) -> bool {
    memmem::find(text, Role::Workspace.placeholder().as_bytes()).is_some()
}

/// Whether a file that begins with `start` is compressed, or is bitcode, whose strings are packed.
fn is_packed_data(start: &[u8]) -> bool {
    const MAGIC: [&[u8]; 15] = [
        b"\x1f\x8b",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"PK\x03\x04",
        b"BZh",
        b"\x04\x22\x4d\x18",
        b"BC\xc0\xde",
        b"\xde\xc0\x17\x0b",
        b"\x78\x01",
        b"\x78\x9c",
        b"\x78\xda",
        b"7z\xbc\xaf",
        b"\x89PNG",
        b"!<thin>",
        b"\xfd2zst",
    ];
    MAGIC.iter().any(|magic| start.starts_with(magic))
}

/// The paths in a file.
#[derive(Debug, Default)]
struct Found {
    has_path: bool,
    /// Whether it contains the path of an ancestor of the target directory.
    names_around: bool,
    is_binary: bool,
}

impl Found {
    fn in_bytes(bytes: &[u8], path_map: &PathMap, around: &AroundTarget) -> Self {
        Self::in_part(bytes, 0..bytes.len(), path_map, around)
    }

    /// `new` is the range of `bytes` in which the path of an ancestor of the target directory may begin.
    fn in_part(bytes: &[u8], new: Range<usize>, path_map: &PathMap, around: &AroundTarget) -> Self {
        Self {
            has_path: path_map
                .directories()
                .any(|(_, directory)| memmem::find(bytes, directory.as_bytes()).is_some()),
            names_around: around.begins_in(bytes, &new),
            is_binary: is_binary(bytes),
        }
    }

    fn in_file(path: &Path, path_map: &PathMap, around: &AroundTarget) -> Option<Self> {
        let lengths = path_map.directories().map(|(_, directory)| directory.len());
        let margin = lengths.max().unwrap_or(0).max(around.margin());
        let file = fsio::open(path).ok()?;
        let mut found = Self::default();
        let visited = Part::whole(&file).ok()?.visit(margin, |window| {
            let part = Self::in_part(window.bytes, window.new, path_map, around);
            found.has_path |= part.has_path;
            found.names_around |= part.names_around;
            found.is_binary |= part.is_binary;
            Ok(ControlFlow::<()>::Continue(()))
        });
        visited.ok()?;
        Some(found)
    }
}

/// Whether `bytes` have control characters that are not in text, but in lengths and other numbers, such as NUL bytes. The awk
/// programs in `config.status` of autoconf separate fields by one in quotes.
fn is_binary(bytes: &[u8]) -> bool {
    const BELL: u8 = 7;
    let is_in_quotes = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        [before, bytes.get(at + 1)] == [Some(&b'"'); 2]
    };
    let is_of_text = |at: usize, byte: u8| {
        !byte.is_ascii_control()
            || b"\t\n\r\x0c\x1b".contains(&byte)
            || byte == BELL && is_in_quotes(at)
    };
    let mut all = bytes.iter().enumerate();
    !all.all(|(at, byte)| is_of_text(at, *byte))
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

#[cfg(test)]
mod tests;
