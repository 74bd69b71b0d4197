//! Libraries of Rust whose code has the names of generated source files. They are delivered with this checkout's names, because
//! cargo and rustdoc may link them without the wrapper. For a link whose result is shared, the compiler gets copies with
//! placeholders, as they are stored.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::binary::placeholder_sites;
use super::build_dir::wrapper_dir;
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
    /// Makes the copies for a link with the arguments `args`, in the work directory of `request`.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(super) fn make(args: &[OsString], request: &CompileRequest) -> io::Result<Self> {
        let mut copies = Self::default();
        let texts = args.iter().filter_map(|arg| arg.to_str());
        for directory in texts.filter_map(searched) {
            let directory = request.directory.join(directory);
            let nth = copies.0.len().to_string();
            let to = request.work.join("located").join(nth);
            if !copies.0.contains_key(&directory) && copy_all(&directory, &to)? {
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

/// Writes copies of the libraries in `directory` with names of source files to the directory `to`, and links to all other
/// files. Returns false, and creates nothing, if there are none.
fn copy_all(directory: &Path, to: &Path) -> io::Result<bool> {
    let mut copied = Vec::new();
    // Of an earlier compile in the same work directory.
    let _ = fsio::remove_dir(to);
    for mark in fsio::names_in(&wrapper_dir(directory)) {
        let Some(stem) = mark.strip_suffix(MARK).and_then(|it| it.strip_suffix('.')) else {
            continue;
        };
        let name = format!("lib{stem}.rlib");
        if copy(&directory.join(&name), to)?.is_some() {
            copied.push(name);
        }
    }
    if copied.is_empty() {
        return Ok(false);
    }
    for name in fsio::names_in(directory) {
        if is_library(&name) && !copied.contains(&name) {
            fsio::create_link(&to.join(&name), &directory.join(&name))?;
        }
    }
    Ok(true)
}

/// Whether rustc may load a file with this name.
fn is_library(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    name.starts_with("lib") && matches!(extension, Some("rlib" | "rmeta" | "so"))
}

/// Copies `library` to the directory `to`, with placeholders. `None` if it has none, or is not as it was delivered.
fn copy(library: &Path, to: &Path) -> io::Result<Option<()>> {
    let name = library.file_name().and_then(OsStr::to_str);
    let Some((manifest, _)) = UnitManifest::for_output(library) else {
        return Ok(None);
    };
    let Some((name, sites)) = name.and_then(|name| Some((name, manifest.sites_in(name)?))) else {
        return Ok(None);
    };
    fsio::create_dir_all(to)?;
    let copy = to.join(name);
    share::copy(library, &copy)?;
    placeholder_sites::rewrite(&copy, sites, &manifest.path_map, &PathMap::default())?;
    Ok(Some(()))
}
