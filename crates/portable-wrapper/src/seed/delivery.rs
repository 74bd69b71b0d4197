//! Writes the files of a unit for this checkout.
//!
//! | file | how |
//! | --- | --- |
//! | libraries and metadata of packages that never change | hard link: rustc writes another file and renames it (`ArArchiveBuilder::build`, `encode_and_write_metadata`), cargo removes it or leaves it alone, and it has no name outside of `deps` that people know |
//! | libraries of all packages with the names of generated source files in their code | copied, with this checkout's paths |
//! | those of other packages, which cargo links to the profile's directory | clone or copy |
//! | build scripts of packages that never change | hard link, if no path is in them: behind a launcher, they have names that only sccfg knows |
//! | macros of packages that never change | the same on Linux, where linkers replace a library (`bfd_open_file` of binutils, `FileOutputBuffer` of LLVM, mold from 1.3 on) |
//! | other programs, dynamic libraries, macros | copied, with this checkout's paths |
//! | dep-info, messages, manifests | text with this checkout's paths |
//! | files in `OUT_DIR` | clone or copy; text with this checkout's paths |
//!
//! cargo compares the mtimes of outputs with those of dependencies, and the mtimes of fingerprints with those of sources. Files
//! of packages that never change keep their mtimes. All others get one mtime, which is not older than the compared sources, so
//! that cargo detects any later change of them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::super::binary::{self, is_linked, placeholder_sites};
use super::super::build_dir::wrapper_dir;
use super::super::debug_info;
use super::super::digest::FileStamp;
use super::super::native_library::Libraries;
use super::super::native_strings;
use super::super::path_map::PathMap;
use super::super::relocate::{self, Moves};
use super::super::unit_manifest::{MANIFEST_EXTENSION, UnitManifest, is_final_link};
use super::units::{CargoUnit, Kind, Run};
use super::{Checkout, Why, cargo_dep_info, moved};
use crate::build_script::{self, launcher};
use sccfg_util::fsio;
use sccfg_util::fsio::share::{self, Original};

/// Whether linkers replace an existing output by a new file. That of macOS overwrites it in place.
const REPLACES_OUTPUT: bool = cfg!(target_os = "linux");
/// The size above which an unchanged file is cloned, in bytes, so that it shares blocks with the original if the file system
/// supports that.
const MOST_REWRITTEN: usize = 64 << 10;

/// The target of the delivery.
pub(super) struct Delivery<'a> {
    pub(super) from: &'a Checkout,
    pub(super) to: &'a Checkout,
    /// The directory that becomes this checkout's build directory.
    pub(super) staging: &'a Path,
    /// The directories of the two checkouts, for files without a manifest.
    pub(super) from_map: PathMap,
    pub(super) to_map: PathMap,
    /// The time for files of packages that may change.
    pub(super) moment: SystemTime,
}

impl Delivery<'_> {
    /// Delivers a unit. `is_published` says whether its package never changes.
    pub(super) fn unit(&self, unit: &CargoUnit, is_published: bool) -> Result<(), Why> {
        match &unit.kind {
            Kind::Compile {
                out_dir,
                stem,
                manifest,
            } => self.compile(out_dir, stem, manifest, is_published)?,
            Kind::Run(run) => self.run(run, is_published)?,
        }
        self.fingerprint(unit, is_published)
    }

    /// Delivers a compile to `out_dir`.
    fn compile(
        &self,
        out_dir: &Path,
        stem: &str,
        manifest: &UnitManifest,
        is_published: bool,
    ) -> Result<(), Why> {
        let (from, to) = (self.from.build.join(out_dir), self.staging.join(out_dir));
        let from_map = &manifest.path_map;
        let to_map = &moved(from_map, self.from, self.to)?;
        // Most units share the directory, in which other threads create files.
        if !wrapper_dir(&to).is_dir() {
            fsio::create_dir_all(&wrapper_dir(&to))?;
        }
        for (name, digest, stamp) in &manifest.outputs {
            let [from, to] = [&from, &to].map(|out_dir| debug_info::path_in(out_dir, name));
            let metadata = from.metadata().map_err(|_| "an output is missing")?;
            let time = self.time(metadata.modified()?, is_published);
            if is_linked(name) {
                let program = launcher::program_behind(&from);
                let program = program.as_ref().unwrap_or(&from);
                let has_launcher = *program != from;
                if has_launcher && !manifest.is_of_build_script() {
                    return Err(
                        "a launcher is in the place of a program that is no build script".into(),
                    );
                }
                let sites = manifest.sites_in(name);
                let is_whole = match sites {
                    Some(_) => is_unchanged(program, stamp) || manifest.is_content(name, program),
                    None => binary::copy_delivered(program, &to, digest, from_map, to_map)?,
                };
                if !is_whole {
                    return Err("a program was changed or replaced after the build".into());
                }
                let may_link = is_published
                    && (has_launcher || REPLACES_OUTPUT && manifest.is_macro())
                    && is_final_link(name, from_map, sites);
                let is_same_file = may_link && share::link(program, &to).is_ok();
                if is_same_file && has_launcher {
                    share::make_read_only(&to)?;
                } else if let Some(sites) = sites.filter(|_| !is_same_file) {
                    share::copy(program, &to)?;
                    placeholder_sites::rewrite(&to, sites, from_map, to_map)?;
                }
                if has_launcher {
                    launcher::copy(&from, &to)?;
                }
                if has_launcher || !is_same_file {
                    share::set_modified(&to, time)?;
                }
                continue;
            }
            if manifest.has_texts && has_extension(name, "rlib") {
                if !native_strings::copy_library(&from, &to, digest, from_map, to_map)? {
                    return Err("a library was changed or replaced after the build".into());
                }
                share::set_modified(&to, time)?;
                continue;
            }
            if !FileStamp::from(&metadata).is_same_file(stamp) && !manifest.is_content(name, &from)
            {
                return Err("an output was changed or replaced after the build".into());
            }
            if let Some(sites) = manifest.sites_in(name) {
                share::copy(&from, &to)?;
                placeholder_sites::rewrite(&to, sites, from_map, to_map)?;
                share::set_modified(&to, time)?;
                continue;
            }
            if is_published && share::link(&from, &to).is_ok() {
                // rustc refuses to replace read-only metadata, but cargo removes a library before rustc writes it.
                if has_extension(name, "rlib") && metadata.permissions().mode() & 0o222 != 0 {
                    share::make_read_only(&to)?;
                }
            } else {
                share::copy(&from, &to)?;
                share::set_modified(&to, time)?;
            }
        }
        if let Some(archive) = &manifest.debug_info_archive {
            debug_info::unpack(&to, archive, to_map)?;
        }
        let dep_info = format!("{stem}.d");
        let original = Original::read(&from.join(&dep_info))?;
        self.text(&original, &to.join(&dep_info), is_published, |text| {
            to_map.to_real_dep_info(&from_map.to_placeholders_dep_info(text))
        })?;
        let manifest = manifest.moved_to(&to, to_map);
        Ok(manifest.create(&wrapper_dir(&to).join(format!("{stem}{MANIFEST_EXTENSION}")))?)
    }

    /// Delivers the run of a build script.
    fn run(&self, run: &Run, is_published: bool) -> Result<(), Why> {
        self.tree(&run.out_dir, is_published)?;
        let (from, to) = (
            self.from.build.join(&run.directory),
            self.staging.join(&run.directory),
        );
        fsio::create_dir_all(&to)?;
        for name in fsio::names_in(&from) {
            let (from, to) = (from.join(&name), to.join(&name));
            if from.is_file() {
                self.any(&read(&from)?, &from, &to, is_published)?;
            }
        }
        let [from, staged, final_path] =
            [&self.from.build, self.staging, &self.to.build].map(|root| root.join(&run.out_dir));
        let manifest =
            build_script::manifest_of_run(&from).and_then(|path| UnitManifest::read(&path));
        if let Some(manifest) = manifest {
            // First, because the manifest says that this run made them.
            manifest.copies.restore(&staged, &final_path)?;
            self.manifest_of_run(&manifest, &staged);
        }
        Ok(())
    }

    /// Delivers the manifest of a run with the `OUT_DIR` `to`, with which another worktree can be seeded from this one.
    fn manifest_of_run(&self, manifest: &UnitManifest, to: &Path) -> Option<()> {
        let path_map = moved(&manifest.path_map, self.from, self.to).ok()?;
        let manifest = manifest.moved_to(to, &path_map);
        manifest.write(&build_script::manifest_of_run(to)?);
        Some(())
    }

    /// Delivers the files of a fingerprint, the hash last: without the hash, cargo considers the unit incomplete.
    fn fingerprint(&self, unit: &CargoUnit, is_published: bool) -> Result<(), Why> {
        let to = self.staging.join(&unit.fingerprint);
        fsio::create_dir_all(&to)?;
        let is_hash = |name: &String| *name == unit.name;
        let others = unit.records.iter().filter(|(name, _)| !is_hash(name));
        let hash = unit.records.iter().filter(|(name, _)| is_hash(name));
        for (name, record) in others.chain(hash) {
            let to = to.join(name);
            if name.starts_with("output-") {
                self.text(record, &to, is_published, |text| {
                    self.to_map
                        .to_real_output(&self.from_map.to_placeholders_output(text))
                })?;
                continue;
            }
            let mut bytes = Cow::Borrowed(&*record.bytes);
            if name.starts_with("dep-") {
                let change = |path: &[u8]| {
                    self.to_map
                        .to_real_paths(&self.from_map.to_placeholders(path))
                };
                let moved = cargo_dep_info::with_paths(&bytes, change);
                bytes = moved
                    .ok_or("the format of cargo's dep-info is not known")?
                    .into();
            }
            // The paths of this checkout may contain those of the other one.
            let others = self.to_map.to_placeholders(&bytes);
            if self.from_map.find_in(&others).is_some() {
                return Err("cargo's fingerprint contains the path of the other checkout".into());
            }
            record.create_copy(&to, &bytes, self.time(record.modified, is_published))?;
        }
        Ok(())
    }

    /// Delivers the directory `below` with the files of a build script.
    fn tree(&self, below: &Path, is_published: bool) -> Result<(), Why> {
        let root = self.from.build.join(below);
        let libraries = Libraries::read(&root);
        let mut copies = libraries.as_ref().map(|known| known.moved_to(&self.to_map));
        let mut directories = Vec::new();
        let walk = WalkBuilder::new(&root).standard_filters(false).build();
        for entry in walk {
            let entry = entry.map_err(|_| "a file of its build script cannot be read")?;
            let from = entry.path();
            let relative = from
                .strip_prefix(&self.from.build)
                .map_err(io::Error::other)?;
            let to = self.staging.join(relative);
            let kind = entry
                .file_type()
                .ok_or("a file of its build script cannot be read")?;
            if kind.is_dir() {
                fsio::create_dir_all(&to)?;
                let mode = fsio::mode_of_dir(from)
                    .ok_or("the permissions of a directory of its build script cannot be copied")?;
                let time = self.time(from.metadata()?.modified()?, is_published);
                directories.push((to, mode, time));
            } else if kind.is_symlink() {
                let target = fsio::read_link(from).ok_or("a link cannot be read")?;
                let leads_out = target.is_absolute()
                    || target
                        .components()
                        .any(|part| part == std::path::Component::ParentDir);
                if leads_out {
                    return Err(
                        "its build script created a symbolic link that is absolute or contains `..`"
                            .into(),
                    );
                }
                fsio::replace_link(&to, &target)?;
            } else if kind.is_file() {
                if build_script::is_deps_log(from) {
                    continue;
                }
                if from.metadata()?.nlink() > 1 {
                    return Err("its build script created a file with several hard links".into());
                }
                let original = read(from)?;
                match (&libraries, &mut copies) {
                    (Some(known), Some((copies, moves)))
                        if relocate::is_object(&original.bytes)
                            && self.from_map.find_in(&original.bytes).is_some() =>
                    {
                        copy_object(from, &to, known, moves)?;
                        share::set_modified(&to, self.time(original.modified, is_published))?;
                        copies.add_copy(known, &original.bytes, Some(&to));
                    }
                    (Some(known), Some((copies, _))) if relocate::is_object(&original.bytes) => {
                        self.unchanged(&original, from, &to, is_published)?;
                        copies.add_copy(known, &original.bytes, None);
                    }
                    _ => self.any(&original, from, &to, is_published)?,
                }
            } else {
                return Err("its build script created something that is not a file, a directory or a symbolic link".into());
            }
        }
        if let Some((copies, _)) = copies {
            copies.write(&self.staging.join(below));
        }
        // Parents last, because one may be read-only.
        for (directory, mode, time) in directories.iter().rev() {
            fsio::set_mode_of_dir(directory, *mode)?;
            share::set_modified(directory, *time)?;
        }
        Ok(())
    }

    /// Delivers a file of unknown format. In text, the other checkout's paths are replaced. A binary file with such a path is
    /// refused, because it may contain the length of the path.
    fn any(
        &self,
        original: &Original,
        from: &Path,
        to: &Path,
        is_published: bool,
    ) -> Result<(), Why> {
        let bytes = &original.bytes;
        if self.from_map.find_in(bytes).is_none() {
            Ok(self.unchanged(original, from, to, is_published)?)
        } else if std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0) {
            self.text(original, to, is_published, |text| {
                self.to_map
                    .to_real_paths(&self.from_map.to_placeholders(text))
            })
        } else {
            Err("a binary file of its build script contains the path of the other checkout".into())
        }
    }

    /// Delivers a file as it is.
    fn unchanged(
        &self,
        original: &Original,
        from: &Path,
        to: &Path,
        is_published: bool,
    ) -> io::Result<()> {
        let time = self.time(original.modified, is_published);
        if original.bytes.len() <= MOST_REWRITTEN {
            return original.create_copy(to, &original.bytes, time);
        }
        share::copy(from, to)?;
        share::set_modified(to, time)
    }

    fn text(
        &self,
        original: &Original,
        to: &Path,
        is_published: bool,
        change: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<(), Why> {
        let text = self.move_text(&original.bytes, change)?;
        let time = self.time(original.modified, is_published);
        Ok(original.create_copy(to, &text, time)?)
    }

    /// `text` after `change`, which replaces the other checkout's paths. Fails if a path remains.
    fn move_text(&self, text: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Result<Vec<u8>, Why> {
        let changed = change(text);
        // The paths of this checkout may contain those of the other one.
        let others = self.to_map.to_placeholders(&changed);
        if self.from_map.find_in(&others).is_some() {
            return Err("a text file contains the path of the other checkout in a form that cannot be replaced".into());
        }
        Ok(changed)
    }

    /// The mtime of the copy of a file with the mtime `original`.
    fn time(&self, original: SystemTime, is_published: bool) -> SystemTime {
        if is_published { original } else { self.moment }
    }
}

/// Whether the file at `path` has the stamp that it had when it was delivered, apart from the ctime, which changes with links
/// and modes.
fn is_unchanged(path: &Path, stamp: &FileStamp) -> bool {
    FileStamp::of(path).is_some_and(|now| now.is_same_file(stamp))
}

pub(super) fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension() == Some(OsStr::new(extension))
}

/// Reads a file of a build script.
fn read(file: &Path) -> Result<Original, Why> {
    let original = Original::read(file);
    Ok(original.map_err(|_| "a file of its build script cannot be read")?)
}

/// Copies an object or archive of a run that the store delivered there.
fn copy_object(from: &Path, to: &Path, known: &Libraries, moves: &Moves) -> Result<(), Why> {
    let mode = from.metadata()?.permissions().mode() & 0o777;
    if !relocate::is_searchable(fsio::open(from)?, &known.directories())
        || !relocate::copy_moved(fsio::open(from)?, fsio::create_output(to, mode)?, moves)?
    {
        return Err("an object contains a path that cannot be replaced".into());
    }
    Ok(())
}
