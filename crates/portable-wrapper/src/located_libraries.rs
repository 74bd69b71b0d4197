//! Libraries of Rust whose code has the names of generated source files, or the values of variables with paths. They are delivered with this checkout's names, because
//! cargo and rustdoc may link them without the wrapper. For a link whose result is shared, the compiler gets copies with
//! placeholders, as they are stored. The copies are next to the manifests of the libraries, for all links of the build.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::binary::placeholder_sites;
use super::build_dir::{copies_dir, wrapper_dir};
use super::digest::FileStamp;
use super::path_map::{PathMap, escaped, replace_all};
use super::protocol::CompileRequest;
use super::unit_manifest::UnitManifest;
use sccfg_util::fsio::{self, share};

/// The extension of an empty file next to the manifest of such a library.
pub(super) const MARK: &str = "located";

/// The directories in which rustc looks for libraries, and those that replace them because they have copies.
#[derive(Debug, Default)]
pub(super) struct Copies(BTreeMap<PathBuf, PathBuf>);

impl Copies {
    /// Makes the copies for a link with the arguments `args`, unless an earlier link has made them.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(super) fn make(args: &[OsString], request: &CompileRequest) -> io::Result<Self> {
        let mut copies = Self::default();
        let texts = args.iter().filter_map(|arg| arg.to_str());
        for directory in texts.filter_map(searched) {
            let directory = request.directory.join(directory);
            if !copies.0.contains_key(&directory) && copy_all(&directory, &request.work)? {
                let to = copies_dir(&directory);
                copies.0.insert(directory, to);
            }
        }
        Ok(copies)
    }

    /// `args` with the copies.
    pub(super) fn in_args(&self, args: Vec<OsString>, request: &CompileRequest) -> Vec<OsString> {
        let replaced = |arg: OsString| self.in_arg(arg.to_str()?, request);
        let args = args.into_iter();
        args.map(|arg| replaced(arg.clone()).unwrap_or(arg))
            .collect()
    }

    /// `arg` with the copies; `None` if it names none.
    fn in_arg(&self, arg: &str, request: &CompileRequest) -> Option<OsString> {
        if let Some(directory) = searched(arg) {
            let to = self.0.get(&request.directory.join(directory))?;
            let before = arg.strip_suffix(directory)?;
            return Some(format!("{before}{}", to.to_str()?).into());
        }
        // The path of an extern crate.
        let (before, path) = arg.rsplit_once('=')?;
        let path = request.directory.join(path);
        let to = self.0.get(path.parent()?)?.join(path.file_name()?);
        let is_copy = fsio::exists(&to) && fsio::read_link(&to).is_none();
        is_copy.then(|| Some(format!("{before}={}", to.to_str()?).into()))?
    }

    /// `text`, which a compiler wrote, with the libraries in place of the copies.
    pub(super) fn undone(&self, mut text: Vec<u8>) -> Vec<u8> {
        for (directory, copies) in &self.0 {
            let (from, to) = (copies.to_string_lossy(), directory.to_string_lossy());
            text = replace_all(&text, escaped(&from).as_bytes(), escaped(&to).as_bytes());
            text = replace_all(&text, from.as_bytes(), to.as_bytes());
        }
        text
    }
}

/// The directory that an argument tells rustc to search for dependencies.
fn searched(arg: &str) -> Option<&str> {
    let arg = arg.strip_prefix("-L").unwrap_or(arg);
    arg.strip_prefix("dependency=")
}

/// Makes copies of the libraries in `directory` with names of source files or values of variables, and links to all other files, as far as there are none.
/// Returns false if no library has any. `work` is a work directory on the same file system.
fn copy_all(directory: &Path, work: &Path) -> io::Result<bool> {
    let mut has_copies = false;
    for mark in fsio::names_in(&wrapper_dir(directory)) {
        let stem = mark.strip_suffix(MARK);
        if let Some(stem) = stem.and_then(|stem| stem.strip_suffix('.')) {
            has_copies |= LocatedLibrary::named(stem, directory).copy(work)?;
        }
    }
    if !has_copies {
        return Ok(false);
    }
    let to = copies_dir(directory);
    let there: HashSet<String> = fsio::names_in(&to).into_iter().collect();
    for name in fsio::names_in(directory) {
        if is_library(&name) && !there.contains(&name) {
            match fsio::create_link(&to.join(&name), &target_of_link(&name)) {
                // By another link at the same time.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => created?,
            }
        }
    }
    Ok(true)
}

/// The target of the link to the library `name` in the directory with copies. It is relative, because the build directory may be
/// copied.
fn target_of_link(name: &str) -> PathBuf {
    Path::new("../..").join(name)
}

/// Whether rustc may load a file with this name.
fn is_library(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    name.starts_with("lib") && matches!(extension, Some("rlib" | "rmeta" | "so"))
}

/// A library that may have names of source files, or values of variables.
struct LocatedLibrary {
    name: String,
    path: PathBuf,
    copy: PathBuf,
}

/// The stamps of a library and of its copy.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamps {
    library: FileStamp,
    copy: FileStamp,
}

impl LocatedLibrary {
    /// The library in `directory` with this stem.
    fn named(stem: &str, directory: &Path) -> Self {
        let name = format!("lib{stem}.rlib");
        Self {
            path: directory.join(&name),
            copy: copies_dir(directory).join(&name),
            name,
        }
    }

    /// Makes the copy with placeholders, unless there is one of the library as it is now. Returns false if the library has no
    /// placeholders, or is not as it was delivered. `work` is a work directory.
    fn copy(&self, work: &Path) -> io::Result<bool> {
        let record = self.copy.with_extension("json");
        let stamps = || {
            Some(Stamps {
                library: FileStamp::of(&self.path)?,
                copy: FileStamp::of(&self.copy)?,
            })
        };
        let saved = fsio::read_bytes(&record).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if saved.is_some() && saved == stamps() {
            return Ok(true);
        }
        let manifest = UnitManifest::for_output(&self.path).map(|(manifest, _)| manifest);
        let known = manifest.as_ref();
        let known = known.and_then(|manifest| Some((manifest, manifest.sites_in(&self.name)?)));
        let Some((manifest, sites)) = known else {
            if fsio::exists(&self.copy) {
                fsio::replace_link(&self.copy, &target_of_link(&self.name))?;
            }
            return Ok(false);
        };
        let before = FileStamp::of(&self.path);
        let made = work.join(&self.name);
        share::copy(&self.path, &made)?;
        placeholder_sites::rewrite(&made, sites, &manifest.path_map, &PathMap::default())?;
        fsio::create_dir_all(self.copy.parent().unwrap_or(work))?;
        fsio::rename(&made, &self.copy)?;
        if let Some(stamps) = stamps().filter(|stamps| Some(&stamps.library) == before.as_ref()) {
            let _ = serde_json::to_vec(&stamps).map(|bytes| fsio::replace(&record, &bytes));
        }
        Ok(true)
    }
}
