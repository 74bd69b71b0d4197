//! The sources of the crates that a unit depends on, from their dep-info.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::args::{self, Invocation};
use super::dep_info::DepInfo;
use super::macro_effects::{Dependencies, FunctionsOfCrate};
use super::package;
use super::protocol::CompileRequest;
use sccfg_util::fsio;

/// The dependencies of a compile, which are read when they are asked for.
pub(super) struct DependencySources<'r> {
    /// The directory in which the compiler runs.
    directory: &'r Path,
    /// Their libraries, by the names of the crates in the source.
    libraries: BTreeMap<String, PathBuf>,
    known: RefCell<BTreeMap<String, Option<Rc<FunctionsOfCrate>>>>,
}

impl<'r> DependencySources<'r> {
    pub(super) fn of(request: &'r CompileRequest) -> Self {
        let arguments: Vec<OsString> = request.args.iter().map(OsString::from).collect();
        let externs = match args::parse(&arguments, &request.directory) {
            Invocation::Unit(unit) => unit.externs,
            _ => Vec::new(),
        };
        let libraries = externs
            .into_iter()
            .filter_map(|(name, path)| Some((name.rsplit(':').next()?.to_owned(), path?)));
        Self {
            directory: &request.directory,
            libraries: libraries.collect(),
            known: RefCell::default(),
        }
    }

    /// The files of the crate, with its root first. `None` if its dep-info or a file is missing.
    fn sources(&self, library: &Path) -> Option<Vec<(PathBuf, String)>> {
        let name = library.file_stem()?.to_str()?;
        let name = name.strip_prefix("lib").unwrap_or(name);
        let dep_info = fsio::read_text(library.with_file_name(format!("{name}.d")))?;
        let files = DepInfo::parse(&dep_info)?.files;
        let files = files.iter().map(|file| self.directory.join(file));
        let files = files.filter(|file| package::is_rust(file));
        files
            .map(|file| Some((file.clone(), fsio::read_text(&file)?)))
            .collect()
    }
}

impl Dependencies for DependencySources<'_> {
    fn has(&self, name: &str) -> bool {
        self.libraries.contains_key(name)
    }

    fn functions_of(&self, name: &str) -> Option<Rc<FunctionsOfCrate>> {
        let library = self.libraries.get(name)?;
        let mut known = self.known.borrow_mut();
        let functions = known.entry(name.to_owned()).or_insert_with(|| {
            let sources = self.sources(library)?;
            Some(Rc::new(FunctionsOfCrate::of(&sources)))
        });
        functions.clone()
    }
}
