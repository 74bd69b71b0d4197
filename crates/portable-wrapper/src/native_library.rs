//! Libraries, and programs, of build scripts that differ between checkouts only by the paths in them. When a run of a build script is
//! delivered, its libraries contain this checkout's paths. If they counted by content, no unit that bundles or links one could
//! be shared. So the wrapper records the digest of each library as it is stored. The key of a unit contains that digest, and
//! the compiler gets a copy of the library with placeholders, which are replaced in linked files like all others.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::build_dir::wrapper_dir;
use super::digest;
use super::path_map::{PathMap, Role, placeholder_of_native_string};
use super::protocol::CompileRequest;
use super::relocate::{self, Moves};
use sccfg_util::fsio;

/// The file name of the record of the libraries in an `OUT_DIR`.
const RECORD: &str = "libraries.json";

/// The record of the libraries in an `OUT_DIR` that contain paths of its checkout.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Libraries {
    /// The directories that the libraries may contain.
    directories: Vec<(Role, String)>,
    /// Whether the paths in them are strings whose length does not matter.
    has_plain_texts: bool,
    /// By the digest of each library: the digest of its stored form.
    stored: BTreeMap<String, String>,
}

impl Libraries {
    /// The record of these libraries: the path of each, and the digest of its stored form.
    pub(super) fn new<'a>(
        libraries: impl Iterator<Item = (PathBuf, &'a str)>,
        path_map: &PathMap,
        has_plain_texts: bool,
    ) -> Self {
        let stored = libraries
            .filter_map(|(path, stored)| Some((digest::of_file(&path)?, stored.to_owned())));
        let directories = path_map.directories();
        Self {
            stored: stored.collect(),
            directories: directories
                .map(|(role, directory)| (role, directory.to_owned()))
                .collect(),
            has_plain_texts,
        }
    }

    /// Writes the record for `out_dir`. Without a record, the libraries count by content.
    pub(super) fn write(&self, out_dir: &Path) {
        let Some(record) = record_of(out_dir) else {
            return;
        };
        if self.stored.is_empty() {
            let _ = fsio::remove_file(&record);
        } else if let Ok(text) = serde_json::to_vec(self) {
            let _ = fsio::replace_and_create_dir(&record, &text);
        }
    }

    /// Reads the record for `out_dir`.
    pub(super) fn read(out_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fsio::read_bytes(record_of(out_dir)?)?).ok()
    }

    /// An empty record for a checkout with the directories of `path_map`, and the directories to replace in the libraries.
    pub(super) fn moved_to(&self, path_map: &PathMap) -> (Self, Moves) {
        let there = |(role, directory): &(Role, String)| {
            let there = path_map.directory(*role).unwrap_or(directory);
            (*role, there.to_owned())
        };
        let copies = Self {
            directories: self.directories.iter().map(there).collect(),
            has_plain_texts: self.has_plain_texts,
            stored: BTreeMap::new(),
        };
        let pairs = self.directories.iter().zip(&copies.directories);
        let pairs = pairs.map(|((_, from), (_, to))| (from.clone(), to.clone()));
        let moves = Moves::new(pairs.collect());
        let moves = if self.has_plain_texts {
            moves.with_texts()
        } else {
            moves
        };
        (copies, moves)
    }

    /// Adds a copy of the library with the content `bytes`, if that is in `known`. `changed` is the path of the copy, if its
    /// content differs.
    pub(super) fn add_copy(&mut self, known: &Self, bytes: &[u8], changed: Option<&Path>) {
        let digest = digest::of(bytes);
        if let Some(stored) = known.stored.get(&digest)
            && let Some(digest) = changed.map_or(Some(digest), digest::of_file)
        {
            self.stored.insert(digest, stored.clone());
        }
    }

    /// The digest of the stored form of the object, library or program at `path`; `None` of another file, or if it is not known.
    pub(super) fn stored_form(&self, path: &Path) -> Option<String> {
        let mut start = [0; 64];
        let length = fsio::open(path).ok()?.read(&mut start).ok()?;
        let is_object = relocate::is_object(&start[..length]);
        let digest = is_object.then(|| digest::of_file(path)).flatten()?;
        self.stored.get(&digest).cloned()
    }

    /// The directories that the libraries may contain.
    pub(super) fn directories(&self) -> Vec<&str> {
        let directories = self.directories.iter();
        directories.map(|(_, directory)| &**directory).collect()
    }

    /// The record for the `OUT_DIR` that is or contains `directory`.
    fn around(directory: &Path) -> Option<Self> {
        let out_dirs = directory.ancestors().filter(|path| path.ends_with("out"));
        let mut records = out_dirs.filter_map(|out_dir| fsio::read_bytes(record_of(out_dir)?));
        records.find_map(|record| serde_json::from_slice(&record).ok())
    }
}

fn record_of(out_dir: &Path) -> Option<PathBuf> {
    Some(wrapper_dir(out_dir.parent()?).join(RECORD))
}

/// The records that were read, by the directories of libraries.
#[derive(Debug, Default)]
pub(super) struct Records(BTreeMap<PathBuf, Option<Libraries>>);

impl Records {
    /// The record that may have the library at `path`.
    fn of(&mut self, path: &Path) -> Option<&Libraries> {
        let directory = path.parent()?.to_owned();
        let record = self.0.entry(directory);
        let record = record.or_insert_with_key(|directory| Libraries::around(directory));
        record.as_ref()
    }
}

/// A library with a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NativeLibrary {
    pub(super) path: PathBuf,
    /// Identifies it in every checkout. It differs from the digest of any file, because without a record the compiler gets the
    /// library itself.
    pub(super) digest: String,
    /// The directories of the record.
    directories: Vec<(Role, String)>,
    has_plain_texts: bool,
}

impl NativeLibrary {
    /// The library at `path`, whose content has this digest. `None` if it is not in a record, or if the record has a directory
    /// that `path_map` does not replace.
    pub(super) fn find(
        path: &Path,
        digest: &str,
        path_map: &PathMap,
        records: &mut Records,
    ) -> Option<Self> {
        let libraries = records.of(path)?;
        let stored = libraries.stored.get(digest)?;
        let what = format!("{stored} with placeholders {}", libraries.has_plain_texts);
        let is_replaced = |(role, directory): &(Role, String)| match role {
            Role::Target => path_map.directory(*role) == Some(directory),
            // A path of registries is overwritten by one of the same length.
            Role::CargoHome => path_map.unmapped() == Some(directory),
            Role::Workspace => false,
        };
        libraries.directories.iter().all(is_replaced).then(|| Self {
            path: path.to_owned(),
            digest: digest::of(what.as_bytes()),
            directories: libraries.directories.clone(),
            has_plain_texts: libraries.has_plain_texts,
        })
    }

    /// Writes a copy with placeholders. `Ok(false)` if that is not possible.
    fn copy_with_placeholders(&self, copy: &Path) -> io::Result<bool> {
        let pairs = |in_text: Option<String>| {
            let pair = |(role, directory): &(Role, String)| {
                let placeholder = match role {
                    Role::CargoHome => directory.clone(),
                    Role::Target | Role::Workspace => {
                        in_text.as_deref().unwrap_or(role.placeholder()).to_owned()
                    }
                };
                (directory.clone(), placeholder)
            };
            self.directories.iter().map(pair).collect::<Vec<_>>()
        };
        let mut moves = Moves::new(pairs(None));
        if self.has_plain_texts {
            moves = moves.with_texts();
        }
        let moves = moves.for_linking(pairs(Some(placeholder_of_native_string())));
        let to = fsio::create_output(copy, 0o666)?;
        relocate::copy_moved(fsio::open(&self.path)?, to, &moves)
    }
}

/// Whether one of them may have a placeholder in its strings.
pub(super) fn have_texts(libraries: &[NativeLibrary]) -> bool {
    libraries.iter().any(|library| library.has_plain_texts)
}

/// Whether a library may be found in a directory of `-L`. An object is linked only by its path or whole name, so it is not
/// copied: a unit that links an object with a path of the checkout is right, but not shared.
fn is_searched(library: &Path) -> bool {
    library.extension() != Some("o".as_ref())
}

/// The arguments `args` of rustc, with an additional directory in the work directory of `request` before each one with native
/// libraries. It contains the copies with placeholders, and symbolic links to other forms of the same libraries, such as shared
/// ones, which the linker may prefer. `None` if a library cannot be copied.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn with_copies(
    args: &[OsString],
    request: &CompileRequest,
) -> io::Result<Option<Vec<OsString>>> {
    let mut directories: BTreeMap<&Path, PathBuf> = BTreeMap::new();
    for library in request
        .native_libraries
        .iter()
        .filter(|library| is_searched(&library.path))
    {
        let Some(directory) = library.path.parent() else {
            continue;
        };
        let nth = directories.len();
        let known = directories.contains_key(directory);
        let copies = directories
            .entry(directory)
            .or_insert_with(|| request.work.join("native").join(nth.to_string()));
        if !known {
            let _ = fsio::remove_dir(copies);
            fsio::create_dir_all(copies)?;
        }
        let name = library.path.file_name().ok_or(io::ErrorKind::NotFound)?;
        let copy = copies.join(name);
        let _ = fsio::remove_file(&copy);
        if !library.copy_with_placeholders(&copy)? {
            return Ok(None);
        }
    }
    for (directory, copies) in &directories {
        let copied = fsio::names_in(copies);
        let copied: BTreeSet<&str> = copied.iter().map(|name| library_name(name)).collect();
        for name in fsio::names_in(directory) {
            let link = copies.join(&name);
            if copied.contains(library_name(&name)) && !fsio::exists(&link) {
                fsio::replace_link(&link, &directory.join(&name))?;
            }
        }
    }
    let in_front = |word: &str| {
        let (kind, directory) = match word.split_once('=') {
            Some((kind, directory)) if !kind.contains('/') => (format!("{kind}="), directory),
            _ => (String::new(), word),
        };
        let copies = directories.get(&*request.directory.join(directory))?;
        Some(format!("-L{kind}{}", copies.display()))
    };
    let mut changed: Vec<OsString> = Vec::new();
    let mut is_search = false;
    for arg in args {
        let text = arg.to_str().unwrap_or_default();
        let was_search = std::mem::replace(&mut is_search, text == "-L");
        let word = match text.strip_prefix("-L") {
            _ if was_search => Some(text),
            word => word.filter(|word| !word.is_empty()),
        };
        if let Some(copies) = word.and_then(in_front) {
            // Before the flag, if that is a separate argument.
            changed.insert(changed.len() - usize::from(was_search), copies.into());
        }
        changed.push(arg.clone());
    }
    Ok(Some(changed))
}

/// The name in `-l` of a library with this file name: `z` for `libz.a` and for `libz.so.1`.
fn library_name(file: &str) -> &str {
    let name = file.strip_prefix("lib").unwrap_or(file);
    name.split_once('.').map_or(name, |(name, _)| name)
}
