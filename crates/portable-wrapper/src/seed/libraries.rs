//! Native libraries in the output directories of build scripts, including runs that were taken earlier from other checkouts.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::super::native_library::{NativeLibrary, Records};
use super::super::path_map::PathMap;
use super::super::unit_key::linking::is_library;
use super::earlier::Earlier;
use super::units::Run;
use super::{Checkout, moved};

/// Native libraries in the output directories of build scripts.
pub(super) struct BuildScriptLibraries<'a> {
    /// By file name, with their checkouts.
    by_name: RefCell<BTreeMap<String, Vec<(PathBuf, &'a Checkout)>>>,
    /// The runs that were taken earlier. They are added when a library is first searched for.
    earlier: &'a Earlier<'a>,
    has_earlier: OnceCell<()>,
    /// The records of libraries that differ only by paths.
    records: RefCell<Records>,
}

impl<'a> BuildScriptLibraries<'a> {
    pub(super) fn new(earlier: &'a Earlier<'a>) -> Self {
        Self {
            by_name: RefCell::default(),
            earlier,
            has_earlier: OnceCell::new(),
            records: RefCell::default(),
        }
    }

    /// Adds the libraries of a run that was taken from `checkout`.
    pub(super) fn add(&self, checkout: &'a Checkout, run: &Run) {
        let walk = WalkBuilder::new(checkout.build.join(&run.out_dir))
            .standard_filters(false)
            .build();
        for entry in walk.flatten() {
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                self.add_file(entry.into_path(), checkout);
            }
        }
    }

    fn add_file(&self, path: PathBuf, checkout: &'a Checkout) {
        let name = path.file_name().and_then(OsStr::to_str).map(str::to_owned);
        if let Some(name) = name.filter(|name| is_library(name)) {
            self.by_name
                .borrow_mut()
                .entry(name)
                .or_default()
                .push((path, checkout));
        }
    }

    /// Whether there is a library with the file name `name` and the digest `wanted`. `path_map` is that of a unit of `from`,
    /// and `digest_of` returns the digests of files.
    pub(super) fn has(
        &self,
        name: &str,
        wanted: &str,
        (path_map, from): (&PathMap, &Checkout),
        digest_of: impl Fn(&Path) -> Option<String>,
    ) -> bool {
        self.has_earlier.get_or_init(|| {
            for (checkout, run) in self.earlier.runs() {
                self.add(checkout, run);
            }
        });
        let by_name = self.by_name.borrow();
        let mut made = by_name.get(name).into_iter().flatten();
        made.any(|(path, checkout)| {
            let Some(digest) = digest_of(path) else {
                return false;
            };
            let Ok(path_map) = moved(path_map, from, checkout) else {
                return false;
            };
            let mut records = self.records.borrow_mut();
            let library = NativeLibrary::find(path, &digest, &path_map, &mut records);
            library.map_or(digest, |library| library.digest) == wanted
        })
    }
}
