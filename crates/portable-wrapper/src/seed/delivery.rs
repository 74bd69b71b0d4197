//! Writing the files of a unit for this checkout.
//!
//! | file | how |
//! | --- | --- |
//! | libraries and metadata of packages that never change | hard link: rustc writes another file and renames it (`ArArchiveBuilder::build`, `encode_and_write_metadata`), cargo removes it or leaves it alone, and it has no name outside of `deps` that people know |
//! | those of other packages, which cargo links to the profile's directory | clone or copy |
//! | build scripts of packages that never change | hard link, if no path is in them: behind a launcher, they have names that only sccfg knows |
//! | other programs, dynamic libraries, macros | copied, with this checkout's paths |
//! | dep-info, messages, manifests | text with this checkout's paths |
//! | files in `OUT_DIR` | clone or copy; text with this checkout's paths |
//!
//! cargo compares the times of outputs with those of dependencies, and the times of records with those of sources.
//! Files of packages that never change keep their times. All others get one moment, before which the sources that
//! were compared had been written, so that cargo sees any later change of them.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::super::binary::{self, is_linked, places};
use super::super::build_dir::wrapper_dir;
use super::super::digest::FileStamp;
use super::super::native_library::Libraries;
use super::super::native_text;
use super::super::path_map::{PathMap, Role};
use super::super::relocate::{self, Moves};
use super::super::unit_manifest::{MANIFEST_EXTENSION, UnitManifest};
use super::checks::modified;
use super::units::{CargoUnit, Run};
use super::{Why, cargo_dep_info};
use crate::build_script::{self, launcher};
use sccfg_util::fsio::{self, share};

/// Where units are delivered.
pub(super) struct Delivery<'a> {
    /// The build directory of the other checkout.
    pub(super) from: &'a Path,
    /// The directory that becomes this checkout's build directory.
    pub(super) staging: &'a Path,
    /// The directories of the two checkouts, for files of which no manifest tells.
    pub(super) from_map: PathMap,
    pub(super) to_map: PathMap,
    /// The time for files of packages that may change.
    pub(super) moment: SystemTime,
}

impl Delivery<'_> {
    /// Delivers a compile to `out_dir`.
    pub(super) fn compile(
        &self,
        unit: &CargoUnit,
        out_dir: &Path,
        stem: &str,
        manifest: &UnitManifest,
        to_map: &PathMap,
        is_published: bool,
    ) -> Result<(), Why> {
        let (from, to) = (self.from.join(out_dir), self.staging.join(out_dir));
        let from_map = &manifest.path_map;
        fsio::create_dir_all(&wrapper_dir(&to))?;
        for (name, digest, stamp) in &manifest.outputs {
            let (from, to) = (from.join(name), to.join(name));
            let time = modified(&from).ok_or("an output is missing")?;
            let time = if is_published { time } else { self.moment };
            if is_linked(name) {
                let program = launcher::program_behind(&from);
                let program = program.as_ref().unwrap_or(&from);
                let has_launcher = *program != from;
                let is_whole = match manifest.places_in(name) {
                    Some(places) => {
                        let is_whole =
                            is_unchanged(program, stamp) || manifest.is_content(name, program);
                        let may_link = has_launcher && is_published && places.is_empty();
                        if is_whole && !(may_link && share::link(program, &to).is_ok()) {
                            share::copy(program, &to)?;
                            places::write(&to, places, to_map)?;
                        } else if is_whole {
                            share::make_read_only(&to)?;
                        }
                        is_whole
                    }
                    None => binary::copy_delivered(program, &to, digest, from_map, to_map)?,
                };
                if !is_whole {
                    return Err("a program is not what was delivered".into());
                }
                if has_launcher {
                    launcher::copy(&from, &to)?;
                }
                share::set_modified(&to, time)?;
                continue;
            }
            if manifest.has_texts && has_extension(name, "rlib") {
                if !native_text::copy_library(&from, &to, digest, from_map, to_map)? {
                    return Err("a library is not what was delivered".into());
                }
                share::set_modified(&to, time)?;
                continue;
            }
            if !is_unchanged(&from, stamp) && !manifest.is_content(name, &from) {
                return Err("an output was written by something else".into());
            }
            if is_published && share::link(&from, &to).is_ok() {
                // rustc refuses to replace read-only metadata. cargo removes a library before it has it made.
                if has_extension(name, "rlib") {
                    share::make_read_only(&to)?;
                }
            } else {
                share::copy(&from, &to)?;
                share::set_modified(&to, time)?;
            }
        }
        let dep_info = format!("{stem}.d");
        self.text(
            &from.join(&dep_info),
            &to.join(&dep_info),
            is_published,
            |text| to_map.to_real_dep_info(&from_map.to_placeholders_dep_info(text)),
        )?;
        let manifest = manifest.moved_to(&to, to_map);
        manifest.write(&wrapper_dir(&to).join(format!("{stem}{MANIFEST_EXTENSION}")));
        self.fingerprint(unit, is_published)
    }

    /// Delivers the run of a build script.
    pub(super) fn run(&self, unit: &CargoUnit, run: &Run, is_published: bool) -> Result<(), Why> {
        self.tree(&run.out_dir, is_published)?;
        let (from, to) = (
            self.from.join(&run.directory),
            self.staging.join(&run.directory),
        );
        fsio::create_dir_all(&to)?;
        for name in fsio::names_in(&from) {
            let (from, to) = (from.join(&name), to.join(&name));
            if from.is_file() {
                self.any(&from, &to, is_published)?;
            }
        }
        self.manifest_of_run(run);
        self.fingerprint(unit, is_published)
    }

    /// Delivers what is known of a run, with which the next worktree is seeded from this one.
    fn manifest_of_run(&self, run: &Run) -> Option<()> {
        let [from, to] = [self.from, self.staging].map(|root| root.join(&run.out_dir));
        let manifest = UnitManifest::read(&build_script::manifest_of_run(&from)?)?;
        let [from, into] = [&self.from_map, &self.to_map].map(|map| {
            let roles = [Role::Target, Role::Workspace].into_iter();
            roles
                .map(|role| Some((role, map.directory(role)?)))
                .collect::<Option<Vec<_>>>()
        });
        let path_map = manifest.path_map.moved(&from?, &into?)?;
        let manifest = manifest.moved_to(&to, &path_map);
        manifest.write(&build_script::manifest_of_run(&to)?);
        Some(())
    }

    /// Delivers the files of a fingerprint, the hash last: without it, cargo takes the unit for incomplete.
    fn fingerprint(&self, unit: &CargoUnit, is_published: bool) -> Result<(), Why> {
        let (from, to) = (
            self.from.join(&unit.fingerprint),
            self.staging.join(&unit.fingerprint),
        );
        fsio::create_dir_all(&to)?;
        let mut names = fsio::names_in(&from);
        names.sort_by_key(|name| *name == unit.name);
        for name in names {
            let (from, to) = (from.join(&name), to.join(&name));
            if name.starts_with("output-") {
                self.text(&from, &to, is_published, |text| {
                    self.to_map
                        .to_real_output(&self.from_map.to_placeholders_output(text))
                })?;
                continue;
            }
            let mut bytes = fsio::read_bytes(&from).ok_or("cargo's record cannot be read")?;
            if name.starts_with("dep-") {
                let change = |path: &[u8]| {
                    self.to_map
                        .to_real_paths(&self.from_map.to_placeholders(path))
                };
                let moved = cargo_dep_info::with_paths(&bytes, change);
                bytes = moved.ok_or("cargo's record has another format")?;
            }
            // The paths of this checkout may contain those of the other one.
            let others = self.to_map.to_placeholders(&bytes);
            if self.from_map.find_in(&others).is_some() {
                return Err("cargo's record contains the other checkout's path".into());
            }
            fsio::write_with_mode_of(&from, &to, &bytes)?;
            self.set_time(&from, &to, is_published)?;
        }
        Ok(())
    }

    /// Delivers the directory `below`, which a build script has filled.
    fn tree(&self, below: &Path, is_published: bool) -> Result<(), Why> {
        let root = self.from.join(below);
        let libraries = Libraries::read(&root);
        let mut copies = libraries.as_ref().map(|known| known.moved_to(&self.to_map));
        let walk = WalkBuilder::new(&root).standard_filters(false).build();
        for entry in walk {
            let entry = entry.map_err(|_| "a file of its build script cannot be read")?;
            let from = entry.path();
            let relative = from.strip_prefix(self.from).map_err(io::Error::other)?;
            let to = self.staging.join(relative);
            let kind = entry
                .file_type()
                .ok_or("a file of its build script cannot be read")?;
            if kind.is_dir() {
                fsio::create_dir_all(&to)?;
            } else if kind.is_symlink() {
                let target = fsio::read_link(from).ok_or("a link cannot be read")?;
                let leads_out = target.is_absolute()
                    || target
                        .components()
                        .any(|part| part == std::path::Component::ParentDir);
                if leads_out {
                    return Err("a link of its build script leads elsewhere".into());
                }
                fsio::replace_link(&to, &target)?;
            } else if kind.is_file() {
                match (&libraries, &mut copies) {
                    (Some(known), Some((copies, moves))) if is_object(from) => {
                        if self.has_path(from) {
                            copy_object(from, &to, known, moves)?;
                            self.set_time(from, &to, is_published)?;
                        } else {
                            self.any(from, &to, is_published)?;
                        }
                        copies.add_copy(known, from, &to);
                    }
                    _ => self.any(from, &to, is_published)?,
                }
            } else {
                return Err("its build script made something that is not a file".into());
            }
        }
        if let Some((copies, _)) = copies {
            copies.write(&self.staging.join(below));
        }
        Ok(())
    }

    /// Whether a file contains a path of the other checkout.
    fn has_path(&self, file: &Path) -> bool {
        let has_path = || Some(self.from_map.find_in(&fsio::read_artifact(file)?).is_some());
        has_path().unwrap_or(true)
    }

    /// Delivers a file of which nothing is known: with the other checkout's paths replaced if it is text. A path in
    /// anything else may have its length beside it.
    fn any(&self, from: &Path, to: &Path, is_published: bool) -> Result<(), Why> {
        let bytes = fsio::read_artifact(from).ok_or("a file of its build script cannot be read")?;
        if self.from_map.find_in(&bytes).is_none() {
            share::copy(from, to)?;
        } else if std::str::from_utf8(&bytes).is_ok() && !bytes.contains(&0) {
            let text = self.move_text(&bytes, |text| {
                self.to_map
                    .to_real_paths(&self.from_map.to_placeholders(text))
            })?;
            fsio::write_with_mode_of(from, to, &text)?;
        } else {
            return Err("a file of its build script contains the other checkout's path".into());
        }
        Ok(self.set_time(from, to, is_published)?)
    }

    fn text(
        &self,
        from: &Path,
        to: &Path,
        is_published: bool,
        change: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<(), Why> {
        let bytes = fsio::read_artifact(from).ok_or("a record cannot be read")?;
        let text = self.move_text(&bytes, change)?;
        fsio::write_with_mode_of(from, to, &text)?;
        Ok(self.set_time(from, to, is_published)?)
    }

    /// `text` after `change`, which replaces the other checkout's paths, if it is certain that it replaced all.
    fn move_text(&self, text: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Result<Vec<u8>, Why> {
        let changed = change(text);
        // The paths of this checkout may contain those of the other one.
        let others = self.to_map.to_placeholders(&changed);
        if self.from_map.find_in(&others).is_some() {
            return Err("a text contains the other checkout's path in another form".into());
        }
        Ok(changed)
    }

    fn set_time(&self, from: &Path, to: &Path, is_published: bool) -> io::Result<()> {
        let time = modified(from).filter(|_| is_published);
        share::set_modified(to, time.unwrap_or(self.moment))
    }
}

/// Whether the file at `path` has the stamp that it had when it was delivered, apart from the change time, which
/// changes with links and modes.
fn is_unchanged(path: &Path, stamp: &FileStamp) -> bool {
    FileStamp::of(path).is_some_and(|now| now.is_same_file(stamp))
}

pub(super) fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension() == Some(OsStr::new(extension))
}

/// Whether a file is an object or archive.
fn is_object(file: &Path) -> bool {
    let mut start = [0; 64];
    fsio::open(file)
        .and_then(|mut file| file.read(&mut start))
        .is_ok_and(|length| relocate::is_object(&start[..length]))
}

/// Copies an object or archive of a run that the store delivered there.
fn copy_object(from: &Path, to: &Path, known: &Libraries, moves: &Moves) -> Result<(), Why> {
    let mode = from.metadata()?.permissions().mode() & 0o777;
    if !relocate::is_legible(fsio::open(from)?, &known.directories())
        || !relocate::copy_moved(fsio::open(from)?, fsio::create_output(to, mode)?, moves)?
    {
        return Err("an object contains a path that cannot be replaced".into());
    }
    Ok(())
}
