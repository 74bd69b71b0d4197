//! Delivers a unit to cargo: its files, its messages and its manifest.

use std::cell::OnceCell;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::KeyedUnit;
use crate::args::is_macro;
use crate::binary::{self, Writer, placeholder_sites};
use crate::builds::{Details, Outcome};
use crate::cache_entry::CacheEntry;
use crate::crate_hash;
use crate::debug_info;
use crate::dep_info::with_outputs_in;
use crate::differential::Verified;
use crate::entry_origin::Origin;
use crate::interface::{self, Interface};
use crate::macro_effects::only_contain_path;
use crate::native_strings::{self, Fill};
use crate::path_leak::PathLeak;
use crate::path_map::Role;
use crate::protocol::CompileRequest;
use crate::storage::Storage;
use crate::uncached::cannot_write;
use crate::unit_manifest::{self, Sharing, manifest_path};
use crate::work_dir::WorkDir;
use crate::{diagnostics, digest};
use sccfg_util::fsio::share;
use sccfg_util::{env, fsio};

/// The unit to deliver.
pub(super) struct Delivery<'d> {
    pub(super) entry: &'d CacheEntry,
    pub(super) origin: Origin,
    /// The work directory with its files.
    pub(super) work: &'d WorkDir,
    pub(super) sharing: Sharing,
    /// The origin of the hit and the result of the comparison, if a hit was compiled as well.
    pub(super) verified: Option<(Origin, Verified)>,
}

impl KeyedUnit<'_> {
    /// Writes this checkout's paths into the files, moves the files to where cargo expects them,
    /// and prints the compiler's messages.
    pub(super) fn deliver(&self, delivery: Delivery<'_>, storage: &Storage) -> ExitCode {
        let Delivery {
            entry,
            origin,
            work,
            sharing,
            verified,
        } = delivery;
        if let Err(error) = self.deliver_files(entry, origin, work) {
            return cannot_write(&self.unit.out_dir, &error);
        }
        let found = match verified {
            Some((found, Verified::Same | Verified::NotReproducible)) => found,
            Some((_, Verified::Differs)) | None => origin,
        };
        let outcome = Outcome::of_entry(found, storage.is_shared());
        let is_hit = outcome.is_hit();
        let mut manifest = self.manifest(entry);
        manifest.sharing = sharing;
        let details = Details {
            took: entry.took.filter(|_| is_hit),
            here: manifest.why_not_everywhere(),
            needs_same_length: self.key.path_map.has_unmapped_vendored(),
            is_stale: origin == Origin::CompiledStale,
            before: self.before_of(&outcome).cloned(),
            verified: verified.map(|(_, verified)| verified),
            ..Details::default()
        };
        let path_map = &self.key.path_map;
        if origin == Origin::CompiledStale {
            // The unit was compiled from other sources than those in the key.
            manifest.closure.clear();
        } else if !manifest.closure.is_empty() {
            manifest.portable_closure = match &manifest.sharing {
                Sharing::Everywhere => self.key.portable_closure(false),
                Sharing::PathLeaked(PathLeak::Embedded(_)) => self.key.portable_closure(true),
                Sharing::PathLeaked(_) | Sharing::KeyedByPath(_) | Sharing::NotCached(_) => None,
            };
        }
        manifest.hit = is_hit;
        manifest.interface = if is_macro(&self.unit.crate_types) {
            let closure = manifest.portable_closure.as_deref();
            closure.and_then(|closure| self.interface_of_macros(closure))
        } else {
            self.interface(manifest.sharing != Sharing::Everywhere)
        };
        manifest.write(&manifest_path(self.unit));
        let _ = io::stdout().write_all(&path_map.to_real_output(entry.stdout.bytes()));
        let stderr = path_map.to_real_output(entry.stderr.bytes());
        let _ = io::stderr().write_all(&self.early.without_announcement(stderr));
        self.record_as(&entry.key, outcome, details);
        ExitCode::SUCCESS
    }

    /// Delivers the metadata of a library as soon as `line`, from rustc's standard error, announces
    /// it. cargo then starts the dependents while rustc still generates code. For `is_tied`, see [`Self::interface`].
    pub(super) fn deliver_early(
        &self,
        request: &CompileRequest,
        line: &[u8],
        is_final: &dyn Fn() -> bool,
        is_tied: bool,
    ) {
        if self.unit.is_linked() || self.early.is_delivered() {
            return;
        }
        let Some(announced) = diagnostics::announced_metadata(line) else {
            return;
        };
        if !is_final() {
            return;
        }
        let name = self.outputs.iter().find(|name| announced.ends_with(name));
        let Some(name) = name.filter(|_| announced.starts_with(&self.work.0)) else {
            return;
        };
        // rustc reads the file again, so a copy is delivered.
        let second = self.work.0.join("early.rmeta");
        let to = self.unit.out_dir.join(name);
        let is_linked = unit_manifest::is_final(name, &self.key.path_map)
            && share::link(&announced, &second).is_ok();
        let second_is_there = if is_linked {
            Ok(())
        } else {
            share::copy(&announced, &second)
        };
        let delivered = second_is_there.and_then(|()| fsio::rename(&second, &to));
        let Some(digest) = digest::of_file(&to).filter(|_| delivered.is_ok()) else {
            return;
        };
        let mut entry = CacheEntry::new(&self.key.key);
        entry.outputs.push((name.clone(), digest));
        self.before();
        // Dependents need the manifest for their keys.
        let mut manifest = self.manifest(&entry);
        manifest.interface = self.interface(is_tied);
        manifest.write(&manifest_path(self.unit));
        self.early.set(name);
        let _ = io::stderr().write_all(&request.with_out_dir(line));
    }

    /// What the library is to crates above it, if its hash may be another one in another checkout. `is_tied`: whether the result of
    /// its compile is known to depend on the path of this one. Metadata that is delivered early must have the same interface as
    /// later, as it is in keys. That of a registry may be delivered before it is known that the output contains a path.
    fn interface(&self, is_tied: bool) -> Option<Interface> {
        let key = &self.key;
        let is_own = key.path_map.directory(Role::Workspace).is_some();
        let may_differ = is_tied && is_own
            || key.keyed_by_path.is_some()
            || !key.exposed_variables.is_empty()
            || !key.below.hashes.is_empty()
            || key.names_path();
        let has_none = self.unit.is_linked() && !key.below.keeps_hashes_of_same_code();
        if !may_differ || has_none {
            return None;
        }
        let find = || {
            let output = |is_one: fn(&Path) -> bool| {
                let mut names = self.outputs.iter();
                names.find(|name| is_one(Path::new(name)))
            };
            let library = output(interface::is_metadata).or_else(|| output(interface::is_rlib));
            let path = library.map(|name| self.unit.out_dir.join(name));
            Interface::of(self.unit, path.as_deref(), &key.below)
        };
        // The metadata that is delivered early does not change.
        Some(self.interface.get_or_init(find).clone())
    }

    /// What the library of procedural macros is to the crates that use them, if it contains a path on which no expansion depends.
    /// `closure` is its portable one.
    fn interface_of_macros(&self, closure: &str) -> Option<Interface> {
        let package = env::var("CARGO_PKG_NAME")?;
        let name = self
            .outputs
            .first()
            .filter(|_| only_contain_path(&package))?;
        Interface::of_macros(self.unit, &self.unit.out_dir.join(name), closure)
    }

    /// Writes the dep-info of a failed compile, which the compiler leaves as well: build scripts that probe the compiler may
    /// see it.
    pub(super) fn deliver_dep_info_of_failed(&self) {
        let request = self.request();
        if let Some(dep_info) = fsio::read_bytes(self.work.0.join(&request.dep_info)) {
            let dep_info = request.with_out_dir(&dep_info);
            let dep_info = self.key.path_map.to_real_dep_info(&dep_info);
            // The build fails in any case.
            let _ = fsio::write_output(&self.unit.out_dir.join(&request.dep_info), &dep_info);
        }
    }

    fn deliver_files(&self, entry: &CacheEntry, origin: Origin, work: &WorkDir) -> io::Result<()> {
        let unit = self.unit;
        let path_map = &self.key.path_map;
        let out_dir = path_map.to_placeholders(unit.out_dir.as_os_str().as_encoded_bytes());
        let dep_info = with_outputs_in(&out_dir, entry.dep_info.bytes());
        let dep_info = path_map.to_real_dep_info(&dep_info);
        let name = format!("{}.d", unit.stem());
        let to = unit.out_dir.join(&name);
        let is_compiled = matches!(origin, Origin::Compiled | Origin::CompiledStale);
        // The compiler wrote such a file.
        let is_moved =
            is_compiled && fsio::move_output(&work.0.join(&name), &to, &dep_info).is_ok();
        if !is_moved {
            fsio::write_output(&to, &dep_info)?;
        }
        let writer = match origin {
            Origin::Sccache => Writer::Server,
            Origin::Store | Origin::Compiled | Origin::CompiledStale => Writer::ThisProcess,
        };
        let is_undelivered = |name: &&String| self.early.name() != Some(name.as_str());
        for name in self.outputs.iter().filter(is_undelivered) {
            let from = work.file(name, origin);
            let to = debug_info::path_in(&unit.out_dir, name);
            if let Some((theirs, ours)) = entry.move_of(path_map) {
                binary::move_cargo_home(&from, theirs, ours)?;
            }
            if !entry.moved_hashes.is_empty() {
                crate_hash::replace(&from, &entry.moved_hashes)?;
            }
            if unit.is_linked() && unit.is_final_output(name) {
                match entry.sites_in(name) {
                    Some(sites) => placeholder_sites::deliver(&from, &to, sites, path_map, writer)?,
                    None => binary::deliver(&from, &to, path_map, writer)?,
                }
                continue;
            }
            if let Some(sites) = entry.sites_in(name) {
                placeholder_sites::write(&from, sites, path_map)?;
            }
            if entry.has_texts {
                native_strings::write_paths(&from, path_map, Fill::Mark)?;
            }
            fsio::rename_link(&from, &to)?;
        }
        if let Some(archive) = debug_info::unpacked_from(unit, entry) {
            debug_info::unpack(&unit.out_dir, &archive, path_map)?;
        }
        Ok(())
    }
}

/// The name of the metadata file that was delivered before the compile ended, if one was.
#[derive(Default)]
pub(in crate::rustc_wrapper) struct EarlyMetadata(OnceCell<String>);

impl EarlyMetadata {
    fn name(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Whether it was delivered.
    pub(in crate::rustc_wrapper) fn is_delivered(&self) -> bool {
        self.name().is_some()
    }

    fn set(&self, name: &str) {
        let _ = self.0.set(name.to_owned());
    }

    /// The compiler's messages without the announcement of the metadata, if that was printed already.
    pub(super) fn without_announcement(&self, stderr: Vec<u8>) -> Vec<u8> {
        if self.name().is_none() {
            return stderr;
        }
        let lines = stderr.split_inclusive(|byte| *byte == b'\n');
        let others = lines.filter(|line| diagnostics::announced_metadata(line).is_none());
        others.flatten().copied().collect()
    }
}
